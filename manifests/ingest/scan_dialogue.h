/* What the three text data sets share: pictures named by records, and the words of a task. */
#ifndef IAD_MANIFESTS_SCAN_DIALOGUE_H
#define IAD_MANIFESTS_SCAN_DIALOGUE_H

#include "base/buf.h"
#include "manifests/ingest/scan_tree.h"

#define IAD_SCAN_MAX_TEXT (1024u * 1024u) /* one question or answer */
#define IAD_SCAN_MAX_PICTURES 64u         /* in one record */

/* Where a picture named by a record lies: `listed` below one of `folders` ("" is the root, NULL ends), spelt as in the tree; then
 * the same without the first component of `listed` (the root is that folder). NULL when it is nowhere or unsafe. */
const char *iad_scan_locate(const iad_scan_tree *tree, const char *const *folders, const char *listed);

/* Number of "<image>" tokens in a text. */
size_t iad_scan_image_tokens(const char *text);

/* Replaces *out by `tokens` times "<image>\n" and the text: a stored question names its pictures in order. */
iad_status iad_scan_question(iad_buf *out, size_t tokens, const char *text, iad_err *err);

/* Appends {"from": from, "value": value} to a JSON array. */
iad_status iad_scan_add_turn(json_t *turns, const char *from, const char *value, iad_err *err);

#endif
