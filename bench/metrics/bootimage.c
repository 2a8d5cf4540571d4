/* Bootstrap of the image-level metrics: exact, one walk over the sorted scores per replicate. */
#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "bench/metrics/bootdraw.h"
#include "bench/metrics/imagemetrics.h"

typedef struct item {
    double score;
    uint32_t picture;
} item;

static int downwards(const void *a, const void *b) {
    double x = ((const item *)a)->score, y = ((const item *)b)->score;
    return x > y ? -1 : x < y;
}

typedef struct three {
    double auroc, ap, f1;
} three;

/* The metrics of a weighted set; items in descending score. */
static three walk(const item *items, size_t n, const uint8_t *labels, const uint32_t *times) {
    double p = 0, q = 0, tp = 0, fp = 0;
    for (size_t i = 0; i < n; i++) *(labels[i] ? &p : &q) += times[i];
    if (!(p > 0) || !(q > 0)) return (three){NAN, NAN, NAN};
    three m = {0, 0, 0};
    for (size_t i = 0; i < n;) {
        double dp = 0, dq = 0;
        size_t j = i;
        for (; j < n && items[j].score == items[i].score; j++) {
            uint32_t at = items[j].picture;
            *(labels[at] ? &dp : &dq) += times[at];
        }
        m.auroc += dq * (tp + dp / 2);
        tp += dp;
        fp += dq;
        if (dp > 0) m.ap += dp / p * (tp / (tp + fp));
        if (tp > 0) m.f1 = fmax(m.f1, 2 * tp / (tp + fp + p));
        i = j;
    }
    m.auroc /= p * q;
    return m;
}

iad_status iad_image_bootstrap_run(const double *scores, const uint8_t *labels, size_t n,
                                   const iad_bootstrap_options *options, iad_image_bootstrap *out, iad_err *err) {
    iad_bootstrap_options o;
    *out = (iad_image_bootstrap){{NAN, NAN, NAN, NAN, 0}, {NAN, NAN, NAN, NAN, 0}, {NAN, NAN, NAN, NAN, 0}};
    IAD_TRY(iad_boot_options(options, &o, err));
    iad_image_metrics exact;
    IAD_TRY(iad_image_metrics_compute(scores, labels, n, NULL, &exact, err));
    if (exact.undefined) return IAD_OK;
    item *items = iad_alloc(n, sizeof *items);
    uint32_t *times = iad_alloc(2 * n, sizeof *times);
    double *values = iad_alloc(3 * (size_t)o.replicates, sizeof *values);
    iad_status status = items && times && values ? IAD_OK : IAD_NOMEM(err, "bootstrap");
    if (status == IAD_OK) {
        double *auroc = values, *ap = auroc + o.replicates, *f1 = ap + o.replicates;
        for (size_t i = 0; i < n; i++) items[i] = (item){scores[i], (uint32_t)i};
        qsort(items, n, sizeof *items, downwards);
        for (int r = 0; r < o.replicates; r++) {
            iad_boot_draw(&o, (uint64_t)r, labels, n, times + n, times);
            three m = walk(items, n, labels, times);
            auroc[r] = m.auroc;
            ap[r] = m.ap;
            f1[r] = m.f1;
        }
        out->auroc = iad_boot_interval(auroc, o.replicates, o.level, exact.auroc, 0);
        out->ap = iad_boot_interval(ap, o.replicates, o.level, exact.ap, 0);
        out->f1_max = iad_boot_interval(f1, o.replicates, o.level, exact.f1_max, 0);
    }
    free(items);
    free(times);
    free(values);
    return status;
}
