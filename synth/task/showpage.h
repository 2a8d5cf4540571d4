/* Records as a person can look at them: the pictures as the model will see them, mask and boxes over the query, marked words, answer, facts. One page
 * without other files. */
#ifndef IAD_SYNTH_SHOWPAGE_H
#define IAD_SYNTH_SHOWPAGE_H

#include "base/buf.h"
#include "synth/recipe/picturestore.h"
#include "synth/task/taskview.h"

/* Head and foot of the page. Appended. */
iad_status iad_show_head(const char *title, iad_buf *out, iad_err *err);
iad_status iad_show_foot(iad_buf *out, iad_err *err);
/* One record; `side` bounds the pictures (pixels). A picture that cannot be had is a box with the reason, counted in *broken; everything from the
 * manifest is escaped. Appended. Errors: IAD_ERR_FORMAT (spans or boxes that cannot be read; the record is named), IAD_ERR_LIMIT. */
iad_status iad_show_record(iad_manifest *manifest, iad_picture_loader *loader, const iad_task_view *view, int side, size_t *broken, iad_buf *out,
                           iad_err *err);

#endif
