#include "bench/speed/speed_records.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/image/image.h"
#include "base/rng.h"
#include "base/sha256.h"
#include "manifests/identity.h"
#include "manifests/manifest.h"
#include "manifests/records.h"
#include "synth/task/taskrun.h"

enum { CATEGORIES = 100, SIDE = 512, BATCH = 20000 };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* A mask of one or two boxes, different for every number. */
static iad_status put_mask(iad_manifest *manifest, int number, int64_t *id, iad_err *err) {
    iad_image mask;
    iad_rng rng;
    iad_rng_init(&rng, (uint64_t)number, 3);
    IAD_TRY(iad_image_init(&mask, SIDE, SIDE, 1, err));
    for (int boxes = iad_rng_int(&rng, 1, 2); boxes > 0; boxes--) {
        int w = iad_rng_int(&rng, 8, 80), h = iad_rng_int(&rng, 8, 80), x = iad_rng_int(&rng, 0, SIDE - w), y = iad_rng_int(&rng, 0, SIDE - h);
        for (int row = y; row < y + h; row++) memset(iad_image_at(&mask, x, row), 255, (size_t)w);
    }
    iad_mask_row row;
    iad_status status = iad_mask_prepare(&mask, NULL, IAD_MASK_EXACT, &row, err);
    if (status == IAD_OK) {
        status = iad_mask_put(manifest, &row, id, err);
        iad_mask_row_deinit(&row);
    }
    iad_image_deinit(&mask);
    return status;
}

static iad_status put_picture(iad_manifest *manifest, int64_t dataset, const int64_t *categories, int number, iad_err *err) {
    char path[48];
    int bad = number / CATEGORIES % 4 == 3;
    snprintf(path, sizeof path, "c%02d/%06d.jpg", number % CATEGORIES, number);
    iad_image_row row = {.dataset_id = dataset,
                         .category_id = categories[number % CATEGORIES],
                         .path = path,
                         .has_pixels = 1,
                         .width = SIDE,
                         .height = SIDE,
                         .format = "jpeg",
                         .channels = 3,
                         .depth = 8,
                         .source_split = "train",
                         .part = IAD_PART_TRAIN,
                         .label = bad ? IAD_LABEL_ANOMALOUS : IAD_LABEL_NORMAL,
                         .defect = bad ? "scratch" : NULL,
                         .exemplar_ok = !bad};
    IAD_TRY(iad_sha256_bytes(path, strlen(path), row.sha256, err));
    memcpy(row.pixel_sha256, row.sha256, sizeof row.pixel_sha256);
    int64_t image, mask;
    IAD_TRY(iad_image_put(manifest, &row, &image, NULL, err));
    if (!bad) return IAD_OK;
    IAD_TRY(put_mask(manifest, number, &mask, err));
    return iad_image_mask_put(manifest, image, mask, "gt", err);
}

static iad_status fill(iad_manifest *manifest, int pictures, iad_err *err) {
    const iad_dataset_row dataset = {.name = "speed", .root = ".", .licence = "", .origin = "generated", .eval_overlap = ""};
    int64_t dataset_id, categories[CATEGORIES];
    IAD_TRY(iad_manifest_begin(manifest, err));
    IAD_TRY(iad_dataset_put(manifest, &dataset, &dataset_id, err));
    for (int c = 0; c < CATEGORIES; c++) {
        char name[16];
        snprintf(name, sizeof name, "c%02d", c);
        const iad_category_row row = {.dataset_id = dataset_id, .name = name, .kind = "object", .grey = -1, .aligned = -1};
        IAD_TRY(iad_category_put(manifest, &row, &categories[c], err));
    }
    for (int i = 0; i < pictures; i++) {
        if (i % BATCH == BATCH - 1) {
            IAD_TRY(iad_manifest_commit(manifest, err));
            IAD_TRY(iad_manifest_begin(manifest, err));
        }
        IAD_TRY(put_picture(manifest, dataset_id, categories, i, err));
    }
    return iad_manifest_commit(manifest, err);
}

static iad_status make_records(FILE *out, iad_manifest *manifest, const char *path, int pictures, int records, int threads, iad_err *err) {
    iad_templates *templates = NULL;
    IAD_TRY(iad_templates_load(NULL, &templates, err));
    iad_task_run run = {.manifest = manifest,
                        .stage = 2,
                        .options = iad_task_options_default(),
                        .templates = templates,
                        .pool = {.real = 1, .synthetic = 1},
                        .threads = threads};
    run.options.seed = 1;
    run.options.templates = templates;
    run.options.per_picture = 1.1 * records / (3.0 * (pictures / 4)); /* three makers; the defective pictures lead */
    iad_task_counts counts;
    double start = now();
    iad_status status = iad_task_run_all(&run, &counts, err);
    double seconds = now() - start;
    struct stat facts = {0};
    stat(path, &facts);
    if (status == IAD_OK)
        fprintf(out, "records of stage 2: %zu from %d pictures in %.1f s on %d threads (wall clock): %.0f/s, %.0f MB\n", counts.added, pictures,
                seconds, threads, (double)counts.added / seconds, (double)facts.st_size * 1e-6);
    iad_templates_free(templates);
    return status;
}

iad_status iad_speed_records(FILE *out, int pictures, int records, int threads, iad_err *err) {
    char dir[] = "/tmp/iad-speed-XXXXXX", path[64];
    if (!mkdtemp(dir)) return IAD_FAIL(err, IAD_ERR_IO, "no scratch folder in /tmp");
    snprintf(path, sizeof path, "%s/speed.db", dir);
    iad_manifest *manifest = NULL;
    iad_status status = iad_manifest_open(path, IAD_MANIFEST_CREATE, &manifest, err);
    if (status == IAD_OK) status = fill(manifest, pictures, err);
    if (status == IAD_OK) status = make_records(out, manifest, path, pictures, records, threads, err);
    iad_manifest_close(manifest);
    static const char *const tails[] = {"", "-wal", "-shm"};
    for (int i = 0; i < 3; i++) {
        char file[80];
        snprintf(file, sizeof file, "%s%s", path, tails[i]);
        unlink(file);
    }
    rmdir(dir);
    return status;
}
