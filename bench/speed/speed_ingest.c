#include "bench/speed/speed_ingest.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <png.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/image/decode.h"
#include "bench/speed/barejpeg.h"
#include "bench/speed/measurechild.h"
#include "manifests/ingest/ingest.h"
#include "manifests/ingest/ingest_list.h"
#include "manifests/manifest.h"

#define ROUNDS 5

typedef struct bare_file {
    uint8_t *bytes;
    size_t n;
    iad_image_format format;
} bare_file;

typedef struct bare_set {
    bare_file *files;
    size_t n, cap, skipped;
    uint64_t bytes;
    uint64_t pixels[2]; /* JPEG, PNG */
    size_t n_of[2];
    double seconds[2];  /* of the best round */
    uint8_t *row;
} bare_set;

/* ---- the libraries alone ---- */

typedef struct png_source {
    const bare_file *file;
    size_t at;
} png_source;

static void png_give(png_structp png, png_bytep out, size_t n) {
    png_source *source = png_get_io_ptr(png);
    if (n > source->file->n - source->at) png_error(png, "short");
    memcpy(out, source->file->bytes + source->at, n);
    source->at += n;
}

static void png_quiet(png_structp png, png_const_charp text) { (void)png, (void)text; }
static void png_fail(png_structp png, png_const_charp text) {
    (void)text;
    png_longjmp(png, 1);
}

static uint64_t bare_png(const bare_file *file, uint8_t *row) {
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, NULL, png_fail, png_quiet);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    png_source source = {file, 0};
    if (!info || setjmp(png_jmpbuf(png))) {
        png_destroy_read_struct(&png, &info, NULL);
        return 0;
    }
    png_set_read_fn(png, &source, png_give);
    png_read_info(png, info);
    png_set_expand(png);
    png_set_strip_16(png);
    int passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    uint64_t width = png_get_image_width(png, info), height = png_get_image_height(png, info);
    if (png_get_rowbytes(png, info) <= IAD_BARE_ROW_BYTES)
        for (int pass = 0; pass < passes; pass++)
            for (uint64_t y = 0; y < height; y++) png_read_row(png, row, NULL);
    png_destroy_read_struct(&png, &info, NULL);
    return width * height;
}

static void decode_all(bare_set *set) {
    double seconds[2] = {0, 0};
    set->pixels[0] = set->pixels[1] = 0;
    for (size_t i = 0; i < set->n; i++) {
        int is_png = set->files[i].format == IAD_IMAGE_PNG;
        double started = iad_thread_seconds();
        set->pixels[is_png] += is_png ? bare_png(&set->files[i], set->row) : iad_bare_jpeg(set->files[i].bytes, set->files[i].n, set->row);
        seconds[is_png] += iad_thread_seconds() - started;
    }
    double before = set->seconds[0] + set->seconds[1];
    if (before > 0 && before <= seconds[0] + seconds[1]) return;
    memcpy(set->seconds, seconds, sizeof seconds);
}

/* ---- the files ---- */

static iad_status add_file(bare_set *set, const char *root, const char *rel, iad_err *err) {
    char path[IAD_PATH_MAX];
    bare_file file = {0};
    void *files = set->files;
    IAD_TRY(iad_path_join(path, sizeof path, root, rel, err));
    IAD_TRY(iad_grow(&files, &set->cap, set->n + 1, sizeof *set->files, 10000000, "files", err));
    set->files = files;
    IAD_TRY(iad_file_read(path, IAD_IMAGE_MAX_FILE_BYTES, &file.bytes, &file.n, err));
    file.format = iad_image_sniff(file.bytes, file.n);
    if (file.format != IAD_IMAGE_JPEG && file.format != IAD_IMAGE_PNG) {
        free(file.bytes);
        set->skipped++;
        return IAD_OK;
    }
    set->n_of[file.format == IAD_IMAGE_PNG]++;
    set->bytes += file.n;
    set->files[set->n++] = file;
    return IAD_OK;
}

static iad_status load_files(bare_set *set, const iad_adapter *adapter, const char *root, iad_err *err) {
    iad_ingest_list list;
    iad_ingest_list_init(&list, NULL);
    iad_ingest_sink sink = iad_ingest_list_sink(&list);
    iad_status status = adapter->scan(root, NULL, &sink, err);
    for (size_t i = 0; i < list.n && status == IAD_OK; i++) {
        const iad_ingest_item *item = &list.items[i].item;
        status = add_file(set, root, item->path, err);
        for (size_t k = 0; k < item->n_masks && status == IAD_OK; k++) status = add_file(set, root, item->masks[k], err);
    }
    iad_ingest_list_deinit(&list);
    return status;
}

/* ---- ingest ---- */

/* One run into a fresh manifest below `dir`; *seconds becomes the smaller of itself and this run. */
static iad_status ingest_once(const iad_adapter *adapter, const char *root, const char *dir, double *seconds, iad_ingest_result *result,
                              iad_err *err) {
    char db[IAD_PATH_MAX];
    iad_manifest *manifest = NULL;
    const iad_ingest_options options = {.adapter = adapter, .root = root, .threads = 1, .any_count = 1};
    IAD_TRY(iad_path_join(db, sizeof db, dir, "speed.db", err));
    IAD_TRY(iad_manifest_open(db, IAD_MANIFEST_CREATE, &manifest, err));
    double started = iad_thread_seconds();
    iad_status status = iad_ingest_run(manifest, &options, result, err);
    double took = iad_thread_seconds() - started;
    iad_manifest_close(manifest);
    static const char *const names[] = {"speed.db", "speed.db-wal", "speed.db-shm"};
    for (size_t i = 0; i < 3; i++)
        if (iad_path_join(db, sizeof db, dir, names[i], NULL) == IAD_OK) unlink(db);
    if (*seconds == 0 || took < *seconds) *seconds = took;
    return status;
}

static void print_table(FILE *out, const bare_set *set, const iad_ingest_result *result, double ingest_seconds) {
    static const char *const names[] = {"JPEG", "PNG"};
    double bare = set->seconds[0] + set->seconds[1], pixels = (double)(set->pixels[0] + set->pixels[1]);
    fprintf(out, "%zu files, %.1f MB, %.1f Mpixel; %zu pictures, %zu masks; one thread, CPU time, best of %d\n", set->n, (double)set->bytes * 1e-6,
            pixels * 1e-6, result->added, result->masks, ROUNDS);
    for (int k = 0; k < 2; k++)
        if (set->n_of[k])
            fprintf(out, "  bare %-5s %6zu files  %8.3f s  %8.1f Mpixel/s\n", names[k], set->n_of[k], set->seconds[k],
                    (double)set->pixels[k] * 1e-6 / set->seconds[k]);
    fprintf(out, "  bare decode          %8.3f s  %8.1f Mpixel/s\n", bare, pixels * 1e-6 / bare);
    fprintf(out, "  ingest               %8.3f s  %8.1f Mpixel/s  %.1f %% of the bare rate\n", ingest_seconds, pixels * 1e-6 / ingest_seconds,
            100 * bare / ingest_seconds);
    if (set->skipped) fprintf(out, "  %zu files of other formats are in the ingest time only\n", set->skipped);
}

static iad_status measure(FILE *out, const iad_adapter *adapter, const char *root, bare_set *set, const char *dir, iad_err *err) {
    double seconds = 0;
    IAD_TRY(load_files(set, adapter, root, err));
    if (!set->n) return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: no JPEG or PNG", root);
    set->row = iad_alloc(IAD_BARE_ROW_BYTES, 1);
    if (!set->row) return IAD_NOMEM(err, "a row of pixels");
    for (int round = 0; round < ROUNDS; round++) {
        iad_ingest_result result = {0};
        decode_all(set);
        iad_status status = ingest_once(adapter, root, dir, &seconds, &result, err);
        if (status == IAD_OK && round + 1 == ROUNDS) print_table(out, set, &result, seconds);
        iad_ingest_result_deinit(&result);
        if (status != IAD_OK) return status;
    }
    return IAD_OK;
}

iad_status iad_speed_ingest(FILE *out, const char *root, iad_err *err) {
    const iad_adapter *adapter = iad_adapter_guess(root);
    if (!adapter) return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: looks like no known data set", root);
    const char *base = getenv("TMPDIR");
    char dir[IAD_PATH_MAX];
    IAD_TRY(iad_path_join(dir, sizeof dir, base && *base ? base : "/tmp", "iad-speed-XXXXXX", err));
    if (!mkdtemp(dir)) return IAD_FAIL(err, IAD_ERR_IO, "%s: cannot be made: %m", dir);
    bare_set set = {0};
    iad_status status = measure(out, adapter, root, &set, dir, err);
    for (size_t i = 0; i < set.n; i++) free(set.files[i].bytes);
    free(set.files);
    free(set.row);
    rmdir(dir);
    return status;
}
