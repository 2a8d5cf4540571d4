#include "base/image/png_chunks.h"

#include <limits.h>
#include <string.h>

#include "base/image/decode_internal.h"
#include "base/image/exif.h"

#define SIGNATURE_BYTES 8
#define AROUND_BYTES 12 /* length, type and checksum of a chunk */

/* Table 12 of the specification: allowed bit depths of each colour type, one bit for each depth. */
static int depth_allowed(int color, int depth) {
    switch (color) {
    case IAD_PNG_GREY: return depth == 1 || depth == 2 || depth == 4 || depth == 8 || depth == 16;
    case IAD_PNG_PALETTE: return depth == 1 || depth == 2 || depth == 4 || depth == 8;
    case IAD_PNG_RGB:
    case IAD_PNG_GREY_ALPHA:
    case IAD_PNG_RGB_ALPHA: return depth == 8 || depth == 16;
    default: return 0;
    }
}

static void take_header(const uint8_t *body, uint32_t length, iad_png_chunks *c) {
    if (length != 13) return;
    c->width = iad_be32(body);
    c->height = iad_be32(body + 4);
    c->depth = body[8];
    c->color = body[9];
    c->interlaced = body[12];
    c->header_ok = c->width >= 1 && c->height >= 1 && c->width <= INT_MAX && c->height <= INT_MAX &&
                   depth_allowed(c->color, c->depth) && body[10] == 0 && body[11] == 0 && body[12] <= 1;
}

static void take_chunk(const uint8_t *type, const uint8_t *body, uint32_t length, iad_png_chunks *c) {
    if (memcmp(type, "PLTE", 4) == 0) c->has_palette = 1;
    if (memcmp(type, "acTL", 4) == 0 && length == 8) {
        uint32_t frames = iad_be32(body);
        c->frames = frames > INT_MAX ? INT_MAX : (int)frames;
    }
    if (memcmp(type, "eXIf", 4) == 0) {
        int orientation = iad_exif_orientation(body, length);
        if (orientation) c->orientation = orientation;
    }
}

void iad_png_walk(const uint8_t *bytes, size_t n, iad_png_chunks *c) {
    *c = (iad_png_chunks){.frames = 1, .orientation = 1};
    size_t at = SIGNATURE_BYTES;
    int data_seen = 0;
    while (n >= at && n - at >= 8) {
        const uint8_t *head = bytes + at;
        uint32_t length = iad_be32(head);
        int is_data = memcmp(head + 4, "IDAT", 4) == 0;
        if (memcmp(head + 4, "IEND", 4) == 0) {
            c->has_end = n - at >= AROUND_BYTES;
            break;
        }
        if (n - at < AROUND_BYTES || length > n - at - AROUND_BYTES) {
            if (is_data) data_seen = 0;
            break;
        }
        if (at == SIGNATURE_BYTES) {
            if (memcmp(head + 4, "IHDR", 4) == 0) take_header(head + 8, length, c);
            if (!c->header_ok) return;
        } else {
            take_chunk(head + 4, head + 8, length, c);
        }
        if (is_data) data_seen = 1;
        at += AROUND_BYTES + (size_t)length;
    }
    c->data_cut = !data_seen && !c->has_end;
}
