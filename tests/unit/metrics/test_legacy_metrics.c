/* Threshold-based variants and AUPIMO against literal re-statements. */
#include "tests/unit/iad_test.h"

#include "base/rng.h"
#include "bench/metrics/cutcount.h"
#include "bench/metrics/floatkey.h"
#include "bench/metrics/pixelmetrics.h"
#include "bench/metrics/positives.h"
#include "tests/unit/metrics/brute_pixels.h"

static iad_err err;

enum { PICTURES = 5, W = 17, H = 13 };
static float maps[PICTURES][W * H];
static uint8_t masks[PICTURES][W * H];
static iad_map_view views[PICTURES];
static brute b;

static void make(uint64_t seed, int skew) {
    iad_rng rng;
    iad_rng_init(&rng, seed, 0);
    for (int i = 0; i < PICTURES; i++) {
        for (int j = 0; j < W * H; j++) {
            int x = j % W, y = j / W;
            masks[i][j] = i < 3 && ((x > 2 && x < 8 && y > 3 && y < 8 && !(x == 5 && y == 6)) || (x > 11 && y == i + 1));
            float v = (float)iad_rng_below(&rng, 60) / 20 + (masks[i][j] ? 1.2f : 0);
            maps[i][j] = skew ? expf(v * 2) : v;
        }
        views[i] = (iad_map_view){.map = maps[i], .mask = i < 3 ? masks[i] : NULL, .width = W, .height = H, .label = i < 3, .source_regions = -1};
    }
    brute_load(&b, views, PICTURES, 8);
}

static double area(const double *x, const double *y, int n) {
    double a = 0;
    for (int i = 1; i < n; i++) a += (x[i] - x[i - 1]) * (y[i] + y[i - 1]) / 2;
    return fabs(a);
}

static double thr200(int variant, double lo, double hi) {
    double x[300], y[300], min = 1e9, max = -1e9, tp, fp, pro, delta = (hi - lo) / 200;
    int n = 0;
    for (int i = 0; i < 200; i++) {
        double t = variant == 2 ? hi - i * delta : lo + i * delta;
        brute_at(&b, t, 1, &tp, &fp, &pro);
        fp /= b.q;
        if (variant == 2) {
            /* Filled regions: each of the three has one enclosed pixel, at (5, 6), in the region of 19 pixels. */
            double extra = 0;
            for (int p = 0; p < 3; p++) extra += (double)maps[p][6 * W + 5] > t;
            pro += extra / 19 / b.regions;
            if (fp > 0.3) continue;
        } else if (fp >= 0.3) {
            continue;
        }
        x[n] = fp;
        y[n++] = pro;
        min = fmin(min, fp);
        max = fmax(max, fp);
    }
    if (variant == 1) min = 0;
    for (int i = 0; i < n; i++) x[i] = (x[i] - min) / (max - min);
    return area(x, y, n);
}

static void uniform_thresholds(void **state) {
    (void)state;
    int differ = 0;
    for (int seed = 0; seed < 6; seed++) {
        make((uint64_t)seed, seed % 2);
        iad_map_source source = iad_map_source_array(views, PICTURES);
        iad_pixel_options o = {.want = IAD_PIXEL_PRO_THR200};
        iad_pixel_metrics m;
        assert_ok(iad_pixel_metrics_compute(&source, &o, &m, &err));
        double lo = (double)m.score_min, hi = (double)m.score_max;
        assert_close(m.legacy.aupro_thr200_rescaled, thr200(0, lo, hi), 1e-12);
        assert_close(m.legacy.aupro_thr200_dinomaly, thr200(1, lo, hi), 1e-12);
        assert_close(m.legacy.aupro_thr200_winclip, thr200(2, lo, hi), 1e-12);
        differ += m.legacy.aupro_thr200_rescaled != m.legacy.aupro_thr200_winclip;
        assert_true(isnan(m.legacy.aupro_3d100) && isnan(m.legacy.visa202_auroc)); /* not asked for */
        iad_pixel_metrics_deinit(&m);
    }
    assert_true(differ > 0);
}

static int up(const void *a, const void *c) {
    double x = *(const double *)a, y = *(const double *)c;
    return x < y ? -1 : x > y;
}

static void rank_thresholds(void **state) {
    (void)state;
    make(7, 0);
    static double negative[BRUTE_MAX_PIXELS];
    int n = 0;
    for (int i = 0; i < b.n; i++)
        if (b.region[i] < 0) negative[n++] = b.s[i];
    qsort(negative, (size_t)n, sizeof *negative, up);
    double x[101], y[101], tp, fp;
    for (int i = 0; i < 100; i++) {
        int at = i == 99 ? n - 1 : (int)floor(i * ((double)(n - 1) / 99));
        brute_at(&b, negative[at], 1, &tp, &fp, &y[99 - i]);
        x[99 - i] = 1 - (double)(at + 1) / n;
    }
    x[100] = y[100] = 1;
    double sum = 0;
    for (int i = 1; i <= 100; i++) {
        if (x[i] <= 0.3) {
            sum += (x[i] - x[i - 1]) * (y[i] + y[i - 1]) / 2;
            continue;
        }
        double cut = y[i - 1] + (y[i] - y[i - 1]) * (0.3 - x[i - 1]) / (x[i] - x[i - 1]);
        sum += (0.3 - x[i - 1]) * (y[i - 1] + cut) / 2;
        break;
    }
    iad_map_source source = iad_map_source_array(views, PICTURES);
    iad_pixel_options o = {.want = IAD_PIXEL_PRO_3D100};
    for (o.n_threads = 1; o.n_threads < 4; o.n_threads++) {
        iad_pixel_metrics m;
        assert_ok(iad_pixel_metrics_compute(&source, &o, &m, &err));
        assert_close(m.legacy.aupro_3d100, sum / 0.3, 1e-12);
        iad_pixel_metrics_deinit(&m);
    }
}

static double percentile(const double *sorted, int n, double percent) {
    double at = percent / 100 * (n - 1);
    int i = (int)floor(at), j = i + 1 < n ? i + 1 : i;
    double a = sorted[i], c = sorted[j], t = at - i;
    return t < 0.5 ? a + (c - a) * t : c - (c - a) * (1 - t); /* as numpy interpolates */
}

static void visa_thresholds(void **state) {
    (void)state;
    make(8, 1);
    static double positive[BRUTE_MAX_PIXELS];
    int n = 0;
    for (int i = 0; i < b.n; i++)
        if (b.region[i] >= 0) positive[n++] = b.s[i];
    qsort(positive, (size_t)n, sizeof *positive, up);
    double t[202], x[202], y[202], p[202], f1 = 0;
    for (int i = 0; i < 100; i++) {
        t[i] = percentile(positive, n, i == 99 ? 0 : 100 + i * (-100.0 / 99));
        t[100 + i] = i == 99 ? positive[0] : positive[n - 1] + i * ((positive[0] - positive[n - 1]) / 99);
    }
    t[200] = b.threshold[b.n_thresholds - 1] - 1e-8;
    t[201] = b.threshold[0] + 1e-8;
    qsort(t, 202, sizeof *t, brute_down);
    for (int i = 0; i < 202; i++) {
        double tp, fp, pro;
        brute_at(&b, t[i], 1, &tp, &fp, &pro);
        x[i] = fp / b.q;
        y[i] = tp / b.p;
        p[i] = tp + fp > 0 ? tp / (tp + fp) : 1;
        if (p[i] > 0 && y[i] > 0) f1 = fmax(f1, 2 * p[i] * y[i] / (p[i] + y[i]));
    }
    iad_map_source source = iad_map_source_array(views, PICTURES);
    iad_pixel_options o = {.want = IAD_PIXEL_VISA202};
    iad_pixel_metrics m;
    assert_ok(iad_pixel_metrics_compute(&source, &o, &m, &err));
    assert_close(m.legacy.visa202_auroc, area(x, y, 202), 0.51e-4);
    assert_close(m.legacy.visa202_aupr, area(y, p, 202), 0.51e-4);
    assert_close(m.legacy.visa202_f1_max, f1, 1e-12);
    assert_close(rint(m.legacy.visa202_auroc * 1e4), m.legacy.visa202_auroc * 1e4, 1e-9);
}

static void ader_thresholds(void **state) {
    (void)state;
    make(9, 0);
    float lo = (float)b.threshold[b.n_thresholds - 1], hi = (float)b.threshold[0];
    double best = 0, best_iou = 0, sum = 0, sum_iou = 0, sum_acc = 0;
    for (int i = 0; i < 28; i++) {
        double t = i < 21 ? i * 0.05 : 0.2 + (i - 21) * ((0.2 + 0.1) - 0.2), tp = 0, fp = 0;
        for (int j = 0; j < b.n; j++)
            if ((double)(((float)b.s[j] - lo) / (hi - lo)) > t) *(b.region[j] >= 0 ? &tp : &fp) += 1;
        double precision = tp / (tp + fp + 1e-8), recall = tp / (b.p + 1e-8);
        double f1 = 2 * precision * recall / (precision + recall + 1e-8), iou = tp / (b.p + fp + 1e-8);
        if (i < 21) {
            best = fmax(best, f1);
            best_iou = fmax(best_iou, iou);
        } else {
            sum += f1 / 7;
            sum_iou += iou / 7;
            sum_acc += recall / 7;
        }
    }
    iad_map_source source = iad_map_source_array(views, PICTURES);
    iad_pixel_options o = {.want = IAD_PIXEL_ADER21};
    iad_pixel_metrics m;
    assert_ok(iad_pixel_metrics_compute(&source, &o, &m, &err));
    assert_close(m.legacy.ader21_f1_max, best, 1e-12);
    assert_close(m.legacy.ader21_iou_max, best_iou, 1e-12);
    assert_close(m.legacy.ader_mf1_px_0_2_0_8_0_1, sum, 1e-12);
    assert_close(m.legacy.ader_miou_px_0_2_0_8_0_1, sum_iou, 1e-12);
    assert_close(m.legacy.ader_macc_px_0_2_0_8_0_1, sum_acc, 1e-12);
    assert_true(m.legacy.ader21_f1_max <= m.f1_max);
}

static void equal_scores_do_not_divide_by_zero(void **state) {
    (void)state;
    make(10, 0);
    for (int i = 0; i < PICTURES; i++)
        for (int j = 0; j < W * H; j++) maps[i][j] = 0.25f;
    iad_map_source source = iad_map_source_array(views, PICTURES);
    iad_pixel_options o = {.want = ~0u, .curve_points = 100, .use_pro_threshold = 1, .pro_threshold = 0.25};
    iad_pixel_metrics m;
    assert_ok(iad_pixel_metrics_compute(&source, &o, &m, &err));
    assert_close(m.auroc, 0.5, 0);
    assert_true(isnan(m.legacy.aupro_thr200_rescaled) && isnan(m.legacy.ader21_f1_max));
    assert_close(m.pro_at_threshold, 1, 0);
    assert_close(m.fpr_at_threshold, 1, 0);
    iad_pixel_metrics_deinit(&m);
}

/* The definition with every distinct score as a threshold. */
static double brute_aupimo(int picture, double low, double high) {
    double last_f = 0, last_t = 0, sum = 0;
    for (int k = 0; k < b.n_thresholds; k++) {
        double f = 0, tp = 0, p = 0;
        int normals = 0;
        for (int n = 0; n < PICTURES; n++) {
            double fp = 0, size = 0;
            int defect = 0;
            for (int j = 0; j < b.n; j++)
                if (b.picture[j] == n) {
                    size++;
                    defect |= b.region[j] >= 0;
                    fp += b.s[j] >= b.threshold[k];
                    if (n == picture && b.region[j] >= 0) {
                        p++;
                        tp += b.s[j] >= b.threshold[k];
                    }
                }
            if (!defect) {
                f += fp / size;
                normals++;
            }
        }
        f /= normals;
        tp /= p;
        double a = fmax(last_f, low), c = fmin(f, high);
        if (c > a) {
            double ya = last_t, yc = last_t;
            if (last_f > 0) {
                ya = last_t + (tp - last_t) * log(a / last_f) / log(f / last_f);
                yc = last_t + (tp - last_t) * log(c / last_f) / log(f / last_f);
            }
            sum += (ya + yc) / 2 * log(c / a);
        }
        last_f = f;
        last_t = tp;
    }
    return sum / log(high / low);
}

static void aupimo(void **state) {
    (void)state;
    for (int seed = 0; seed < 8; seed++) {
        make(20 + (uint64_t)seed, 0);
        if (seed % 2) { /* pictures of different sizes weigh the same */
            views[3].width = 5;
            brute_load(&b, views, PICTURES, 8);
        }
        iad_map_source source = iad_map_source_array(views, PICTURES);
        iad_pixel_options o = {.want = IAD_PIXEL_AUPIMO, .aupimo_low = 0.01, .aupimo_high = 0.2, .n_threads = 1 + seed % 3};
        if (seed >= 4) o.aupimo_high = 1, o.aupimo_low = 1e-3;
        iad_pixel_metrics m;
        assert_ok(iad_pixel_metrics_compute(&source, &o, &m, &err));
        double mean = 0;
        for (int i = 0; i < 3; i++) {
            assert_close(m.aupimo[i], brute_aupimo(i, o.aupimo_low, o.aupimo_high), 1e-9);
            mean += m.aupimo[i] / 3;
        }
        assert_true(isnan(m.aupimo[3]) && isnan(m.aupimo[4]));
        assert_close(m.aupimo_mean, mean, 1e-12);
        assert_true(m.aupimo_p05 <= m.aupimo_p50 && m.aupimo_p50 <= m.aupimo_p95);
        assert_true(mean > 0.01 && mean < 0.99);
        iad_pixel_metrics_deinit(&m);
    }
}

static void cut_keys(void **state) {
    (void)state;
    assert_int_equal(iad_float_key(1.0f), iad_cut_key(1, 0));
    assert_int_equal(iad_float_key(1.0f) + 1, iad_cut_key(1, 1));
    assert_int_equal(iad_float_key(1.0f) + 1, iad_cut_key(1 + 1e-12, 0));
    assert_int_equal(iad_float_key(0.1f), iad_cut_key(0.1, 1)); /* 0.1f is above 0.1 */
    assert_int_equal(IAD_FLOAT_KEY_MAX + 1, iad_cut_key(1e300, 1));
    assert_int_equal(IAD_FLOAT_KEY_MIN, iad_cut_key(-1e300, 1));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uniform_thresholds), cmocka_unit_test(rank_thresholds),
        cmocka_unit_test(visa_thresholds),    cmocka_unit_test(ader_thresholds),
        cmocka_unit_test(aupimo),             cmocka_unit_test(equal_scores_do_not_divide_by_zero),
        cmocka_unit_test(cut_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
