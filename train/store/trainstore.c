/* Saving: every rank writes its file into step-N.tmp, rank 0 waits for all of them, adds the manifest and renames. The waiting goes by files, not
 * by messages, so that it can happen on a thread beside the training, whose messages keep their order. */
#include "train/store/trainstore.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "train/store/shardwrite.h"
#include "train/store/storedir.h"
#include "train/store/storemanifest.h"

/* One checkpoint on its way to the disk. */
typedef struct writing {
    iad_shard_plan plan;
    iad_store_manifest manifest; /* rank 0 */
    int64_t step;
    iad_status status;
    iad_err err;
} writing;

struct iad_train_store {
    char *dir;
    int keep, keep_every, async;
    iad_comm *comm;
    int rank, world;
    double deadline;
    pthread_t thread;
    int running;      /* the thread was started and not joined */
    writing job;
};

/* ---- the writer: from here to write_checkpoint on either thread ---- */

static iad_status shard_path(const char *folder, int rank, const char *suffix, char path[IAD_PATH_MAX], iad_err *err) {
    char file[32], name[64];
    iad_store_file_name(rank, file);
    snprintf(name, sizeof name, "%s%s", file, suffix);
    return iad_path_join(path, IAD_PATH_MAX, folder, name, err);
}

/* Tells rank 0 not to wait for this rank. */
static void leave_note(const char *folder, int rank, const iad_err *why) {
    char path[IAD_PATH_MAX];
    if (shard_path(folder, rank, ".failed", path, NULL) == IAD_OK) iad_file_write(path, why->msg, strlen(why->msg), NULL);
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static iad_status wait_for_shard(const iad_train_store *s, const char *folder, int rank, double until, iad_err *err) {
    char path[IAD_PATH_MAX], failed[IAD_PATH_MAX];
    IAD_TRY(shard_path(folder, rank, "", path, err));
    IAD_TRY(shard_path(folder, rank, ".failed", failed, err));
    for (long ms = 2; !iad_file_exists(path); ms = ms < 200 ? 2 * ms : 200) {
        uint8_t *why;
        size_t n;
        if (iad_file_exists(failed)) {
            if (iad_file_read(failed, 1000, &why, &n, NULL) != IAD_OK)
                return IAD_FAIL(err, IAD_ERR_IO, "rank %d could not write its part of the checkpoint", rank);
            iad_status status = IAD_FAIL(err, IAD_ERR_IO, "rank %d: %.400s", rank, (const char *)why);
            free(why);
            return status;
        }
        if (now() > until)
            return IAD_FAIL(err, IAD_ERR_IO, "%s did not appear within %.0f s: has rank %d ended, or is this folder not shared by all ranks?", path,
                            s->deadline, rank);
        nanosleep(&(struct timespec){0, ms * 1000000}, NULL);
    }
    return IAD_OK;
}

/* Size and own checksum (its last four bytes) of a finished shard. */
static iad_status note_shard(const char *folder, int rank, iad_store_file *file, iad_err *err) {
    char path[IAD_PATH_MAX];
    iad_map map;
    IAD_TRY(shard_path(folder, rank, "", path, err));
    IAD_TRY(iad_map_open(&map, path, err));
    iad_status status = map.n >= 4 ? IAD_OK : IAD_FAIL(err, IAD_ERR_IO, "%s: %zu bytes only", path, map.n);
    file->bytes = map.n;
    for (int i = 3; i >= 0 && status == IAD_OK; i--) file->crc = file->crc << 8 | map.data[map.n - 4 + (size_t)i];
    iad_map_close(&map);
    return status;
}

static iad_status write_manifest(const iad_train_store *s, const char *folder, iad_err *err) {
    char path[IAD_PATH_MAX];
    iad_buf text;
    iad_buf_init(&text, IAD_STORE_MAX_MANIFEST);
    iad_status status = iad_store_manifest_format(&s->job.manifest, &text, err);
    if (status == IAD_OK) status = iad_path_join(path, sizeof path, folder, IAD_STORE_MANIFEST, err);
    if (status == IAD_OK) status = iad_file_write(path, iad_buf_str(&text), text.len, err);
    iad_buf_deinit(&text);
    return status;
}

static iad_status move(const char *from, const char *to, iad_err *err) {
    return rename(from, to) == 0 ? IAD_OK : IAD_FAIL(err, IAD_ERR_IO, "%s: cannot rename to %s: %s", from, to, strerror(errno));
}

/* Rank 0, when its own file is there: the others', manifest, rename, latest, and away with what is too old. */
static iad_status commit(iad_train_store *s, const char *folder, double seconds, iad_err *err) {
    char whole[IAD_PATH_MAX], old[IAD_PATH_MAX];
    /* Other ranks may be slower, but not by much more than this rank took. */
    double until = now() + (s->deadline > 10 * seconds ? s->deadline : 10 * seconds);
    for (int r = 0; r < s->world; r++) {
        IAD_TRY(wait_for_shard(s, folder, r, until, err));
        IAD_TRY(note_shard(folder, r, &s->job.manifest.files[r], err));
    }
    IAD_TRY(write_manifest(s, folder, err));
    IAD_TRY(iad_store_sync_dir(folder, err));
    IAD_TRY(iad_store_step_path(s->dir, s->job.step, "", whole, err));
    IAD_TRY(iad_store_step_path(s->dir, s->job.step, ".old", old, err));
    if (iad_file_exists(whole)) IAD_TRY(move(whole, old, err));
    IAD_TRY(move(folder, whole, err));
    IAD_TRY(iad_store_sync_dir(s->dir, err));
    IAD_TRY(iad_store_latest_write(s->dir, s->job.step, err));
    IAD_TRY(iad_store_remove(old, err));
    return iad_store_prune(s->dir, s->job.step, s->keep, s->keep_every, err);
}

static iad_status write_checkpoint(iad_train_store *s, iad_err *err) {
    char folder[IAD_PATH_MAX], path[IAD_PATH_MAX];
    double begun = now();
    IAD_TRY(iad_store_step_path(s->dir, s->job.step, ".tmp", folder, err));
    IAD_TRY(shard_path(folder, s->rank, "", path, err));
    iad_status status = iad_shard_write(&s->job.plan, path, err);
    if (status != IAD_OK && s->rank != 0) leave_note(folder, s->rank, err);
    if (status == IAD_OK && s->rank == 0) status = commit(s, folder, now() - begun, err);
    if (status != IAD_OK && s->rank == 0) iad_store_remove(folder, NULL);
    return status;
}

static void *run_writer(void *store) {
    iad_train_store *s = store;
    s->job.status = write_checkpoint(s, &s->job.err);
    return NULL;
}

/* ---- opening and closing ---- */

static void drop_job(iad_train_store *s) {
    iad_shard_plan_deinit(&s->job.plan);
    iad_store_manifest_deinit(&s->job.manifest);
    s->job = (writing){0};
}

/* Ends the writer, if one runs, and gives what it came to. */
static iad_status join(iad_train_store *s, iad_err *err) {
    if (s->running) pthread_join(s->thread, NULL);
    s->running = 0;
    iad_status status = s->job.status;
    if (status != IAD_OK && err) *err = s->job.err;
    drop_job(s);
    return status;
}

/* All ranks hear of the first one that failed. */
static iad_status together(iad_train_store *s, iad_status mine, iad_err *err) {
    iad_err fold_err = IAD_ERR_NONE;
    double first = mine == IAD_OK ? s->world : s->rank;
    iad_status status = iad_comm_fold(s->comm, &first, 1, IAD_FOLD_MIN, &fold_err);
    if (mine != IAD_OK) return mine;
    if (status != IAD_OK) {
        if (err) *err = fold_err;
        return status;
    }
    if (first >= s->world) return IAD_OK;
    return IAD_FAIL(err, IAD_ERR_IO, "%s: rank %d could not save its part of the checkpoint (its own message says why)", s->dir, (int)first);
}

iad_status iad_train_store_open(const iad_train_store_options *options, iad_comm *comm, iad_train_store **store, iad_err *err) {
    *store = NULL;
    if (options->keep < 1 || options->keep_every < 0)
        return IAD_FAIL(err, IAD_ERR_ARG, "%s: keep %d, keep_every %d: expected at least 1 and at least 0", options->dir, options->keep,
                        options->keep_every);
    iad_train_store *s = *store = iad_calloc(1, sizeof *s);
    if (!s) return IAD_NOMEM(err, options->dir);
    s->keep = options->keep;
    s->keep_every = options->keep_every;
    s->async = options->async;
    s->comm = comm;
    s->rank = comm->rank;
    s->world = comm->world;
    s->deadline = comm->deadline;
    iad_status status = (s->dir = iad_strdup(options->dir)) ? IAD_OK : IAD_NOMEM(err, options->dir);
    if (status == IAD_OK && s->rank == 0) status = iad_dir_make(s->dir, err);
    if (status == IAD_OK && s->rank == 0) status = iad_store_clean(s->dir, err);
    status = together(s, status, err);
    if (status != IAD_OK) {
        iad_train_store_close(s, NULL);
        *store = NULL;
    }
    return status;
}

iad_status iad_train_store_close(iad_train_store *s, iad_err *err) {
    if (!s) return IAD_OK;
    iad_status status = join(s, err);
    free(s->dir);
    free(s);
    return status;
}

iad_status iad_train_store_wait(iad_train_store *s, iad_err *err) { return together(s, join(s, err), err); }

/* ---- saving ---- */

/* An empty step-N.tmp; what another call left there goes first. */
static iad_status make_folder(iad_train_store *s, int64_t step, iad_err *err) {
    char folder[IAD_PATH_MAX];
    IAD_TRY(iad_store_step_path(s->dir, step, ".tmp", folder, err));
    IAD_TRY(iad_store_remove(folder, err));
    if (mkdir(folder, 0777) != 0) return IAD_FAIL(err, IAD_ERR_IO, "%s: cannot create the folder: %s", folder, strerror(errno));
    return IAD_OK;
}

static iad_status prepare(iad_train_store *s, iad_queue *queue, const iad_params *params, const iad_optimizer *optimizer,
                          const iad_train_state *state, iad_err *err) {
    iad_train_state full = *state;
    const iad_optimizer_span *spans;
    iad_store_states states = IAD_STORE_NO_STATES;
    if (optimizer) {
        full.clock = iad_optimizer_clock_get(optimizer);
        /* A rank without any span does not matter: the manifest is rank 0's, which has the first piece of every bucket. */
        states = iad_optimizer_spans(optimizer, &spans) > 0 && spans[0].m8 ? IAD_STORE_8BIT_STATES : IAD_STORE_F32_STATES;
    }
    s->job.step = state->step;
    if (state->step < 0) return IAD_FAIL(err, IAD_ERR_ARG, "%s: a checkpoint of step %lld", s->dir, (long long)state->step);
    if (s->rank == 0) IAD_TRY(iad_store_manifest_init(&s->job.manifest, params, states, s->world, &full, err));
    IAD_TRY(iad_shard_plan_init(&s->job.plan, params, optimizer, s->comm, state->step, queue, err));
    if (s->async) IAD_TRY(iad_shard_plan_copy(&s->job.plan, err));
    return s->rank == 0 ? make_folder(s, state->step, err) : IAD_OK;
}

iad_status iad_train_store_save(iad_train_store *s, iad_queue *queue, const iad_params *params, const iad_optimizer *optimizer,
                                const iad_train_state *state,
                                iad_err *err) {
    IAD_TRY(iad_train_store_wait(s, err));
    iad_status status = together(s, prepare(s, queue, params, optimizer, state, err), err);
    if (status != IAD_OK) {
        drop_job(s);
        return status;
    }
    if (s->async && pthread_create(&s->thread, NULL, run_writer, s) == 0) {
        s->running = 1;
        return IAD_OK;
    }
    run_writer(s); /* also when no thread could be had */
    return iad_train_store_wait(s, err);
}
