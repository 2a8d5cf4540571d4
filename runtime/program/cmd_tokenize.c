/* iadgpt tokenize: text to token ids and back, with the tokenizer of a checkpoint. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/progress.h"
#include "runtime/program/program.h"
#include "runtime/token/tokenizer.h"

enum { MAX_STDIN = 1 << 30, IDS_PER_WRITE = 1 << 16 };

typedef struct options {
    const char *model, *file;
    int count, decode, pieces, added, skip_special;
} options;

static iad_status read_stdin(uint8_t **data, size_t *n, iad_err *err) {
    iad_buf text;
    iad_buf_init(&text, MAX_STDIN);
    char chunk[65536];
    iad_status status = IAD_OK;
    for (size_t got; status == IAD_OK && (got = fread(chunk, 1, sizeof chunk, stdin)) > 0;) status = iad_buf_add(&text, chunk, got, err);
    if (status == IAD_OK && ferror(stdin)) status = IAD_FAIL(err, IAD_ERR_IO, "standard input cannot be read");
    if (status == IAD_OK) {
        *data = (uint8_t *)iad_buf_take(&text, n);
        if (!*data) status = IAD_NOMEM(err, "the text");
    }
    iad_buf_deinit(&text);
    return status;
}

static iad_status join(const iad_strings *words, uint8_t **data, size_t *n, iad_err *err) {
    iad_buf text;
    iad_buf_init(&text, MAX_STDIN);
    iad_status status = IAD_OK;
    for (size_t i = 0; i < words->n && status == IAD_OK; i++) {
        if (i) status = iad_buf_add_str(&text, " ", err);
        if (status == IAD_OK) status = iad_buf_add_str(&text, words->items[i], err);
    }
    if (status == IAD_OK) {
        *data = (uint8_t *)iad_buf_take(&text, n);
        if (!*data) status = IAD_NOMEM(err, "the text");
    }
    iad_buf_deinit(&text);
    return status;
}

static iad_status print_ids(const iad_token_list *list, iad_err *err) {
    iad_buf out;
    iad_buf_init(&out, (size_t)1 << 30);
    iad_status status = iad_buf_add_str(&out, "[", err);
    for (size_t i = 0; i < list->n && status == IAD_OK; i++) {
        status = iad_buf_addf(&out, err, i ? ",%d" : "%d", list->ids[i]);
        if (status == IAD_OK && i % IDS_PER_WRITE == IDS_PER_WRITE - 1) status = iad_print(&out, err);
    }
    if (status == IAD_OK) status = iad_buf_add_str(&out, "]\n", err);
    if (status == IAD_OK) status = iad_print(&out, err);
    iad_buf_deinit(&out);
    return status;
}

static iad_status print_pieces(const iad_tokenizer *tok, const iad_token_list *list, iad_err *err) {
    iad_buf out, piece;
    iad_buf_init(&out, (size_t)1 << 30);
    iad_buf_init(&piece, IAD_TOKEN_MAX_BYTES + 1);
    iad_status status = IAD_OK;
    for (size_t i = 0; i < list->n && status == IAD_OK; i++) {
        size_t n = 0;
        const char *bytes = iad_tokenizer_bytes(tok, list->ids[i], &n);
        iad_buf_reset(&piece);
        status = iad_buf_add(&piece, bytes, n, err);
        if (status == IAD_OK)
            status = iad_buf_addf(&out, err, "{\"id\":%d,\"begin\":%u,\"end\":%u,\"text\":", list->ids[i], list->begin[i], list->end[i]);
        if (status == IAD_OK) status = iad_json_name(iad_buf_str(&piece), &out, err);
        if (status == IAD_OK) status = iad_buf_add_str(&out, "}\n", err);
        if (status == IAD_OK && out.len > 65536) status = iad_print(&out, err);
    }
    if (status == IAD_OK) status = iad_print(&out, err);
    iad_buf_deinit(&piece);
    iad_buf_deinit(&out);
    return status;
}

static iad_status encode(const options *o, const iad_tokenizer *tok, const uint8_t *data, size_t n, iad_err *err) {
    iad_token_scratch *scratch = NULL;
    iad_token_list list = {0};
    IAD_TRY(iad_token_scratch_new(&scratch, err));
    double started = iad_clock();
    int flags = (o->added ? IAD_TOKEN_ADDED : 0) | (o->pieces ? IAD_TOKEN_OFFSETS : 0);
    iad_status status = iad_tokenizer_encode(tok, scratch, (const char *)data, n, flags, &list, err);
    double seconds = iad_clock() - started;
    iad_token_scratch_free(scratch);
    if (status == IAD_OK && o->count) {
        printf("%zu\n", list.n);
        fprintf(stderr, "bytes=%zu tokens=%zu seconds=%.6f mb_per_s=%.2f\n", n, list.n, seconds, seconds > 0 ? (double)n / 1e6 / seconds : 0);
    } else if (status == IAD_OK) {
        status = o->pieces ? print_pieces(tok, &list, err) : print_ids(&list, err);
    }
    iad_token_list_deinit(&list);
    return status;
}

/* Numbers between any of " ,[]" and line ends: what encode prints, or a plain list. */
static iad_status parse_ids(char *text, size_t n, iad_token_list *list, iad_err *err) {
    for (size_t i = 0; i < n;) {
        size_t len = 0;
        while (i + len < n && !strchr(" ,[]\t\r\n", text[i + len])) len++;
        if (len > 0) {
            char word[24];
            int64_t id = 0;
            if (len >= sizeof word) return IAD_FAIL(err, IAD_ERR_FORMAT, "\"%.40s\" is no token id", text + i);
            memcpy(word, text + i, len);
            word[len] = 0;
            if (iad_parse_i64(word, 0, IAD_TOKEN_MAX_VOCAB - 1, "token id", &id, err) != IAD_OK)
                return err ? (err->code = IAD_ERR_FORMAT) : IAD_ERR_FORMAT;
            IAD_TRY(iad_token_list_add(list, (int32_t)id, 0, 0, 0, err));
        }
        i += len ? len : 1;
    }
    return IAD_OK;
}

static iad_status decode(const options *o, const iad_tokenizer *tok, uint8_t *data, size_t n, iad_err *err) {
    iad_token_list list = {0};
    iad_buf out;
    iad_buf_init(&out, (size_t)1 << 30);
    iad_status status = parse_ids((char *)data, n, &list, err);
    if (status == IAD_OK) status = iad_tokenizer_decode(tok, list.ids, list.n, o->skip_special, &out, err);
    if (status == IAD_OK) status = iad_print(&out, err);
    iad_token_list_deinit(&list);
    iad_buf_deinit(&out);
    return status;
}

static iad_status tokenize(const options *o, const iad_strings *words, iad_err *err) {
    if (o->file && words->n) return IAD_FAIL(err, IAD_ERR_ARG, "--file and text on the command line exclude each other");
    if (o->decode && (o->count || o->pieces)) return IAD_FAIL(err, IAD_ERR_ARG, "--decode goes with neither --count nor --pieces");
    iad_tokenizer *tok = NULL;
    IAD_TRY(iad_tokenizer_load(o->model, &tok, err));
    uint8_t *data = NULL;
    size_t n = 0;
    iad_status status = o->file ? iad_file_read(o->file, IAD_TOKEN_MAX_TEXT, &data, &n, err) : words->n ? join(words, &data, &n, err)
        : read_stdin(&data, &n, err);
    if (status == IAD_OK) status = o->decode ? decode(o, tok, data, n, err) : encode(o, tok, data, n, err);
    free(data);
    iad_tokenizer_free(tok);
    return status;
}

int iad_cmd_tokenize(iad_app *app, int argc, char **argv, iad_err *err) {
    options o = {0};
    const iad_arg table[] = {
        {.kind = IAD_ARG_STRING, .name = "model", .value = &o.model, .meta = "DIR", .help = "folder with the tokenizer's files", .required = 1},
        {.kind = IAD_ARG_STRING, .name = "file", .value = &o.file, .meta = "FILE",
         .help = "read this file instead of the words given or standard input"},
        {.kind = IAD_ARG_FLAG, .name = "count", .value = &o.count, .help = "print the number of tokens only, and the speed on stderr"},
        {.kind = IAD_ARG_FLAG, .name = "pieces", .value = &o.pieces, .help = "one JSON line per token: id, bytes begin..end of the text, text"},
        {.kind = IAD_ARG_FLAG, .name = "added", .value = &o.added, .help = "literals such as <|im_end|> become their control token"},
        {.kind = IAD_ARG_FLAG, .name = "decode", .value = &o.decode, .help = "the input is ids; print their text"},
        {.kind = IAD_ARG_FLAG, .name = "skip-special", .value = &o.skip_special, .help = "with --decode: leave out control tokens"},
        {.kind = IAD_ARG_END}};
    const iad_command self = {.name = "tokenize", .usage = "--model DIR [options] [TEXT...]",
                              .help = "Prints the token ids of a text as a JSON list."};
    iad_strings operands = {0};
    int code = iad_app_parse(app, &self, argc, argv, table, &operands, err);
    if (code < 0) code = iad_app_exit_code(tokenize(&o, &operands, err));
    iad_strings_deinit(&operands);
    return code;
}
