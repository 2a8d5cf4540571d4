/* store_loop MODEL OUT STEPS: goes on from OUT's newest checkpoint, makes steps with gradients from a formula, saves after every one on a thread, and
 * prints what the weights came to. For the scripts in this folder that kill it or fill its disk. Exit 3: a checkpoint was damaged. */
#include <stdio.h>
#include <stdlib.h>

#include "base/crc32c.h"
#include "base/text.h"
#include "runtime/device.h"
#include "train/store/trainstore.h"

typedef struct loop {
    iad_comm *comm;
    iad_device *device;
    iad_queue *queue;
    iad_checkpoint *checkpoint;
    iad_params *params;
    iad_optimizer *optimizer;
    iad_train_store *store;
    iad_train_state state;
    char note[512];
} loop;

static iad_status resume(loop *l, const char *model, const char *out, iad_err *err) {
    int64_t step;
    IAD_TRY(iad_comm_self_new(&l->comm, err));
    IAD_TRY(iad_device_cpu_new(1, IAD_CPU_AUTO, &l->device, err));
    IAD_TRY(l->device->ops->queue_new(l->device, &l->queue, err));
    IAD_TRY(iad_checkpoint_open(model, &l->checkpoint, NULL, err));
    IAD_TRY(iad_params_load(l->checkpoint, l->device, NULL, &l->params, err));
    IAD_TRY(iad_optimizer_new(l->params, l->comm, NULL, &l->optimizer, err));
    IAD_TRY(iad_train_store_open(&(iad_train_store_options){.dir = out, .keep = 2, .keep_every = 5, .async = 1}, l->comm, &l->store, err));
    IAD_TRY(iad_train_store_latest(out, &step, err));
    if (step < 0) return IAD_OK;
    return iad_train_store_load(out, -1, l->comm, l->queue, l->params, l->optimizer, &l->state, l->note, sizeof l->note, err);
}

static iad_status one_step(loop *l, iad_err *err) {
    iad_step_result result;
    for (int i = 0; i < l->params->n_tensor; i++)
        for (int64_t k = 0; k < l->params->tensors[i].n; k++)
            l->params->grad[l->params->tensors[i].offset + k] = (float)((k * 7 + (l->state.step * 13 + i) % 31) % 11 - 5);
    IAD_TRY(iad_optimizer_step(l->optimizer, l->queue, 1e-3, 8, &result, err));
    l->state.step++;
    return iad_train_store_save(l->store, l->queue, l->params, l->optimizer, &l->state, err);
}

static iad_status run(loop *l, const char *model, const char *out, int64_t steps, iad_err *err) {
    IAD_TRY(resume(l, model, out, err));
    while (l->state.step < steps) IAD_TRY(one_step(l, err));
    IAD_TRY(iad_train_store_wait(l->store, err));
    size_t bytes = (size_t)l->params->n * sizeof(uint16_t);
    const uint32_t weights = iad_crc32c(0, l->params->high, bytes), remainders = iad_crc32c(0, l->params->low, bytes);
    printf("step=%lld weights=%08x remainders=%08x\n", (long long)l->state.step, weights, remainders);
    return IAD_OK;
}

int main(int argc, char **argv) {
    iad_err err = IAD_ERR_NONE;
    int64_t steps;
    loop l = {0};
    if (argc != 4 || iad_parse_i64(argv[3], 0, 1000000, "STEPS", &steps, &err) != IAD_OK) return 2;
    iad_status status = run(&l, argv[1], argv[2], steps, &err);
    iad_status closed = iad_train_store_close(l.store, status == IAD_OK ? &err : NULL);
    if (status == IAD_OK) status = closed;
    iad_optimizer_free(l.optimizer);
    iad_params_free(l.params);
    iad_checkpoint_close(l.checkpoint);
    if (l.queue) l.device->ops->queue_free(l.queue);
    iad_device_free(l.device);
    iad_comm_free(l.comm);
    if (status != IAD_OK) fprintf(stderr, "%s\n", err.msg);
    if (*l.note) fprintf(stderr, "damaged: %s\n", l.note);
    return *l.note ? 3 : status != IAD_OK;
}
