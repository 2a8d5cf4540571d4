/* Bootstrap of the pixel metrics over pictures, from binned counts of each picture. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/pool.h"
#include "bench/metrics/bootdraw.h"
#include "bench/metrics/eachpicture.h"
#include "bench/metrics/floatkey.h"
#include "bench/metrics/positives.h"
#include "bench/metrics/rankcount.h"

#define MAX_BYTES ((uint64_t)1 << 30)

/* Bin b holds the scores with exactly b edges at or below them. */
typedef struct binned {
    size_t pictures, bins;
    uint32_t *edges;      /* [bins - 1] keys, ascending */
    uint32_t *normal;     /* [pictures][bins] normal pixels */
    uint32_t *row;        /* [pictures] row of a picture with defects in the two below */
    uint32_t *defect;     /* [defect pictures][bins] defect pixels */
    double *overlap;      /* [defect pictures][bins] sum of 1/area of their regions */
    double *regions;      /* [pictures] */
    uint8_t *has_defect;  /* [pictures], of the positives */
    iad_rank_counter **counters;
    uint64_t *slots;      /* [threads][2 bins] */
} binned;

static void binned_deinit(binned *b, int n_threads) {
    free(b->edges);
    free(b->normal);
    free(b->row);
    free(b->defect);
    free(b->overlap);
    free(b->regions);
    for (int t = 0; b->counters && t < n_threads; t++) iad_rank_counter_free(b->counters[t]);
    free(b->counters);
    free(b->slots);
}

static size_t bin_of(const binned *b, uint32_t key) {
    size_t lo = 0, hi = b->bins - 1;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (b->edges[mid] <= key) lo = mid + 1;
        else hi = mid;
    }
    return lo;
}

/* Few distinct defect scores: a bin for each and one for each gap, so nothing is lost. Returns 0 when they do not fit. */
static int exact_edges(const iad_positives *set, binned *b, size_t bins) {
    size_t n = 0;
    for (size_t i = 0; i < set->n; i++) {
        uint32_t key = (uint32_t)(set->pairs[i] >> 32);
        if (i && key == set->pairs[i - 1] >> 32) continue;
        if (n + 3 > bins) return 0;
        if (!n || b->edges[n - 1] != key) b->edges[n++] = key;
        if (key < IAD_FLOAT_KEY_MAX) b->edges[n++] = key + 1;
    }
    b->bins = n + 1;
    return 1;
}

/* Else edges at equal ranks of the defect scores: there the curves move. */
static iad_status choose_edges(const iad_positives *set, binned *b, int wanted, iad_err *err) {
    uint64_t room = MAX_BYTES / (16 * (set->n_pictures + 1));
    if (room < 64) return IAD_FAIL(err, IAD_ERR_LIMIT, "%zu pictures are too many for a pixel bootstrap", set->n_pictures);
    size_t bins = (uint64_t)wanted < room ? (size_t)wanted : (size_t)room;
    b->edges = iad_alloc(bins, sizeof *b->edges);
    if (!b->edges) return IAD_NOMEM(err, "bootstrap");
    if (exact_edges(set, b, bins)) return IAD_OK;
    size_t n = 0;
    for (size_t i = 0; i + 1 < bins; i++) {
        size_t at = (size_t)((double)i / (double)(bins - 1) * (double)set->n);
        uint32_t key = (uint32_t)(set->pairs[at < set->n ? at : set->n - 1] >> 32);
        if (!n || key > b->edges[n - 1]) b->edges[n++] = key;
    }
    uint32_t top = (uint32_t)(set->pairs[set->n - 1] >> 32);
    if (top > b->edges[n - 1]) {
        if (n + 1 < bins) n++;
        b->edges[n - 1] = top;
    }
    b->bins = n + 1;
    return IAD_OK;
}

static iad_status bin_picture(void *user, size_t i, const iad_map_view *view, int thread, iad_err *err) {
    binned *b = user;
    const size_t k = b->bins - 1, n = (size_t)view->width * (size_t)view->height;
    uint64_t *slots = b->slots + (size_t)thread * 2 * b->bins;
    uint32_t lo = UINT32_MAX, hi = 0;
    memset(slots, 0, (2 * k + 1) * sizeof *slots);
    size_t done = iad_rank_add(b->counters[thread], view->map, n);
    if (done < n) return iad_view_not_finite(view, i, done, err);
    iad_rank_finish(b->counters[thread], slots, &lo, &hi);
    uint32_t *normal = b->normal + i * b->bins;
    normal[0] = (uint32_t)slots[0];
    for (size_t j = 1; j <= k; j++) normal[j] = (uint32_t)(slots[2 * j - 1] + slots[2 * j]);
    return IAD_OK;
}

static iad_status fill(const iad_map_source *source, const iad_positives *set, binned *b, int n_threads, iad_err *err) {
    b->pictures = set->n_pictures;
    b->has_defect = set->has_defect;
    b->normal = iad_calloc(b->pictures * b->bins, sizeof *b->normal);
    b->row = iad_calloc(b->pictures, sizeof *b->row);
    b->defect = iad_calloc((size_t)set->defect_pictures * b->bins, sizeof *b->defect);
    b->overlap = iad_calloc((size_t)set->defect_pictures * b->bins, sizeof *b->overlap);
    b->regions = iad_calloc(b->pictures, sizeof *b->regions);
    b->counters = iad_calloc((size_t)n_threads, sizeof *b->counters);
    b->slots = iad_calloc((size_t)n_threads * 2 * b->bins, sizeof *b->slots);
    if (!b->normal || !b->row || !b->defect || !b->overlap || !b->regions || !b->counters || !b->slots) return IAD_NOMEM(err, "bootstrap");
    iad_rank_plan *plan;
    IAD_TRY(iad_rank_plan_new(b->edges, b->bins - 1, &plan, err));
    iad_status status = IAD_OK;
    for (int t = 0; t < n_threads && status == IAD_OK; t++) status = iad_rank_counter_new(plan, &b->counters[t], err);
    if (status == IAD_OK) status = iad_each_picture(source, 1, NULL, 0, n_threads, bin_picture, b, err);
    iad_rank_plan_free(plan);
    IAD_TRY(status);
    uint32_t rows = 0;
    for (size_t i = 0; i < b->pictures; i++)
        if (set->has_defect[i]) b->row[i] = rows++;
    for (size_t r = 0; r < set->n_regions; r++) b->regions[set->picture[r]]++;
    for (size_t i = 0; i < set->n; i++) {
        uint32_t region = (uint32_t)set->pairs[i], picture = set->picture[region];
        size_t bin = bin_of(b, (uint32_t)(set->pairs[i] >> 32)), at = b->row[picture] * b->bins + bin;
        b->normal[picture * b->bins + bin]--; /* all pixels were counted */
        b->defect[at]++;
        b->overlap[at] += 1.0 / set->area[region];
    }
    return IAD_OK;
}

typedef struct four {
    double auroc, ap, f1, aupro;
} four;

/* Sums the drawn pictures (picture order, so that the result is the same on any thread) and walks the bins from high to
 * low; scores in one bin count as ties. */
static four replicate(const binned *b, const uint32_t *times, double limit, double *scratch) {
    double *normal = scratch, *defect = normal + b->bins, *overlap = defect + b->bins;
    memset(scratch, 0, 3 * b->bins * sizeof *scratch);
    double regions = 0;
    for (size_t i = 0; i < b->pictures; i++) {
        if (!times[i]) continue;
        const double w = times[i];
        const uint32_t *from = b->normal + i * b->bins;
        for (size_t j = 0; j < b->bins; j++) normal[j] += w * from[j];
        if (!b->has_defect[i]) continue;
        from = b->defect + (size_t)b->row[i] * b->bins;
        const double *share = b->overlap + (size_t)b->row[i] * b->bins;
        for (size_t j = 0; j < b->bins; j++) defect[j] += w * from[j];
        for (size_t j = 0; j < b->bins; j++) overlap[j] += w * share[j];
        regions += w * b->regions[i];
    }
    double p = 0, q = 0, tp = 0, fp = 0, found = 0;
    for (size_t j = 0; j < b->bins; j++) {
        p += defect[j];
        q += normal[j];
    }
    if (!(p > 0) || !(q > 0)) return (four){NAN, NAN, NAN, NAN};
    four m = {0, 0, 0, 0};
    const double end = limit * q;
    for (size_t j = b->bins; j-- > 0;) {
        double dp = defect[j], dq = normal[j], y0 = found / regions, y1 = (found + overlap[j]) / regions;
        m.auroc += dq * (tp + dp / 2);
        if (fp < end && dq > 0) {
            double width = fp + dq <= end ? dq : end - fp;
            m.aupro += width * (y0 + (y0 + (y1 - y0) * (width / dq))) / 2;
        }
        tp += dp;
        fp += dq;
        found += overlap[j];
        if (dp > 0) m.ap += dp / p * (tp / (tp + fp));
        if (tp > 0) m.f1 = fmax(m.f1, 2 * tp / (tp + fp + p));
    }
    m.auroc /= p * q;
    m.aupro /= end;
    return m;
}

typedef struct run {
    const binned *b;
    const iad_bootstrap_options *o;
    double limit;
    double *scratch;  /* [threads][3 bins] */
    uint32_t *times;  /* [threads][2 pictures] */
    four *results;    /* [replicates] */
} run;

static void one(void *user, size_t r, int thread) {
    run *u = user;
    uint32_t *times = u->times + (size_t)thread * 2 * u->b->pictures;
    iad_boot_draw(u->o, r, u->b->has_defect, u->b->pictures, times + u->b->pictures, times);
    u->results[r] = replicate(u->b, times, u->limit, u->scratch + (size_t)thread * 3 * u->b->bins);
}

static iad_status run_all(const binned *b, const iad_bootstrap_options *o, const iad_pixel_metrics *exact,
                          iad_pixel_bootstrap *out, iad_err *err) {
    const size_t threads = (size_t)o->n_threads, n = (size_t)o->replicates;
    run u = {b, o, exact->pro_limit[0], iad_alloc(threads * 3 * b->bins, sizeof(double)),
             iad_alloc(threads * 2 * b->pictures, sizeof(uint32_t)), iad_alloc(n, sizeof(four))};
    double *values = iad_alloc(n, sizeof *values);
    iad_status status = u.scratch && u.times && u.results && values ? IAD_OK : IAD_NOMEM(err, "bootstrap");
    if (status == IAD_OK) {
        for (size_t i = 0; i < b->pictures; i++) u.times[i] = 1;
        four whole = replicate(b, u.times, u.limit, u.scratch);
        iad_parallel_for(n, o->n_threads, one, &u);
        out->auroc_bin_error = exact->auroc - whole.auroc;
        out->ap_bin_error = exact->ap - whole.ap;
        out->f1_max_bin_error = exact->f1_max - whole.f1;
        out->aupro_bin_error = exact->aupro[0] - whole.aupro;
        for (size_t i = 0; i < n; i++) values[i] = u.results[i].auroc;
        out->auroc = iad_boot_interval(values, o->replicates, o->level, exact->auroc, out->auroc_bin_error);
        for (size_t i = 0; i < n; i++) values[i] = u.results[i].ap;
        out->ap = iad_boot_interval(values, o->replicates, o->level, exact->ap, out->ap_bin_error);
        for (size_t i = 0; i < n; i++) values[i] = u.results[i].f1;
        out->f1_max = iad_boot_interval(values, o->replicates, o->level, exact->f1_max, out->f1_max_bin_error);
        for (size_t i = 0; i < n; i++) values[i] = u.results[i].aupro;
        out->aupro = iad_boot_interval(values, o->replicates, o->level, exact->aupro[0], out->aupro_bin_error);
    }
    free(u.scratch);
    free(u.times);
    free(u.results);
    free(values);
    return status;
}

iad_status iad_pixel_bootstrap_run(const iad_map_source *source, const iad_pixel_metrics *exact, int connectivity,
                                   const iad_bootstrap_options *options, iad_pixel_bootstrap *out, iad_err *err) {
    const iad_interval none = {NAN, NAN, NAN, NAN, 0};
    *out = (iad_pixel_bootstrap){none, none, none, none, NAN, NAN, NAN, NAN};
    iad_bootstrap_options o;
    IAD_TRY(iad_boot_options(options, &o, err));
    if (exact->undefined) return IAD_OK;
    iad_positives set;
    binned b = {0};
    iad_status status = iad_positives_collect(source, connectivity ? connectivity : 8, 0, o.n_threads, &set, err);
    if (status == IAD_OK && (set.n != exact->positives || set.total_pixels != exact->pixels))
        status = IAD_FAIL(err, IAD_ERR_ARG, "the bootstrap got other pictures than the metrics it belongs to");
    if (status == IAD_OK) status = iad_positives_sort(&set, err);
    if (status == IAD_OK) status = choose_edges(&set, &b, o.bins, err);
    if (status == IAD_OK) status = fill(source, &set, &b, o.n_threads, err);
    if (status == IAD_OK) status = run_all(&b, &o, exact, out, err);
    binned_deinit(&b, o.n_threads);
    iad_positives_deinit(&set);
    return status;
}
