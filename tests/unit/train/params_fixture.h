/* The tiny model with golden weights on disk and in memory, for tests of parameters, optimizer and store. */
#ifndef IAD_TEST_PARAMS_FIXTURE_H
#define IAD_TEST_PARAMS_FIXTURE_H

#include "tests/unit/iad_test.h"

#include <math.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "runtime/device.h"
#include "runtime/model/newmodel.h"
#include "train/param/params.h"

typedef struct pf_model {
    char dir[64];
    iad_checkpoint *checkpoint;
} pf_model;

static inline void pf_remove(const char *dir) {
    iad_err err = IAD_ERR_NONE;
    iad_dir_list list;
    char path[IAD_PATH_MAX];
    assert_ok(iad_dir_read(dir, &list, &err));
    for (size_t i = 0; i < list.n; i++) {
        assert_ok(iad_path_join(path, sizeof path, dir, list.items[i].name, &err));
        if (list.items[i].is_dir) pf_remove(path);
        else unlink(path);
    }
    iad_dir_list_deinit(&list);
    assert_int_equal(0, rmdir(dir));
}

/* dtype of the file; golden 0: random weights. */
static inline pf_model pf_open(iad_dtype dtype, int golden, int extras) {
    pf_model m = {.dir = "/tmp/iad_params_XXXXXX"};
    iad_err err = IAD_ERR_NONE;
    iad_model_config config;
    assert_non_null(mkdtemp(m.dir));
    assert_ok(iad_newmodel_config("tiny", &config, &err));
    iad_newmodel_options options = {.dtype = dtype, .golden = golden, .extras = extras, .threads = 1, .seed = 9};
    assert_ok(iad_model_new(&config, &options, m.dir, NULL, NULL, &err));
    assert_ok(iad_checkpoint_open(m.dir, &m.checkpoint, NULL, &err));
    return m;
}

static inline void pf_close(pf_model *m) {
    iad_checkpoint_close(m->checkpoint);
    pf_remove(m->dir);
}

typedef struct pf {
    iad_device *device;
    iad_queue *queue;
    iad_params *params;
} pf;

static inline pf pf_load(const pf_model *m, const iad_param_rules *rules) {
    pf f = {0};
    iad_err err = IAD_ERR_NONE;
    assert_ok(iad_device_cpu_new(1, IAD_CPU_AUTO, &f.device, &err));
    assert_ok(f.device->ops->queue_new(f.device, &f.queue, &err));
    assert_ok(iad_params_load(m->checkpoint, f.device, rules, &f.params, &err));
    return f;
}

static inline void pf_free(pf *f) {
    iad_params_free(f->params);
    f->device->ops->queue_free(f->queue);
    iad_device_free(f->device);
}

/* A number in -1..1 that is a pure function of its keys. */
static inline float pf_hash(uint32_t a, uint32_t b, uint32_t c) {
    uint32_t h = a * 0x9e3779b1u ^ b * 0x85ebca77u ^ c * 0xc2b2ae3du;
    h = (h ^ h >> 15) * 0x2c1b3c6du;
    h = (h ^ h >> 12) * 0x297a2d39u;
    h ^= h >> 15;
    return (float)(int32_t)h * 0x1p-31f;
}

/* The sum over the samples of one rank: sample s of SAMPLES belongs to rank s % world. With exact 1 every value is a multiple of 1/64, so
 * that sums do not depend on their order. The CPU's device memory is ordinary memory. */
enum { PF_SAMPLES = 12 };
static inline void pf_gradients(iad_params *p, int step, int rank, int world, int exact) {
    for (int i = 0; i < p->n_tensor; i++) {
        const iad_param *t = &p->tensors[i];
        for (int64_t k = 0; k < t->n; k++) {
            float sum = 0;
            for (int s = rank; s < PF_SAMPLES; s += world) {
                float g = pf_hash((uint32_t)(t->offset + k), (uint32_t)step, (uint32_t)s);
                sum += exact ? rintf(64 * g) / 64 : g;
            }
            p->grad[t->offset + k] = sum;
        }
    }
}

#endif
