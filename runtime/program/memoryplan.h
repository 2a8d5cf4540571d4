/* Memory of a request, from sizes alone. */
#ifndef IAD_PROGRAM_MEMORYPLAN_H
#define IAD_PROGRAM_MEMORYPLAN_H

#include "runtime/model/config.h"
#include "runtime/tensor/dtype.h"

typedef struct iad_memory_request {
    int k, batch;
    int64_t max_tokens;
    int width, height;     /* wanted size of pictures, not 0 */
    double retention;
    iad_dtype text_storage, vision_storage; /* IAD_F32, IAD_BF16, IAD_I8 */
    iad_dtype embed_stored;
    int fusion;            /* 1: the paper's additions run */
} iad_memory_request;

typedef struct iad_memory_plan {
    iad_memory_request request;
    int width, height;     /* after resizing */
    int64_t image_tokens, prefix_tokens, query_tokens;
    uint64_t text_weights, vision_weights, prefix_kv, query_kv, workspace, buffers, pictures, total; /* bytes */
    uint64_t mapped;       /* the embeddings, read from the mapped file */
} iad_memory_plan;

iad_status iad_memory_plan_make(const iad_model_config *config, const iad_memory_request *request, iad_memory_plan *plan, iad_err *err);

#endif
