/* The scorer's constants: one set for every category. bench/patchnn/README.md says on what evidence each was chosen. */
#ifndef IAD_BENCH_PATCHNN_PN_PARAMS_H
#define IAD_BENCH_PATCHNN_PN_PARAMS_H

#define IAD_PN_MAX_LEVELS 5
#define IAD_PN_ORIENTATIONS 8
#define IAD_PN_LEVEL_DIMS (IAD_PN_ORIENTATIONS + 2 + 1 + 2) /* gradients, two signs of the Laplacian, mean, two colour opponents */
#define IAD_PN_MAX_DIMS (IAD_PN_MAX_LEVELS * IAD_PN_LEVEL_DIMS)

typedef struct iad_pn_params {
    int work_side;       /* the working picture has about work_side^2 pixels */
    int grid_step;       /* working pixels between patch centres */
    int levels;          /* octaves of the descriptor */
    double smooth_sigma; /* before the derivatives, pixels of the level */
    double pool_sigma;   /* Gaussian pooling, pixels of the level */
    double shrink;       /* of the nuisance covariance towards a multiple of the identity */
    double noise;        /* standard deviation below which a feature says nothing, picture range 1 */
    double radius;       /* working pixels that an aligned patch may be off */
    double rotate_gain;  /* correlation that a turned query must gain over the unturned one */
    double corr_low, corr_high; /* alignment counts from corr_low on, fully from corr_high on */
} iad_pn_params;

const iad_pn_params *iad_pn_default_params(void);

#endif
