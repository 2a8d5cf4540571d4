/* cuBLASLt, found at run time: half a gigabyte that only programs with a card need. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>

#include "runtime/cuda/lt.cuh"

#define NAME_OF(number) "libcublasLt.so." #number
#define NAME(number) NAME_OF(number)

static iad_lt_api loaded;
static int is_loaded;
static char reason[256];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void) {
    static const char name[] = NAME(CUBLAS_VER_MAJOR); /* the interface that this build was made for */
    static const struct {
        const char *symbol;
        void **to;
    } functions[] = {
        {"cublasLtCreate", (void **)&loaded.create},
        {"cublasLtDestroy", (void **)&loaded.destroy},
        {"cublasLtMatmulDescCreate", (void **)&loaded.desc_create},
        {"cublasLtMatmulDescDestroy", (void **)&loaded.desc_destroy},
        {"cublasLtMatmulDescSetAttribute", (void **)&loaded.desc_set},
        {"cublasLtMatrixLayoutCreate", (void **)&loaded.layout_create},
        {"cublasLtMatrixLayoutDestroy", (void **)&loaded.layout_destroy},
        {"cublasLtMatmulPreferenceCreate", (void **)&loaded.preference_create},
        {"cublasLtMatmulPreferenceDestroy", (void **)&loaded.preference_destroy},
        {"cublasLtMatmulPreferenceSetAttribute", (void **)&loaded.preference_set},
        {"cublasLtMatmulAlgoGetHeuristic", (void **)&loaded.heuristic},
        {"cublasLtMatmul", (void **)&loaded.matmul},
    };
    void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        (void)snprintf(reason, sizeof reason, "%s was not found: install CUDA's cuBLAS %d, or name its folder in LD_LIBRARY_PATH", name,
                       CUBLAS_VER_MAJOR);
        return;
    }
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        *functions[i].to = dlsym(library, functions[i].symbol);
        if (*functions[i].to == NULL) {
            (void)snprintf(reason, sizeof reason, "%s has no function %s", name, functions[i].symbol);
            return;
        }
    }
    is_loaded = 1;
}

iad_status iad_lt_library(const iad_lt_api **api, iad_err *err) {
    (void)pthread_once(&once, load);
    *api = &loaded;
    return is_loaded ? IAD_OK : IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s", reason);
}
