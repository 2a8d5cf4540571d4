#include "train/comm/commmodule.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"

static iad_status module_path(const char *file, const char *needs, char *path, iad_err *err) {
    char program[IAD_PATH_MAX], folder[IAD_PATH_MAX], lib[IAD_PATH_MAX];
    const char *dir = getenv("IAD_MPI_MODULE_DIR");
    if (!dir || !*dir) {
        ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
        program[n > 0 ? n : 0] = 0;
        iad_path_dir(folder, sizeof folder, program);
        IAD_TRY(iad_path_join(lib, sizeof lib, folder, "../lib/iadgpt", err));
        dir = lib;
    }
    IAD_TRY(iad_path_join(path, IAD_PATH_MAX, dir, file, err));
    if (iad_file_exists(path)) return IAD_OK;
    return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%.300s: not there; build with %s installed, or point IAD_MPI_MODULE_DIR at the folder that has it",
                    path, needs);
}

iad_status iad_comm_module_open(const char *file, const char *needs, const char *symbol, const void **table, iad_err *err) {
    char path[IAD_PATH_MAX];
    IAD_TRY(module_path(file, needs, path, err));
    /* global: parts that MPI itself loads look for its symbols */
    void *module = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
    if (!module) return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%.400s", dlerror());
    *table = dlsym(module, symbol);
    return *table ? IAD_OK : IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%.400s: not a module of this build", path);
}
