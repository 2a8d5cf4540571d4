/* Cheap facts about pixels that tell photographs from posters, drawings and empty pictures. */
#ifndef IAD_CRAWL_PIXELSTATS_H
#define IAD_CRAWL_PIXELSTATS_H

#include "base/image/image.h"

typedef struct iad_pixel_stats {
    double white_border; /* 0..1: share of pixels of the outer 5 % that are nearly white (every channel >= 245) */
    double sharpness;    /* variance of the Laplacian of grey values; below about 20: blurred */
    int colours;         /* different colours at 5 bits per channel, 1..32768 */
    int contrast;        /* grey levels between the 1st and the 99th percentile, 0..255 */
} iad_pixel_stats;

/* Looks at every row and column, or at evenly spaced ones of a large picture. image: 1 or 3 channels, both sides >= 3; smaller ones give zeros. */
void iad_pixel_stats_of(const iad_image *image, iad_pixel_stats *stats);

/* A picture with nothing on it. */
static inline int iad_pixel_stats_blank(const iad_pixel_stats *stats) { return stats->contrast < 10 && stats->colours < 12; }

#endif
