/* Names of tensors: patterns over them, and the bucket that each belongs to. */
#ifndef IAD_TRAIN_PARAMRULES_H
#define IAD_TRAIN_PARAMRULES_H

#include <stddef.h>

/* 1 when the whole of `name` fits `pattern`, in which every '*' stands for any run of characters (also none, also dots). */
int iad_param_match(const char *pattern, const char *name);

/* Name of the bucket of a tensor (old style): one per block and layer ("visual.blocks.3", "model.layers.0"), and for what stands between
 * them "visual.patch_embed", "visual.merger", "model.embed_tokens", "head" (last norm and head), "fusion". Cut at size. */
void iad_param_bucket_name(const char *name, char *bucket, size_t size);

#endif
