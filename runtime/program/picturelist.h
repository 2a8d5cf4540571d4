/* Pictures as users name them: files, folders, patterns. */
#ifndef IAD_PROGRAM_PICTURELIST_H
#define IAD_PROGRAM_PICTURELIST_H

#include <stddef.h>

#include "base/log.h"
#include "base/text.h"
#include "runtime/iadgpt.h"

#define IAD_PICTURES_MAX 10000000u /* files of one run */

typedef struct iad_picture_list {
    iad_strings paths; /* as to be opened */
    iad_strings names; /* what the map of this picture is called, without extension: relative to the folder that was named, unique */
} iad_picture_list;
void iad_picture_list_deinit(iad_picture_list *list);

/* Adds what each operand names: a file as it stands; a folder's pictures, by their first bytes, at any depth, numbers in names ordered
 * as numbers; for a word with * ? or [ that is no file, what the pattern matches, in the same order. A picture that is named twice counts
 * once. Errors: IAD_ERR_NOT_FOUND (nothing there; a folder or pattern without pictures), IAD_ERR_LIMIT, IAD_ERR_IO. */
iad_status iad_picture_list_expand(const iad_strings *operands, const char *what, iad_picture_list *list, iad_err *err);

/* Loads pictures[i] from paths[i] on `threads` threads; statuses and errors [n]. Every picture must be freed. */
void iad_pictures_load(char *const *paths, size_t n, int threads, iadgpt_picture *pictures, iadgpt_status *statuses, iadgpt_error *errors);

#endif
