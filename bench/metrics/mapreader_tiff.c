/* Float TIFF through libtiff, from memory. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <tiffio.h>

#include "base/alloc.h"
#include "bench/metrics/halffloat.h"
#include "bench/metrics/mapreader.h"

/* No compression of libtiff shrinks a map by more; keeps a short file from asking for a gigabyte. */
#define MAX_RATIO 16384u

/* Handlers that belong to one file, not to the process, came with libtiff 4.5. */
#if TIFFLIB_VERSION >= 20221213 && !defined(IAD_TIFF_GLOBAL_HANDLERS)
#define OWN_HANDLERS 1
#endif

typedef struct memory {
    const uint8_t *bytes;
    uint64_t n, at;
} memory;

static tmsize_t memory_read(thandle_t handle, void *to, tmsize_t want) {
    memory *m = handle;
    if (want < 0 || m->at >= m->n) return 0;
    uint64_t left = m->n - m->at, take = (uint64_t)want < left ? (uint64_t)want : left;
    memcpy(to, m->bytes + m->at, (size_t)take);
    m->at += take;
    return (tmsize_t)take;
}

static tmsize_t memory_write(thandle_t handle, void *from, tmsize_t n) {
    (void)handle, (void)from, (void)n;
    return -1;
}

static toff_t memory_seek(thandle_t handle, toff_t offset, int whence) {
    memory *m = handle;
    if (whence == SEEK_SET) m->at = offset;
    else if (whence == SEEK_CUR) m->at += offset;
    else m->at = m->n + offset;
    return m->at;
}

static int memory_close(thandle_t handle) {
    (void)handle;
    return 0;
}

static toff_t memory_size(thandle_t handle) { return ((memory *)handle)->n; }

#ifdef OWN_HANDLERS
static int silent(TIFF *tiff, void *user, const char *module, const char *format, va_list arguments) {
    (void)tiff, (void)user, (void)module, (void)format, (void)arguments;
    return 1; /* handled: nothing is printed */
}

static TIFF *open_memory(memory *m) {
    TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
    if (!options) return NULL;
    TIFFOpenOptionsSetErrorHandlerExtR(options, silent, NULL);
    TIFFOpenOptionsSetWarningHandlerExtR(options, silent, NULL);
    TIFFOpenOptionsSetMaxSingleMemAlloc(options, (tmsize_t)IAD_MAPREADER_MAX_BYTES * 2);
    TIFF *tiff = TIFFClientOpenExt("map", "rm", m, memory_read, memory_write, memory_seek, memory_close, memory_size, NULL,
                                   NULL, options);
    TIFFOpenOptionsFree(options);
    return tiff;
}
#else
/* Older libtiff knows process-wide handlers only; they are turned off once, because a library must not print. */
static pthread_once_t muted = PTHREAD_ONCE_INIT;
static void mute(void) {
    TIFFSetErrorHandler(NULL);
    TIFFSetWarningHandler(NULL);
}

static TIFF *open_memory(memory *m) {
    pthread_once(&muted, mute);
    return TIFFClientOpen("map", "rm", m, memory_read, memory_write, memory_seek, memory_close, memory_size, NULL, NULL);
}
#endif

typedef struct layout {
    const char *name;
    uint32_t width, height;
    uint16_t bits, format;
    size_t bytes; /* per value */
} layout;

static iad_status read_layout(TIFF *tiff, const char *name, size_t file_bytes, layout *l, iad_err *err) {
    uint16_t samples = 1;
    *l = (layout){.name = name, .bits = 1, .format = SAMPLEFORMAT_UINT};
    if (!TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &l->width) || !TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &l->height))
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: TIFF without a size", name);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &l->bits);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLEFORMAT, &l->format);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &samples);
    if (samples != 1) return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s: TIFF with %d samples per pixel, not one", name, samples);
    int is_float = l->format == SAMPLEFORMAT_IEEEFP && (l->bits == 16 || l->bits == 32 || l->bits == 64);
    int is_uint = l->format == SAMPLEFORMAT_UINT && (l->bits == 8 || l->bits == 16 || l->bits == 32);
    if (!is_float && !is_uint)
        return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s: TIFF with %d-bit samples of format %d", name, l->bits, l->format);
    l->bytes = l->bits / 8u;
    if (!l->width || !l->height || l->width > IAD_IMAGE_MAX_SIDE || l->height > IAD_IMAGE_MAX_SIDE ||
        (uint64_t)l->width * l->height > IAD_IMAGE_MAX_PIXELS)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: map of %u x %u pixels", name, l->width, l->height);
    if ((uint64_t)l->width * l->height * l->bytes / MAX_RATIO > file_bytes)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: %zu bytes of TIFF cannot hold %u x %u pixels", name, file_bytes, l->width, l->height);
    return IAD_OK;
}

/* libtiff has brought the values to native byte order. */
static float value_at(const layout *l, const uint8_t *block, size_t i) {
    const uint8_t *at = block + i * l->bytes;
    if (l->bits == 8) return (float)*at;
    if (l->bits == 16) {
        uint16_t word;
        memcpy(&word, at, sizeof word);
        return l->format == SAMPLEFORMAT_IEEEFP ? iad_half_float(word) : (float)word;
    }
    if (l->bits == 64) {
        double value;
        memcpy(&value, at, sizeof value);
        return (float)value;
    }
    if (l->format == SAMPLEFORMAT_IEEEFP) {
        float value;
        memcpy(&value, at, sizeof value);
        return value;
    }
    uint32_t word;
    memcpy(&word, at, sizeof word);
    return (float)word;
}

static iad_status damaged(const layout *l, iad_err *err) { return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: TIFF data are damaged", l->name); }

static iad_status read_strips(TIFF *tiff, const layout *l, iad_plane *plane, iad_err *err) {
    uint32_t rows = l->height;
    TIFFGetFieldDefaulted(tiff, TIFFTAG_ROWSPERSTRIP, &rows);
    if (!rows || rows > l->height) rows = l->height;
    size_t row_bytes = (size_t)l->width * l->bytes;
    if ((uint64_t)TIFFScanlineSize64(tiff) != row_bytes) return damaged(l, err);
    uint8_t *block = iad_alloc(rows, row_bytes);
    if (!block) return IAD_NOMEM(err, "TIFF strip");
    iad_status status = IAD_OK;
    for (uint32_t y = 0; y < l->height && status == IAD_OK; y += rows) {
        uint32_t n = l->height - y < rows ? l->height - y : rows;
        tmsize_t want = (tmsize_t)(n * row_bytes);
        if (TIFFReadEncodedStrip(tiff, TIFFComputeStrip(tiff, y, 0), block, want) != want) status = damaged(l, err);
        for (size_t i = 0; i < (size_t)n * l->width && status == IAD_OK; i++)
            plane->px[(size_t)y * l->width + i] = value_at(l, block, i);
    }
    free(block);
    return status;
}

static iad_status read_tiles(TIFF *tiff, const layout *l, iad_plane *plane, iad_err *err) {
    uint32_t tw = 0, th = 0;
    if (!TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &tw) || !TIFFGetField(tiff, TIFFTAG_TILELENGTH, &th) || !tw || !th ||
        tw > IAD_IMAGE_MAX_SIDE || th > IAD_IMAGE_MAX_SIDE || (uint64_t)tw * th > IAD_IMAGE_MAX_PIXELS)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: TIFF tiles of %u x %u", l->name, tw, th);
    /* Tiles may be larger than the picture, but not absurdly so. */
    if ((uint64_t)tw * th > 4 * (uint64_t)l->width * l->height + (1u << 20))
        return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: TIFF tiles of %u x %u", l->name, tw, th);
    tmsize_t want = (tmsize_t)((size_t)tw * th * l->bytes);
    if (TIFFTileSize(tiff) != want) return damaged(l, err);
    uint8_t *block = iad_alloc((size_t)want, 1);
    if (!block) return IAD_NOMEM(err, "TIFF tile");
    iad_status status = IAD_OK;
    for (uint32_t y = 0; y < l->height && status == IAD_OK; y += th)
        for (uint32_t x = 0; x < l->width && status == IAD_OK; x += tw) {
            if (TIFFReadEncodedTile(tiff, TIFFComputeTile(tiff, x, y, 0, 0), block, want) != want) status = damaged(l, err);
            for (uint32_t j = 0; j < th && y + j < l->height && status == IAD_OK; j++)
                for (uint32_t i = 0; i < tw && x + i < l->width; i++)
                    plane->px[(size_t)(y + j) * l->width + x + i] = value_at(l, block, (size_t)j * tw + i);
        }
    free(block);
    return status;
}

iad_status iad_mapreader_tiff(const void *bytes, size_t n, const char *name, iad_plane *plane, iad_err *err) {
    *plane = (iad_plane){0};
    memory m = {bytes, n, 0};
    TIFF *tiff = open_memory(&m);
    if (!tiff) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: not a readable TIFF", name);
    layout l;
    iad_status status = read_layout(tiff, name, n, &l, err);
    if (status == IAD_OK) status = iad_plane_init(plane, (int)l.width, (int)l.height, err);
    if (status == IAD_OK) status = TIFFIsTiled(tiff) ? read_tiles(tiff, &l, plane, err) : read_strips(tiff, &l, plane, err);
    TIFFClose(tiff);
    if (status != IAD_OK) iad_plane_deinit(plane);
    return status;
}
