#include "base/fmath.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* Taylor series after an exact-enough argument reduction. Horner's rule in a fixed order of operations. */

#define LN2_HI 6.93147180369123816490e-01 /* ln 2 split so that k * LN2_HI is exact for |k| < 2^20 */
#define LN2_LO 1.90821492927058770002e-10
#define HALF_PI_HI 1.57079632673412561417e+00 /* pi/2, top 33 bits */
#define HALF_PI_MID 6.07710050630396597660e-11
#define HALF_PI_LO 2.02226624879595063154e-21

static double sin_poly(double r) {
    double q = r * r;
    double s = 1.0 / 355687428096000.0;
    s = -1.0 / 1307674368000.0 + q * s;
    s = 1.0 / 6227020800.0 + q * s;
    s = -1.0 / 39916800.0 + q * s;
    s = 1.0 / 362880.0 + q * s;
    s = -1.0 / 5040.0 + q * s;
    s = 1.0 / 120.0 + q * s;
    s = -1.0 / 6.0 + q * s;
    return r + r * q * s;
}

static double cos_poly(double r) {
    double q = r * r;
    double c = 1.0 / 20922789888000.0;
    c = -1.0 / 87178291200.0 + q * c;
    c = 1.0 / 479001600.0 + q * c;
    c = -1.0 / 3628800.0 + q * c;
    c = 1.0 / 40320.0 + q * c;
    c = -1.0 / 720.0 + q * c;
    c = 1.0 / 24.0 + q * c;
    return 1.0 - 0.5 * q + q * q * c;
}

/* x = n * pi/2 + r, |r| <= pi/4; returns n mod 4. */
static int reduce(double x, double *r) {
    double n = floor(x * 0.63661977236758134308 + 0.5);
    *r = ((x - n * HALF_PI_HI) - n * HALF_PI_MID) - n * HALF_PI_LO;
    return (int)((int64_t)n & 3);
}

static double quadrant(int n, double r) {
    switch (n & 3) {
        case 0: return sin_poly(r);
        case 1: return cos_poly(r);
        case 2: return -sin_poly(r);
        default: return -cos_poly(r);
    }
}

double iad_sin(double x) {
    double r;
    int n = reduce(x, &r);
    return quadrant(n, r);
}

double iad_cos(double x) {
    double r;
    int n = reduce(x, &r);
    return quadrant(n + 1, r);
}

/* 2^k for any k, by exact multiplications. */
static double scale2(double x, int k) {
    while (k > 1000) x *= 0x1p1000, k -= 1000;
    while (k < -1000) x *= 0x1p-1000, k += 1000;
    uint64_t bits = (uint64_t)(k + 1023) << 52;
    double factor;
    memcpy(&factor, &bits, sizeof factor);
    return x * factor;
}

double iad_exp(double x) {
    if (x != x) return x;
    if (x > 709.9) return INFINITY;
    if (x < -745.2) return 0.0;
    double n = floor(x * 1.44269504088896338700 + 0.5);
    double r = (x - n * LN2_HI) - n * LN2_LO;
    double e = 1.0 / 6227020800.0;
    static const double inverse[] = {1.0 / 479001600.0, 1.0 / 39916800.0, 1.0 / 3628800.0, 1.0 / 362880.0,
                                     1.0 / 40320.0,     1.0 / 5040.0,     1.0 / 720.0,     1.0 / 120.0,
                                     1.0 / 24.0,        1.0 / 6.0,        0.5};
    for (unsigned i = 0; i < sizeof inverse / sizeof inverse[0]; i++) e = inverse[i] + r * e;
    return scale2(1.0 + (r + r * r * e), (int)n);
}

double iad_log(double x) {
    if (x != x || x < 0) return NAN;
    if (x == 0) return -INFINITY;
    if (x > 1.7976931348623157e308) return x;
    int k = 0;
    if (x < 0x1p-1022) x *= 0x1p54, k = -54;
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    k += (int)(bits >> 52) - 1023;
    bits = (bits & 0x000fffffffffffffULL) | 0x3ff0000000000000ULL;
    double m;
    memcpy(&m, &bits, sizeof m);
    if (m > 1.4142135623730951) m *= 0.5, k++;
    /* log m = 2 artanh(s), s = (m-1)/(m+1), |s| <= 0.1716 */
    double s = (m - 1.0) / (m + 1.0), q = s * s, sum = 1.0 / 23.0;
    for (int d = 21; d >= 3; d -= 2) sum = 1.0 / d + q * sum;
    return k * LN2_HI + (2.0 * (s + s * q * sum) + k * LN2_LO);
}

double iad_pow(double x, double y) { return iad_exp(y * iad_log(x)); }

double iad_atan2(double y, double x) {
    static const double pi = 3.14159265358979311600;
    if (x != x || y != y) return NAN;
    if (x == 0 && y == 0) return 0;
    double ay = fabs(y), ax = fabs(x);
    int swap = ay > ax;
    double t = swap ? ax / ay : ay / ax; /* 0..1 */
    /* Halve the angle twice: atan t = 2 atan(t / (1 + sqrt(1 + t^2))). */
    double u = t / (1.0 + sqrt(1.0 + t * t));
    u = u / (1.0 + sqrt(1.0 + u * u)); /* <= tan(pi/16) = 0.199 */
    double q = u * u, sum = 1.0 / 25.0;
    for (int d = 23; d >= 3; d -= 2) sum = 1.0 / d - q * sum;
    double a = 4.0 * (u - u * q * sum);
    if (swap) a = pi / 2 - a;
    if (x < 0) a = pi - a;
    return y < 0 ? -a : a;
}
