/* Anomaly maps written by other tools: NumPy .npy, float TIFF, 16-bit PNG. Values are kept as they are. */
#ifndef IAD_METRICS_MAPREADER_H
#define IAD_METRICS_MAPREADER_H

#include "base/buf.h"
#include "base/image/image.h"

#define IAD_MAPREADER_MAX_BYTES (1024u * 1024u * 1024u)

/* .npy version 1-3: f2 f4 f8 u1 u2, either byte order, C order, shape [h,w] with leading and
 * trailing ones ([1,h,w], [h,w,1], [1,1,h,w]).
 * f8 is rounded to float. Errors: IAD_ERR_FORMAT, IAD_ERR_UNSUPPORTED (dtype, Fortran order, shape), IAD_ERR_LIMIT. */
iad_status iad_mapreader_npy(const void *bytes, size_t n, const char *name, iad_plane *plane, iad_err *err);

/* TIFF with one sample per pixel: float 16/32/64 bit or unsigned 8/16/32 bit, strips or tiles, any libtiff compression.
 * First directory only. libtiff prints nothing. */
iad_status iad_mapreader_tiff(const void *bytes, size_t n, const char *name, iad_plane *plane, iad_err *err);

/* 16-bit (or 8-bit) grey PNG: value 0..65535 as float, not scaled. */
iad_status iad_mapreader_png(const void *bytes, size_t n, const char *name, iad_plane *plane, iad_err *err);

/* By content. NaN and Inf are IAD_ERR_FORMAT naming file, x and y. */
iad_status iad_mapreader_decode(const void *bytes, size_t n, const char *name, iad_plane *plane, iad_err *err);
iad_status iad_mapreader_load(const char *path, iad_plane *plane, iad_err *err);

/* Writes [height][width] little-endian f4 as .npy version 1.0 (appended to *out). */
iad_status iad_mapreader_encode_npy(const iad_plane *plane, iad_buf *out, iad_err *err);

#endif
