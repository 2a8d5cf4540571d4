/* Registration: how a picture must be turned and shifted to lie on an exemplar, and how well it then agrees.
 *
 * Small views (luminance, its gradient magnitude, colour opponents) are correlated for every 15 degrees and every shift of up to a
 * quarter of the picture by Fourier transforms, then refined in angle and shift. The correlation says by itself whether there is
 * anything to align: textures stay below one half, objects and scenes lie well above. */
#ifndef IAD_BENCH_PATCHNN_PN_ALIGN_H
#define IAD_BENCH_PATCHNN_PN_ALIGN_H

#include "bench/patchnn/pn_fft.h"
#include "bench/patchnn/pn_params.h"
#include "bench/patchnn/pn_picture.h"

#define IAD_PN_MAX_CHANNELS 4

/* Zero-mean channels of a picture on a small grid, and their norms. */
typedef struct iad_pn_view {
    int width, height, n_channels;
    double cell;      /* working pixels per cell */
    float *px;        /* [n_channels][height][width], owned */
    double norm[IAD_PN_MAX_CHANNELS];
} iad_pn_view;

/* An exemplar as the registration keeps it. */
typedef struct iad_pn_template {
    iad_pn_view view;    /* fine, zero mean */
    int coarse_width, coarse_height;
    double norm[IAD_PN_MAX_CHANNELS]; /* of the coarse channels; 0 where the exemplar is flat */
    float *spectrum;     /* [n_channels][re, im][64 * 64], owned */
} iad_pn_template;

typedef struct iad_pn_alignment {
    double degrees;     /* the query is turned about its centre by this */
    double dx, dy;      /* then its centre lies at the exemplar's centre + (dx, dy) working pixels */
    double correlation; /* -1..1 of the refined position, mean over channels */
} iad_pn_alignment;

iad_status iad_pn_template_init(iad_pn_template *t, const iad_pn_fft *fft, const iad_pn_picture *exemplar, const iad_pn_params *params,
                                iad_err *err);
void iad_pn_template_deinit(iad_pn_template *t);

/* Aligns one query to each of n templates (all with the query's number of planes). */
iad_status iad_pn_align(const iad_pn_fft *fft, const iad_pn_template *templates, int n, const iad_pn_picture *query,
                        const iad_pn_params *params, iad_pn_alignment *out, iad_err *err);

#endif
