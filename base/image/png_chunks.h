/* The frame of a PNG file: which chunks are there and whether the file ends in the middle of one. */
#ifndef IAD_IMAGE_PNG_CHUNKS_H
#define IAD_IMAGE_PNG_CHUNKS_H

#include <stddef.h>
#include <stdint.h>

enum { IAD_PNG_GREY = 0, IAD_PNG_RGB = 2, IAD_PNG_PALETTE = 3, IAD_PNG_GREY_ALPHA = 4, IAD_PNG_RGB_ALPHA = 6 };

typedef struct iad_png_chunks {
    uint32_t width, height;
    int depth, color; /* IAD_PNG_... */
    int interlaced;
    int has_palette;
    int frames;       /* of an animated PNG (chunk acTL), else 1; at most INT_MAX */
    int orientation;  /* EXIF (chunk eXIf), 1 when absent */
    int header_ok;    /* IHDR is complete and its values are allowed together */
    int data_cut;     /* the file ends within the pixel data or before it */
    int has_end;      /* IEND was reached */
} iad_png_chunks;

/* Walks the chunks behind the 8 bytes of signature (PNG, third edition, section 5). Looks at no checksum: libpng
 * does. */
void iad_png_walk(const uint8_t *bytes, size_t n, iad_png_chunks *chunks);

#endif
