#include <string.h>

#include "base/text.h"
#include "bench/metrics/pixelmetrics.h"
#include "bench/metrics/protocol.h"

typedef struct preset {
    iad_protocol rules;
    const char *note;
} preset;

/* Masks of the published data hold 0/255 or class ids. Where the reference code binarises first, or where its data are
 * 0/255 anyway, we binarise first: same result there, and ids are safe. */
#define PIL(level) {.binarise_first = 1, .resample = IAD_MASK_PIL_BILINEAR, .last = IAD_MASK_PIL_BILINEAR, .above = (level)}
#define CV(level) {.binarise_first = 1, .resample = IAD_MASK_CV_NEAREST, .last = IAD_MASK_CV_NEAREST, .above = (level)}
#define VISA_AGPT                                                                                                \
    {.resample = IAD_MASK_PIL_BILINEAR, .last = IAD_MASK_PIL_BILINEAR, .short_side = 1, .above = 0.01, .relative_to_max = 1}
#define PROMPTAD {.binarise_first = 1, .resample = IAD_MASK_CV_NEAREST, .via = 1024, .last = IAD_MASK_CV_NEAREST}
#define CROP392(level) \
    {.binarise_first = 1, .resample = IAD_MASK_PIL_BILINEAR, .via = 448, .crop = 392, .last = IAD_MASK_CV_NEAREST, .above = (level)}

static const preset presets[] = {
    {{.name = "iadgpt-224", .size_rule = IAD_SIZE_FIXED, .width = 224, .height = 224, .interp = IAD_MAP_BILINEAR_ALIGN,
      .mask = PIL(0.1), .score_rule = IAD_SCORE_MODEL, .connectivity = 8},
     "The IADGPT paper states neither size nor mask rule; this is AnomalyGPT's geometry with the model's own score. Default"},
    {{.name = "iadgpt-400", .size_rule = IAD_SIZE_FIXED, .width = 400, .height = 400, .interp = IAD_MAP_BILINEAR,
      .mask = PROMPTAD, .smoothing = IAD_SMOOTH_SCIPY, .sigma = 4, .score_rule = IAD_SCORE_MODEL, .connectivity = 8},
     "The same doubt, read the other way: PromptAD's geometry with the model's own score"},
    {{.name = "anomalygpt-mvtec", .size_rule = IAD_SIZE_FIXED, .width = 224, .height = 224,
      .interp = IAD_MAP_BILINEAR_ALIGN, .mask = PIL(0.1), .score_rule = IAD_SCORE_MAX, .connectivity = 8},
     "AnomalyGPT on MVTec AD: 224 x 224, antialiased mask above 0.1 (the defect area grows by about a tenth)"},
    {{.name = "anomalygpt-visa", .size_rule = IAD_SIZE_FIXED, .width = 224, .height = 224,
      .interp = IAD_MAP_BILINEAR_ALIGN, .mask = VISA_AGPT, .score_rule = IAD_SCORE_MAX, .connectivity = 8},
     "AnomalyGPT on VisA: raw class ids, shorter side to 224 and centre crop, above a hundredth of the maximum"},
    {{.name = "kagprompt", .size_rule = IAD_SIZE_FIXED, .width = 224, .height = 224, .interp = IAD_MAP_BILINEAR_ALIGN,
      .mask = PIL(0.1), .score_rule = IAD_SCORE_TOP_MIX, .score_mix = 0.9, .score_top = 30, .connectivity = 8},
     "KAG-prompt on MVTec AD: AnomalyGPT's geometry, score 0.1 model + 0.9 mean of the 30 largest map values"},
    {{.name = "kagprompt-visa", .size_rule = IAD_SIZE_FIXED, .width = 224, .height = 224,
      .interp = IAD_MAP_BILINEAR_ALIGN, .mask = VISA_AGPT, .score_rule = IAD_SCORE_TOP_MIX, .score_mix = 0.9,
      .score_top = 30, .connectivity = 8},
     "KAG-prompt on VisA: AnomalyGPT's VisA masks, the same score"},
    {{.name = "iipad", .size_rule = IAD_SIZE_FIXED, .width = 224, .height = 224, .interp = IAD_MAP_BILINEAR,
      .mask = PIL(0.5), .smoothing = IAD_SMOOTH_SCIPY, .sigma = 4, .score_rule = IAD_SCORE_MAX_PLUS,
      .pro_variant = IAD_PIXEL_PRO_THR200, .connectivity = 8},
     "IIPAD: score = text part of the model + maximum of the map (its text and visual maps are added up before)"},
    {{.name = "promptad", .size_rule = IAD_SIZE_FIXED, .width = 400, .height = 400, .interp = IAD_MAP_BILINEAR,
      .mask = PROMPTAD, .smoothing = IAD_SMOOTH_SCIPY, .sigma = 4, .score_rule = IAD_SCORE_HARMONIC, .connectivity = 8},
     "PromptAD: masks by nearest neighbour over 1024 to 400, maps smoothed in the segmentation task"},
    {{.name = "winclip", .size_rule = IAD_SIZE_FIXED, .width = 400, .height = 400, .interp = IAD_MAP_BICUBIC,
      .mask = CV(0.45), .score_rule = IAD_SCORE_MAX, .pro_variant = IAD_PIXEL_PRO_THR200, .connectivity = 8},
     "The public WinCLIP port, whose numbers are far below the paper's; the paper's own protocol is not published"},
    {{.name = "anomalyclip", .size_rule = IAD_SIZE_FIXED, .width = 518, .height = 518, .interp = IAD_MAP_BILINEAR,
      .mask = PIL(0.5), .smoothing = IAD_SMOOTH_SCIPY, .sigma = 4, .score_rule = IAD_SCORE_MODEL,
      .pro_variant = IAD_PIXEL_PRO_THR200, .connectivity = 8},
     "AnomalyCLIP: text score, smoothed maps, AUPRO over 200 thresholds"},
    {{.name = "dinomaly", .size_rule = IAD_SIZE_FIXED, .width = 256, .height = 256, .interp = IAD_MAP_BILINEAR,
      .mask = CROP392(0), .smoothing = IAD_SMOOTH_KERNEL, .sigma = 4, .kernel = 5, .score_rule = IAD_SCORE_TOP_SHARE,
      .score_share = 0.01, .pro_variant = IAD_PIXEL_PRO_THR200, .connectivity = 8},
     "Dinomaly: maps and masks cover the 392 centre crop of 448; any trace of a defect counts (> 0)"},
    {{.name = "inpformer", .size_rule = IAD_SIZE_FIXED, .width = 256, .height = 256, .interp = IAD_MAP_BILINEAR,
      .mask = CROP392(0.5), .smoothing = IAD_SMOOTH_KERNEL, .sigma = 4, .kernel = 5, .score_rule = IAD_SCORE_TOP_SHARE,
      .score_share = 0.01, .connectivity = 8},
     "INP-Former: as Dinomaly but masks above 0.5, which explains differing pixel AP and F1"},
    {{.name = "univad", .size_rule = IAD_SIZE_FIXED, .width = 448, .height = 448, .interp = IAD_MAP_BILINEAR,
      .mask = PIL(0.5), .smoothing = IAD_SMOOTH_KERNEL_REFLECT, .sigma = 4, .kernel = 3, .score_rule = IAD_SCORE_MAX_PLUS,
      .connectivity = 8},
     "UniVAD: score = maximum of the fused map + global score of objects (0 for textures)"},
    {{.name = "anomalydino", .size_rule = IAD_SIZE_MASK, .interp = IAD_MAP_BILINEAR, .mask = CV(0),
      .smoothing = IAD_SMOOTH_SCIPY, .sigma = 4, .score_rule = IAD_SCORE_TOP_SHARE, .score_share = 0.01,
      .score_native = 1, .connectivity = 8},
     "AnomalyDINO: original picture size, exact AUPRO, score = mean of the largest hundredth of the patch distances"},
    {{.name = "mvtec-official", .size_rule = IAD_SIZE_MASK, .interp = IAD_MAP_BILINEAR, .mask = CV(0),
      .score_rule = IAD_SCORE_MAX, .connectivity = 8},
     "MVTec AD's own evaluation: original size, exact AUPRO; smoothing is the method's business"},
    {{.name = "visa-official", .size_rule = IAD_SIZE_MASK, .interp = IAD_MAP_BILINEAR, .mask = CV(0),
      .score_rule = IAD_SCORE_MAX, .pro_variant = IAD_PIXEL_VISA202, .connectivity = 8},
     "VisA's own evaluation: class ids become 1, 202 thresholds, no PRO; the map size is the model's business, here original"},
    {{.name = "anomalib", .size_rule = IAD_SIZE_MAP, .interp = IAD_MAP_BILINEAR, .mask = CV(0),
      .score_rule = IAD_SCORE_MAX, .connectivity = 8},
     "anomalib: map size; its clamp normalisation is NOT reproduced, because scores are never transformed here"},
    {{.name = "native", .size_rule = IAD_SIZE_MASK, .interp = IAD_MAP_BILINEAR, .mask = CV(0),
      .score_rule = IAD_SCORE_MODEL, .connectivity = 8},
     "Ours for exact work: original size, no smoothing, the model's own score"},
};

#define N_PRESETS (sizeof presets / sizeof *presets)

const iad_protocol *iad_protocol_at(size_t index) { return index < N_PRESETS ? &presets[index].rules : NULL; }

static const preset *find(const char *name, size_t n) {
    for (size_t i = 0; i < N_PRESETS; i++)
        if (strlen(presets[i].rules.name) == n && !memcmp(presets[i].rules.name, name, n)) return presets + i;
    return NULL;
}

iad_status iad_protocol_find(const char *name, iad_protocol *out, iad_err *err) {
    const preset *p = find(name, strlen(name));
    if (p) {
        *out = p->rules;
        return IAD_OK;
    }
    char list[400];
    size_t at = 0;
    list[0] = 0;
    for (size_t i = 0; i < N_PRESETS; i++) {
        const char *item = presets[i].rules.name;
        if (at + strlen(item) + 3 > sizeof list) break;
        if (i) list[at++] = ' ';
        iad_text_copy(list + at, sizeof list - at, item);
        at += strlen(item);
    }
    return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "no protocol \"%s\"; there are: %s", name, list);
}

const char *iad_protocol_note(const char *name) {
    const preset *p = find(name, strcspn(name, "+"));
    return p ? p->note : "";
}
