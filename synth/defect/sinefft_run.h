/* The FFT itself; between sinefft_plan.c and sinefft.c. */
#ifndef IAD_SYNTH_SINEFFT_RUN_H
#define IAD_SYNTH_SINEFFT_RUN_H

#include "synth/defect/sinefft.h"

/* Transform with exp(-2 pi i jk / length) of IAD_SINE_LANES columns: a[length][IAD_SINE_BLOCK], real parts then imaginary parts in each
 * row; b is scratch of the same size. Returns where the result is, a or b. */
float *iad_fft_run(const iad_fft_plan *fft, float *a, float *b, int wide);

#endif
