#include "manifests/label.h"

#include <string.h>
#include <strings.h>

static const char *const label_names[] = {"normal", "anomalous", "unknown"};
static const char *const quality_names[] = {"exact", "coarse", "box", "auto"};
static const char *const part_names[] = {"none", "train", "val", "test"};

const char *iad_label_name(iad_label label) {
    return (unsigned)label < 3 ? label_names[label] : "unknown";
}

const char *iad_mask_quality_name(iad_mask_quality quality) {
    return (unsigned)quality < 4 ? quality_names[quality] : "auto";
}

const char *iad_part_name(iad_part part) {
    return (unsigned)part < 4 ? part_names[part] : "none";
}

/* Index of text in names[n], -1 when absent. */
static int name_index(const char *text, const char *const *names, int n) {
    for (int i = 0; text && i < n; i++)
        if (!strcmp(text, names[i])) return i;
    return -1;
}

iad_status iad_label_parse(const char *text, iad_label *label, iad_err *err) {
    int i = name_index(text, label_names, 3);
    if (i < 0)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "label '%.60s': not normal, anomalous or unknown", text ? text : "");
    *label = (iad_label)i;
    return IAD_OK;
}

iad_status iad_mask_quality_parse(const char *text, iad_mask_quality *quality, iad_err *err) {
    int i = name_index(text, quality_names, 4);
    if (i < 0)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "mask quality '%.60s': not exact, coarse, box or auto", text ? text : "");
    *quality = (iad_mask_quality)i;
    return IAD_OK;
}

iad_status iad_part_parse(const char *text, iad_part *part, iad_err *err) {
    int i = name_index(text, part_names, 4);
    if (i < 0) return IAD_FAIL(err, IAD_ERR_FORMAT, "part '%.60s': not none, train, val or test", text ? text : "");
    *part = (iad_part)i;
    return IAD_OK;
}

iad_part iad_part_of_split(const char *source_split) {
    if (!source_split) return IAD_PART_NONE;
    if (!strcasecmp(source_split, "train") || !strcasecmp(source_split, "training")) return IAD_PART_TRAIN;
    if (!strcasecmp(source_split, "val") || !strcasecmp(source_split, "valid") ||
        !strcasecmp(source_split, "validation"))
        return IAD_PART_VAL;
    if (!strncasecmp(source_split, "test", 4)) return IAD_PART_TEST;
    return IAD_PART_NONE;
}
