/* The colour map of heat pictures. */
#include "base/image/draw.h"

/* 17 equidistant colours, chosen in OKLab: lightness rises evenly from 0.26 to 0.94 while the hue runs from blue over teal and
 * green to yellow, chroma as far as sRGB allows. Equal steps of a map look equally large, in grey prints too. */
static const iad_rgb anchors[17] = {{23, 19, 97},   {19, 36, 109},  {9, 52, 121},   {7, 69, 126},   {10, 84, 132},  {14, 100, 133},
                                    {16, 115, 137}, {19, 131, 140}, {25, 147, 141}, {26, 163, 143}, {31, 179, 140}, {36, 196, 128},
                                    {71, 212, 105}, {129, 221, 89}, {175, 229, 71}, {216, 235, 55}, {254, 241, 66}};

static uint8_t between(uint8_t a, uint8_t b, double f) { return (uint8_t)(a + (b - a) * f + 0.5); }

iad_rgb iad_colormap(double t) {
    if (!(t > 0.0)) return anchors[0]; /* NaN too */
    if (t >= 1.0) return anchors[16];
    int i = (int)(t * 16.0);
    double f = t * 16.0 - i;
    const iad_rgb *a = &anchors[i], *b = a + 1;
    return (iad_rgb){between(a->r, b->r, f), between(a->g, b->g, f), between(a->b, b->b, f)};
}
