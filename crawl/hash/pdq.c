/* The hash itself: samples, transform, bits. All numbers are integers; those of the transform are kept in doubles, which hold them exactly
 * (below 2^53) and which every compiler vectorises. Turning or mirroring the picture permutes the samples and so negates and
 * transposes the coefficients exactly: one transform serves all eight positions. */
#include "crawl/hash/pdq.h"

#include <string.h>

#include "crawl/hash/tentgrid.h"

enum { GRID = IAD_TENT_GRID, LOW = 16, BITS = LOW * LOW };

/* 2^12 cos(pi m / 128), m = 0..64. */
static const int16_t quarter_wave[GRID + 1] = {4096, 4095, 4091, 4085, 4076, 4065, 4052, 4036, 4017, 3996, 3973, 3948, 3920, 3889, 3857, 3822, 3784,
                                               3745, 3703, 3659, 3612, 3564, 3513, 3461, 3406, 3349, 3290, 3229, 3166, 3102, 3035, 2967, 2896, 2824,
                                               2751, 2675, 2598, 2520, 2440, 2359, 2276, 2191, 2106, 2019, 1931, 1842, 1751, 1660, 1567, 1474, 1380,
                                               1285, 1189, 1092, 995,  897,  799,  700,  601,  501,  401,  301,  201,  101,  0};

/* 2^12 cos(pi (2 x + 1) u / 128). */
static double wave(int x, int u) {
    int m = (2 * x + 1) * u % (4 * GRID);
    if (m > 2 * GRID) m = 4 * GRID - m;
    return m <= GRID ? quarter_wave[m] : -quarter_wave[2 * GRID - m];
}

/* low[v][u]: vertical frequency v + 1, horizontal frequency u + 1. Samples have 16 bits, each pass adds 12 + 6: at most 52. */
static void transform(const uint16_t sample[GRID][GRID], double low[LOW][LOW]) {
    double basis[GRID][LOW], rows[GRID][LOW];
    for (int x = 0; x < GRID; x++)
        for (int u = 0; u < LOW; u++) basis[x][u] = wave(x, u + 1);
    memset(rows, 0, sizeof rows);
    for (int y = 0; y < GRID; y++)
        for (int x = 0; x < GRID; x++)
            for (int u = 0; u < LOW; u++) rows[y][u] += sample[y][x] * basis[x][u];
    memset(low, 0, LOW * sizeof *low);
    for (int y = 0; y < GRID; y++)
        for (int v = 0; v < LOW; v++)
            for (int u = 0; u < LOW; u++) low[v][u] += rows[y][u] * basis[y][v];
}

/* Steps between neighbouring samples in percent of the range, whole percents only: smooth ramps and noise count nothing. The sum is
 * divided by 90, which the publication found to fit; 100 is the most. */
static int quality_of(const uint16_t sample[GRID][GRID]) {
    enum { RANGE = 255 * IAD_TENT_ONE };
    int sum = 0;
    for (int y = 0; y < GRID; y++)
        for (int x = 0; x < GRID; x++) {
            if (x + 1 < GRID)
                sum += 100 * (sample[y][x] > sample[y][x + 1] ? sample[y][x] - sample[y][x + 1] : sample[y][x + 1] - sample[y][x]) / RANGE;
            if (y + 1 < GRID)
                sum += 100 * (sample[y][x] > sample[y + 1][x] ? sample[y][x] - sample[y + 1][x] : sample[y + 1][x] - sample[y][x]) / RANGE;
        }
    return sum / 90 < 100 ? sum / 90 : 100;
}

/* The k-th smallest of n numbers, which it moves about (Hoare's selection). */
static double select_kth(double *item, int n, int k) {
    int lo = 0, hi = n - 1;
    while (lo < hi) {
        const double pivot = item[(lo + hi) / 2];
        int i = lo, j = hi;
        while (i <= j) {
            while (item[i] < pivot) i++;
            while (item[j] > pivot) j--;
            if (i > j) break;
            const double swap = item[i];
            item[i++] = item[j];
            item[j--] = swap;
        }
        if (k <= j) hi = j;
        else if (k >= i) lo = i;
        else break;
    }
    return item[k];
}

static void bits_above_median(const double low[LOW][LOW], iad_pdq *hash) {
    double work[BITS];
    memcpy(work, low, sizeof work);
    const double median = select_kth(work, BITS, BITS / 2 - 1);
    memset(hash, 0, sizeof *hash);
    for (int i = 0; i < BITS; i++)
        if (low[i / LOW][i % LOW] > median) hash->word[i / 64] |= (uint64_t)1 << (i % 64);
}

/* Coefficients of the picture mirrored left to right: odd horizontal frequencies change sign. */
static void mirror(double low[LOW][LOW]) {
    for (int v = 0; v < LOW; v++)
        for (int u = 0; u < LOW; u += 2) low[v][u] = -low[v][u]; /* index 0 is frequency 1 */
}

/* A clockwise quarter turn is a transposition followed by that mirroring. */
static void turn(double low[LOW][LOW]) {
    for (int v = 0; v < LOW; v++)
        for (int u = 0; u < v; u++) {
            const double swap = low[v][u];
            low[v][u] = low[u][v];
            low[u][v] = swap;
        }
    mirror(low);
}

iad_status iad_pdq_turns(const iad_image *image, int percent, iad_pdq hash[IAD_PDQ_TURNS], int *quality, iad_err *err) {
    uint16_t sample[GRID][GRID];
    double low[LOW][LOW];
    IAD_TRY(iad_tent_grid(image, percent, sample, err));
    *quality = quality_of(sample);
    transform(sample, low);
    for (int i = 0; i < 4; i++, turn(low)) bits_above_median(low, &hash[i]); /* the fourth turn leads back to the start */
    mirror(low);
    for (int i = 4; i < IAD_PDQ_TURNS; i++, turn(low)) bits_above_median(low, &hash[i]);
    return IAD_OK;
}

iad_status iad_pdq_hash(const iad_image *image, iad_pdq *hash, int *quality, iad_err *err) {
    iad_pdq turns[IAD_PDQ_TURNS];
    IAD_TRY(iad_pdq_turns(image, 0, turns, quality, err));
    *hash = turns[0];
    return IAD_OK;
}

void iad_pdq_text(const iad_pdq *hash, char text[IAD_PDQ_TEXT]) {
    for (int i = 0; i < 64; i++) text[63 - i] = "0123456789abcdef"[hash->word[i / 16] >> (4 * (i % 16)) & 15];
    text[64] = '\0';
}

iad_status iad_pdq_parse(const char *text, iad_pdq *hash, iad_err *err) {
    memset(hash, 0, sizeof *hash);
    if (strlen(text) != 64) return IAD_FAIL(err, IAD_ERR_FORMAT, "not a PDQ hash: %zu digits, 64 are wanted", strlen(text));
    for (int i = 0; i < 64; i++) {
        const char c = text[63 - i];
        const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
        if (digit < 0) return IAD_FAIL(err, IAD_ERR_FORMAT, "not a PDQ hash: digit %d is not hexadecimal", 64 - i);
        hash->word[i / 16] |= (uint64_t)digit << (4 * (i % 16));
    }
    return IAD_OK;
}
