/* Whether two small grey pictures show the same: one may be a piece of the other that lacks a few percent at its borders, and a part of
 * it may be covered. */
#ifndef IAD_CRAWL_GRIDMATCH_H
#define IAD_CRAWL_GRIDMATCH_H

#include <stdint.h>

enum { IAD_MATCH_FINE = 80, IAD_MATCH_CELLS = 40 };

/* Sums of grey from the upper left corner: sum[y][x] over the y rows and x columns before it. */
typedef struct iad_grey_sums {
    uint32_t sum[IAD_MATCH_FINE + 1][IAD_MATCH_FINE + 1];
} iad_grey_sums;
void iad_grey_sums_make(const uint8_t grey[IAD_MATCH_FINE][IAD_MATCH_FINE], iad_grey_sums *sums);

/* What iad_grid_match gives when too little of the pictures has any structure to compare. */
#define IAD_MATCH_UNKNOWN (-1)

/* The likeness of the best alignment, 0..1000: what most of 4 x 4 blocks reach (56 percent of those that are not flat), so that what covers some of
 * them does not count; for a block 1000 means equal, 0 as different as two pictures that have nothing to do with each other. One change of brightness
 * and contrast of the whole is allowed for. `kept` is the other picture, each cell the mean of an area. The search: both whole; kept's picture larger
 * by 5 percent at any place; smaller by 5 percent at any place; then small steps in place and size. `quick` looks at the first alone. The same on
 * every machine. */
int iad_grid_match(const iad_grey_sums *asking, const uint8_t kept[IAD_MATCH_CELLS][IAD_MATCH_CELLS], int quick);

/* The same without vector instructions: what the fast ones are held against. */
int iad_grid_match_plain(const iad_grey_sums *asking, const uint8_t kept[IAD_MATCH_CELLS][IAD_MATCH_CELLS], int quick);

#endif
