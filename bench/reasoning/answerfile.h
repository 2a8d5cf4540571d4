/* answers.jsonl: what a system said, one question a line, written as it comes. The same reader takes the answers of any other tool.
 *
 *     {"format": "iadgpt-answers-1", "task": "mmad", "key": "<64 hex digits>", "system": "..."}      our own files only, first line
 *     {"id": "...", "answer": "...", "finish": "end", "tokens": 12, "resized": [w, h], "source": [w, h]}  finish: end | length | repetition
 *     {"id": "...", "nll": 41.5, "tokens": 17}                                                      losses: sum of -log p, over so many tokens */
#ifndef IAD_BENCH_ANSWERFILE_H
#define IAD_BENCH_ANSWERFILE_H

#include <jansson.h>

#include "bench/reasoning/asklist.h"

#define IAD_ANSWER_MAX_TEXT (1024u * 1024u) /* bytes of one answer */
#define IAD_ANSWER_MAX_LINE (8u * 1024u * 1024u)

typedef struct iad_said {
    int there;
    char *text;      /* owned; NULL for losses */
    char finish[16]; /* "" unknown */
    int64_t tokens;
    int resized_w, resized_h, source_w, source_h; /* 0: unknown */
    double nll;                                   /* sum over the tokens; NAN: none */
} iad_said;

/* One entry per question, in their order. */
typedef struct iad_sayings {
    iad_said *items;
    size_t n;              /* of the questions */
    size_t there;          /* with an answer */
    size_t foreign, again; /* lines about no question of the list; about one that had an answer already (the first counts) */
    const char **ids;      /* sorted, with the place of each in `place` */
    size_t *place;
} iad_sayings;

/* asks must outlive it, with its ids unchanged. */
iad_status iad_sayings_init(iad_sayings *s, const iad_asks *asks, iad_err *err);
void iad_sayings_deinit(iad_sayings *s);
/* Index of the question with this id, SIZE_MAX: none. */
size_t iad_sayings_find(const iad_sayings *s, const char *id);

/* Reads lines into s; a first line with "format" is the head, kept in *head (a new reference, NULL: none) when head is not NULL. *whole: bytes up to
 * and with the last line break; what stands behind it is torn. Members: id, answer (or text, response), finish, tokens, resized, source, nll. Errors
 * name the line: IAD_ERR_FORMAT, IAD_ERR_LIMIT. */
iad_status iad_sayings_read(iad_sayings *s, const char *text, size_t n, const char *name, json_t **head, size_t *whole, iad_err *err);
/* A file of another tool: no line may be torn, and an id that is not asked for is counted only. */
iad_status iad_sayings_load(iad_sayings *s, const char *path, iad_err *err);

typedef struct iad_answer_file iad_answer_file;
/* Opens or creates the file for going on: what it holds goes into s, a torn last line is cut off. The head must say the same task, key and system,
 * else IAD_ERR_EXISTS (restart 1: the file begins anew). Another process that has it open is IAD_ERR_EXISTS, too. */
iad_status iad_answer_file_open(const char *path, const char *task, const char *key, const char *system, int restart, iad_sayings *s,
                                iad_answer_file **file, iad_err *err);
/* Appends one line and takes the answer into the list; text is copied. After it returns, a kill loses nothing of it. */
iad_status iad_answer_file_add(iad_answer_file *file, iad_sayings *s, const iad_asks *asks, size_t at, const iad_said *said, iad_err *err);
/* To the disk, and closes. NULL is fine. */
iad_status iad_answer_file_close(iad_answer_file *file, iad_err *err);

#endif
