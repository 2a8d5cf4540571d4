/* What a mask says in words and boxes: components, merged and sorted, their place on the 3 x 3 grid, their size (synth-data 3.6, 3.7). */
#ifndef IAD_SYNTH_MASKREGIONS_H
#define IAD_SYNTH_MASKREGIONS_H

#include <stdint.h>

#include "base/buf.h"
#include "base/image/image.h"
#include "base/status.h"

#define IAD_REGIONS_MAX 8

typedef struct iad_region {
    int x0, y0, x1, y1; /* pixels of the picture, x1 and y1 exclusive */
    int64_t area;       /* pixels */
    int cell;           /* 0..8, row by row, of the centroid; a border at 1/3 or 2/3 belongs to the lower cell number */
} iad_region;

typedef struct iad_regions {
    iad_region items[IAD_REGIONS_MAX]; /* by area, largest first; ties by cell, then y0, x0 */
    int n;
    int width, height;
    int64_t area;  /* of all items */
} iad_regions;

/* 8-connected components of the non-zero pixels; those closer than 1.5 % of the shorter side are one; below 12 pixels dropped unless it is the only
 * one; at most 8. An empty mask gives n = 0. */
iad_status iad_regions_of_mask(const iad_image *mask, iad_regions *regions, iad_err *err);

/* lang: "en" or "zh". Static text: "top left", ... "center" (AnomalyGPT's nine). */
const char *iad_place_phrase(int cell, const char *lang);
/* Parses what models write: top|upper, bottom|lower, left, right, middle|center|centre; -1 when nothing is found. */
int iad_place_parse(const char *text);
/* Distinct cells of the regions in ascending order; cells[9], returns their number. */
int iad_region_cells(const iad_regions *regions, int cells[9]);
/* "at the top left and the center" in that language. Appended. */
iad_status iad_regions_phrase(const iad_regions *regions, const char *lang, iad_buf *out, iad_err *err);
/* tiny < 0.1 %, small < 1 %, medium < 5 %, large. */
const char *iad_size_word(double area_share, const char *lang);

/* A box of the original picture in the frame of Qwen2.5-VL's resized picture (new_w x new_h): round half to even, clamped to [0, new - 1],
 * grown to 4 pixels when thinner than 2. box: x0, y0, x1, y1. */
void iad_region_box_to_resized(const int box[4], int width, int height, int new_w, int new_h, int out[4]);

#endif
