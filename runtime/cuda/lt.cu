#include "runtime/cuda/lt.cuh"

enum { BUCKETS = 1024, MAX_PLANS = 16384, MAX_ALIGN = 256 };

/* What a plan depends on. No padding holes: compared as bytes. */
typedef struct plan_key {
    int64_t m, n, k, x_stride, w_stride, y_stride;
    int32_t x_type, w_type, y_type, bias_type; /* bias_type -1: none */
    int32_t x_turned, w_rows_are_out, add, x_align, w_align, y_align;
} plan_key;

typedef struct plan {
    plan_key key;
    cublasLtMatmulDesc_t desc;
    cublasLtMatrixLayout_t w, x, y; /* as the library sees them: column-major, so everything is turned and w comes first */
    cublasLtMatmulAlgo_t algo;
    int works;                      /* 0: the library has no algorithm */
    struct plan *next;
} plan;

struct iad_lt {
    const iad_cuda_device *device;
    const iad_lt_api *api;
    cublasLtHandle_t handle;
    pthread_mutex_t lock;           /* of the table; a plan never changes once it stands there, but for the bias pointer: see run */
    plan *buckets[BUCKETS];
    size_t n;
};

static const char *status_name(cublasStatus_t status) {
    switch (status) {
    case CUBLAS_STATUS_NOT_INITIALIZED: return "not initialised";
    case CUBLAS_STATUS_ALLOC_FAILED: return "out of memory";
    case CUBLAS_STATUS_INVALID_VALUE: return "invalid value";
    case CUBLAS_STATUS_ARCH_MISMATCH: return "not on this card";
    case CUBLAS_STATUS_EXECUTION_FAILED: return "execution failed";
    case CUBLAS_STATUS_NOT_SUPPORTED: return "not supported";
    default: return "failed";
    }
}

static iad_status lt_fail(iad_err *err, cublasStatus_t status, const char *what, const char *file, int line) {
    iad_status code = status == CUBLAS_STATUS_ALLOC_FAILED   ? IAD_ERR_NOMEM
                      : status == CUBLAS_STATUS_NOT_SUPPORTED ? IAD_ERR_UNSUPPORTED
                                                              : IAD_ERR_INTERNAL;
    return iad_err_set(err, code, file, line, "cuBLASLt: %s: %s (%d)", what, status_name(status), (int)status);
}

#define LT_TRY(err, what, call)                                                                             \
    do {                                                                                                    \
        cublasStatus_t lt_status = (call);                                                                  \
        if (lt_status != CUBLAS_STATUS_SUCCESS) return lt_fail((err), lt_status, (what), __FILE__, __LINE__); \
    } while (0)

iad_status iad_lt_open(const iad_cuda_device *device, iad_lt **lt, iad_err *err) {
    *lt = NULL;
    const iad_lt_api *api;
    iad_status status = iad_lt_library(&api, err);
    if (status != IAD_OK) {
        (void)iad_err_prefix(err, "%s", device->name);
        return status;
    }
    iad_lt *made = (iad_lt *)iad_calloc(1, sizeof *made);
    if (made == NULL) return IAD_NOMEM(err, "the plans of products");
    made->device = device;
    made->api = api;
    (void)pthread_mutex_init(&made->lock, NULL);
    cublasStatus_t code = api->create(&made->handle);
    if (code != CUBLAS_STATUS_SUCCESS) {
        made->handle = NULL;
        iad_lt_close(made);
        return lt_fail(err, code, device->name, __FILE__, __LINE__);
    }
    *lt = made;
    return IAD_OK;
}

static void plan_free(const iad_lt_api *api, plan *p) {
    if (p == NULL) return;
    if (p->desc != NULL) (void)api->desc_destroy(p->desc);
    if (p->w != NULL) (void)api->layout_destroy(p->w);
    if (p->x != NULL) (void)api->layout_destroy(p->x);
    if (p->y != NULL) (void)api->layout_destroy(p->y);
    free(p);
}

static void drop_plans(iad_lt *lt) {
    for (int b = 0; b < BUCKETS; b++)
        while (lt->buckets[b] != NULL) {
            plan *p = lt->buckets[b];
            lt->buckets[b] = p->next;
            plan_free(lt->api, p);
        }
    lt->n = 0;
}

void iad_lt_close(iad_lt *lt) {
    if (lt == NULL) return;
    drop_plans(lt);
    if (lt->handle != NULL) (void)lt->api->destroy(lt->handle);
    (void)pthread_mutex_destroy(&lt->lock);
    free(lt);
}

/* The power of two that an address is a multiple of, up to MAX_ALIGN. */
static int32_t align_of(const void *pointer) {
    uintptr_t at = (uintptr_t)pointer | MAX_ALIGN;
    return (int32_t)(at & (~at + 1));
}

static plan_key key_of(const iad_lt_product *p) {
    plan_key key;
    memset(&key, 0, sizeof key);
    key.m = p->m;
    key.n = p->n;
    key.k = p->k;
    key.x_stride = p->x_stride;
    key.w_stride = p->w_stride;
    key.y_stride = p->y_stride;
    key.x_type = (int32_t)p->x_type;
    key.w_type = (int32_t)p->w_type;
    key.y_type = (int32_t)p->y_type;
    key.bias_type = p->bias != NULL ? (int32_t)p->bias_type : -1;
    key.x_turned = p->x_turned;
    key.w_rows_are_out = p->w_rows_are_out;
    key.add = p->beta != 0;
    key.x_align = align_of(p->x);
    key.w_align = align_of(p->w);
    key.y_align = align_of(p->y);
    return key;
}

static size_t bucket_of(const plan_key *key) {
    const unsigned char *bytes = (const unsigned char *)key;
    uint64_t h = 0xcbf29ce484222325u; /* FNV-1a */
    for (size_t i = 0; i < sizeof *key; i++) h = (h ^ bytes[i]) * 0x100000001b3u;
    return (size_t)(h >> 20) % BUCKETS;
}

static iad_status describe(const iad_lt *lt, const iad_lt_product *p, plan *made, iad_err *err) {
    const iad_lt_api *api = lt->api;
    int integers = p->x_type == CUDA_R_8I;
    LT_TRY(err, "description", api->desc_create(&made->desc, integers ? CUBLAS_COMPUTE_32I : CUBLAS_COMPUTE_32F, integers ? CUDA_R_32I : CUDA_R_32F));
    /* Row-major y = x w' is column-major y' = w x': the library's A is w, its B is x, its m our n. */
    cublasOperation_t op_w = p->w_rows_are_out ? CUBLAS_OP_T : CUBLAS_OP_N, op_x = p->x_turned ? CUBLAS_OP_T : CUBLAS_OP_N;
    LT_TRY(err, "description", api->desc_set(made->desc, CUBLASLT_MATMUL_DESC_TRANSA, &op_w, sizeof op_w));
    LT_TRY(err, "description", api->desc_set(made->desc, CUBLASLT_MATMUL_DESC_TRANSB, &op_x, sizeof op_x));
    if (p->bias != NULL) {
        cublasLtEpilogue_t epilogue = CUBLASLT_EPILOGUE_BIAS;
        int32_t type = (int32_t)p->bias_type;
        LT_TRY(err, "bias", api->desc_set(made->desc, CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue, sizeof epilogue));
        LT_TRY(err, "bias", api->desc_set(made->desc, CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, &type, sizeof type));
        LT_TRY(err, "bias", api->desc_set(made->desc, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &p->bias, sizeof p->bias));
    }
    uint64_t n = (uint64_t)p->n, k = (uint64_t)p->k, m = (uint64_t)p->m;
    LT_TRY(err, "weights", api->layout_create(&made->w, p->w_type, p->w_rows_are_out ? k : n, p->w_rows_are_out ? n : k, p->w_stride));
    LT_TRY(err, "inputs", api->layout_create(&made->x, p->x_type, p->x_turned ? m : k, p->x_turned ? k : m, p->x_stride));
    LT_TRY(err, "outputs", api->layout_create(&made->y, p->y_type, n, m, p->y_stride));
    return IAD_OK;
}

/* Asks the library for its best algorithm within the workspace. None is no error: made->works stays 0. */
static iad_status choose(const iad_lt *lt, plan *made, iad_err *err) {
    const iad_lt_api *api = lt->api;
    cublasLtMatmulPreference_t preference;
    LT_TRY(err, "preference", api->preference_create(&preference));
    uint64_t workspace = IAD_CUDA_LT_WORKSPACE;
    uint32_t w_align = (uint32_t)made->key.w_align, x_align = (uint32_t)made->key.x_align, y_align = (uint32_t)made->key.y_align;
    cublasStatus_t code = api->preference_set(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &workspace, sizeof workspace);
    if (code == CUBLAS_STATUS_SUCCESS) code = api->preference_set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, &w_align, sizeof w_align);
    if (code == CUBLAS_STATUS_SUCCESS) code = api->preference_set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, &x_align, sizeof x_align);
    if (code == CUBLAS_STATUS_SUCCESS) code = api->preference_set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, &y_align, sizeof y_align);
    if (code == CUBLAS_STATUS_SUCCESS) code = api->preference_set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, &y_align, sizeof y_align);
    cublasLtMatmulHeuristicResult_t result;
    memset(&result, 0, sizeof result);
    int found = 0;
    if (code == CUBLAS_STATUS_SUCCESS)
        code = api->heuristic(lt->handle, made->desc, made->w, made->x, made->y, made->y, preference, 1, &result, &found);
    (void)api->preference_destroy(preference);
    if (code == CUBLAS_STATUS_NOT_SUPPORTED || code == CUBLAS_STATUS_INVALID_VALUE) return IAD_OK;
    if (code != CUBLAS_STATUS_SUCCESS) return lt_fail(err, code, "choice of an algorithm", __FILE__, __LINE__);
    made->works = found > 0 && result.state == CUBLAS_STATUS_SUCCESS;
    made->algo = result.algo;
    return IAD_OK;
}

/* The plan of a product, made when it is the first of its kind. Under the lock. */
static iad_status plan_get(iad_lt *lt, const iad_lt_product *p, plan **got, iad_err *err) {
    plan_key key = key_of(p);
    plan **bucket = &lt->buckets[bucket_of(&key)];
    for (plan *at = *bucket; at != NULL; at = at->next)
        if (memcmp(&at->key, &key, sizeof key) == 0) {
            *got = at;
            return IAD_OK;
        }
    if (lt->n == MAX_PLANS) drop_plans(lt); /* as many shapes as this have no time to come back */
    plan *made = (plan *)iad_calloc(1, sizeof *made);
    if (made == NULL) return IAD_NOMEM(err, "the plan of a product");
    made->key = key;
    iad_status status = describe(lt, p, made, err);
    if (status == IAD_OK) status = choose(lt, made, err);
    if (status != IAD_OK) {
        plan_free(lt->api, made);
        return status;
    }
    made->next = *bucket;
    *bucket = made;
    lt->n++;
    *got = made;
    return IAD_OK;
}

iad_status iad_lt_run(iad_queue *queue, const iad_lt_product *p, iad_err *err) {
    iad_lt *lt = iad_cuda_device_of_queue(queue)->lt;
    void *workspace;
    IAD_TRY(iad_cuda_enter(queue, err));
    IAD_TRY(iad_cuda_workspace(queue, &workspace, err));
    int32_t one = 1, none = 0;
    int integers = p->x_type == CUDA_R_8I;
    const void *alpha = integers ? (const void *)&one : (const void *)&p->alpha, *beta = integers ? (const void *)&none : (const void *)&p->beta;
    /* The lock is held over the start of the product, too: the bias pointer is part of the plan's description. */
    (void)pthread_mutex_lock(&lt->lock);
    plan *use = NULL;
    iad_status status = plan_get(lt, p, &use, err);
    if (status == IAD_OK && !use->works)
        status = IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "cuBLASLt has no product of %lld x %lld x %lld with these types", (long long)p->m,
                          (long long)p->k,
                          (long long)p->n);
    if (status == IAD_OK) {
        cublasStatus_t code = CUBLAS_STATUS_SUCCESS;
        if (p->bias != NULL) code = lt->api->desc_set(use->desc, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &p->bias, sizeof p->bias);
        if (code == CUBLAS_STATUS_SUCCESS)
            code = lt->api->matmul(lt->handle, use->desc, alpha, p->w, use->w, p->x, use->x, beta, p->y, use->y, p->y, use->y, &use->algo, workspace,
                                   IAD_CUDA_LT_WORKSPACE, iad_cuda_stream(queue));
        if (code != CUBLAS_STATUS_SUCCESS) status = lt_fail(err, code, "a product", __FILE__, __LINE__);
    }
    (void)pthread_mutex_unlock(&lt->lock);
    return status;
}

int iad_lt_has(iad_queue *queue, const iad_lt_product *p) {
    iad_lt *lt = iad_cuda_device_of_queue(queue)->lt;
    plan *use = NULL;
    if (iad_cuda_enter(queue, NULL) != IAD_OK) return 0;
    (void)pthread_mutex_lock(&lt->lock);
    int works = plan_get(lt, p, &use, NULL) == IAD_OK && use->works;
    (void)pthread_mutex_unlock(&lt->lock);
    return works;
}
