/* Pixel metrics of one category: all pixels of all pictures pooled, normal pictures included. Exact, with memory
 * proportional to the number of defect pixels (not of all pixels), independent of the number of threads and of the
 * order of the pictures, bit for bit. Definitions and their sources: bench/metrics/README.md. */
#ifndef IAD_METRICS_PIXELMETRICS_H
#define IAD_METRICS_PIXELMETRICS_H

#include "bench/metrics/imagemetrics.h"
#include "bench/metrics/mapset.h"

#define IAD_PRO_MAX_LIMITS 8
#define IAD_PIXEL_MAX_POSITIVES 2000000000u

/* Which optional and legacy figures to compute; each costs further passes over the maps. */
enum {
    IAD_PIXEL_ANOMALY_ONLY = 1u << 0, /* pixel AUROC over pictures that hold a defect pixel (PatchCore official) */
    IAD_PIXEL_AUPIMO = 1u << 1,       /* anomalib's per-image overlap at very low shared FPR */
    IAD_PIXEL_PRO_THR200 = 1u << 2,   /* 200 uniform thresholds: the three variants of CLIP-family papers */
    IAD_PIXEL_PRO_3D100 = 1u << 3,    /* MVTec 3D-AD: 100 equidistant ranks of the negatives */
    IAD_PIXEL_VISA202 = 1u << 4,      /* VisA official: 202 thresholds, ROC, PR areas and F1 */
    IAD_PIXEL_ADER21 = 1u << 5        /* ADer: min-max, 21 thresholds F1-max/IoU-max, and the mean over 0.2..0.8 */
};

typedef struct iad_pixel_options {
    double pro_limits[IAD_PRO_MAX_LIMITS]; /* each in (0, 1] */
    size_t n_pro_limits;                   /* 0: one limit, 0.3 */
    int connectivity;                      /* 8 or 4; 0: 8 */
    int n_threads;                         /* 0: 1 */
    unsigned want;                         /* IAD_PIXEL_... bits */
    size_t curve_points;                   /* points per curve, 0: no curves; 200 is good for a plot */
    double pro_threshold;                  /* PRO and decisions at this threshold, when use_pro_threshold */
    int use_pro_threshold;
    double aupimo_low, aupimo_high;        /* 0: 1e-5 and 1e-4 */
} iad_pixel_options;

/* Named by what the reference code computes; NaN when not asked for or undefined. See README.md for each. */
typedef struct iad_pixel_legacy {
    double aupro_thr200_rescaled; /* thresholds min..max upwards, strict >, FPR < 0.3, (x - min)/(max - min) */
    double aupro_thr200_dinomaly; /* the same, FPR divided by its maximum only */
    double aupro_thr200_winclip;  /* thresholds from max downwards, FPR <= 0.3, filled regions over unfilled area */
    double aupro_3d100;           /* limit 0.3, curve from (1,1), 100 rank thresholds */
    double visa202_auroc, visa202_aupr, visa202_f1_max; /* areas rounded to 4 decimals as the official code does */
    double ader21_f1_max, ader21_iou_max;
    double ader_mf1_px_0_2_0_8_0_1, ader_macc_px_0_2_0_8_0_1, ader_miou_px_0_2_0_8_0_1;
} iad_pixel_legacy;

typedef struct iad_pixel_metrics {
    uint64_t pictures, defect_pictures; /* defect_pictures: with at least one defect pixel */
    uint64_t pixels, positives, negatives;
    uint64_t regions;         /* connected regions at evaluation size */
    uint64_t source_regions;  /* sum of the known source_regions of the views */
    uint64_t lost_pictures;   /* labelled anomalous, but no defect pixel is left: count and warn */
    uint64_t lost_regions;    /* sum over pictures of max(0, source_regions - regions), where known */
    uint64_t distinct;        /* distinct scores among the defect pixels */
    float score_min, score_max; /* over all pixels */
    int undefined;            /* 1: no positive or no negative pixel; every value is NaN */
    double auroc, ap, aupr_trapz;
    double f1_max, f1_max_threshold;
    size_t n_pro_limits;
    double pro_limit[IAD_PRO_MAX_LIMITS], aupro[IAD_PRO_MAX_LIMITS]; /* exact MVTec definition, divided by the limit */
    double auroc_anomaly_only;           /* NaN unless wanted */
    double aupimo_mean, aupimo_sd, aupimo_p05, aupimo_p50, aupimo_p95; /* over anomalous pictures; NaN unless wanted */
    double *aupimo;                      /* [pictures], NaN for pictures without defect; NULL unless wanted; owned */
    double pro_at_threshold, fpr_at_threshold, precision_at_threshold, recall_at_threshold, iou_at_threshold;
    iad_pixel_legacy legacy;
    iad_curve roc, pr, pro;              /* n = 0 unless curve_points; pro: x = FPR, y = mean region overlap */
} iad_pixel_metrics;

/* options may be NULL (defaults). *out is filled also when undefined. Errors: IAD_ERR_FORMAT (NaN/Inf with picture and
 * pixel position; a picture labelled normal whose mask has defects; one labelled anomalous without any mask given),
 * IAD_ERR_ARG, IAD_ERR_LIMIT, IAD_ERR_NOMEM, and whatever the source returns. */
iad_status iad_pixel_metrics_compute(const iad_map_source *source, const iad_pixel_options *options,
                                     iad_pixel_metrics *out, iad_err *err);
void iad_pixel_metrics_deinit(iad_pixel_metrics *metrics);

/* Number of connected regions of non-zero pixels. connectivity 8 or 4. */
iad_status iad_mask_regions(const uint8_t *mask, int width, int height, int connectivity, uint64_t *regions, iad_err *err);

#endif
