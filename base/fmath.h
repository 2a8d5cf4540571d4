/* Elementary functions in plain IEEE double arithmetic: the same bits on every machine and libm version (the build
 * forbids contraction). Relative error below 1e-13 in the stated ranges; sqrt, floor, fabs of <math.h> are exact already. */
#ifndef IAD_BASE_FMATH_H
#define IAD_BASE_FMATH_H

double iad_sin(double x);            /* |x| <= 1e6 */
double iad_cos(double x);            /* |x| <= 1e6 */
double iad_exp(double x);            /* overflow gives INFINITY, underflow 0 */
double iad_log(double x);            /* x > 0; 0 gives -INFINITY, below 0 NaN */
double iad_pow(double x, double y);  /* x > 0 */
double iad_atan2(double y, double x);

#endif
