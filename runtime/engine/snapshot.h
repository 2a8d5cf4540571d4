/* The file form of an exemplar set.
 *
 *   bytes 0-7    "IADGPTEX"
 *   8-11, 12-15  format version 1; n = bytes of the header (little-endian u32)
 *   16..16+n-1   header: JSON (see iad_snapshot), then zeros up to a multiple of 64
 *   then         per layer the keys [rows][width], then the values, in the KV type; each part padded to 64 bytes
 *   then         the first exemplar's tokens [rows][hidden] f32, when the set compresses queries
 *   then         the mean maps [2][h * w] f32, when the set calibrates maps
 *   last 32      SHA-256 of everything before */
#ifndef IAD_ENGINE_SNAPSHOT_H
#define IAD_ENGINE_SNAPSHOT_H

#include "runtime/engine/engine.h"

#define IAD_SNAPSHOT_MAGIC "IADGPTEX"
enum { IAD_SNAPSHOT_VERSION = 1, IAD_SNAPSHOT_MAX_HEADER = 64 << 20 };

/* What the header says. */
typedef struct iad_snapshot {
    iad_hash key, identity;
    int k;
    int layers;
    int64_t width, hidden;      /* of a key row; of a token */
    iad_dtype kv;               /* IAD_F32 or IAD_BF16 */
    iad_timeline line;
    iad_hash first_key;
    int first_lh, first_lw;     /* 0, 0: no tokens of the first exemplar follow */
    int map_h, map_w;           /* 0, 0: no mean maps follow */
    int image_h, image_w;       /* settings */
    int64_t min_pixels, max_pixels;
    double retention;
    int aligned, compress_query, calibrate_map, yes_is_defective;
    char *question;             /* owned, NULL: canonical */
    size_t data;                /* offset of the first part */
} iad_snapshot;

/* Reads the head of a file of n bytes, the checksum excluded; checks every number against its limits and that the parts fill the
 * file exactly. Does not look at the parts. Errors name what is wrong: IAD_ERR_FORMAT, IAD_ERR_LIMIT, IAD_ERR_NOMEM. */
iad_status iad_snapshot_parse(const uint8_t *bytes, size_t n, const char *name, iad_snapshot *snapshot, iad_err *err);
void iad_snapshot_deinit(iad_snapshot *snapshot);

#endif
