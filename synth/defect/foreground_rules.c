/* Which rule finds the object of a category: its own row, RealNet's table for the public sets (synth-data 1.6), else the automatic one. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "synth/defect/foreground.h"

typedef struct table_row {
    const char *dataset, *category; /* category NULL: all others of the set */
    iad_foreground_rule rule;
} table_row;

#define WHOLE {"all", 3, 0, 0, 0}

static const table_row table[] = {
    {"mvtec", "carpet", WHOLE},
    {"mvtec", "leather", WHOLE},
    {"mvtec", "tile", WHOLE},
    {"mvtec", "wood", WHOLE},
    {"mvtec", "cable", WHOLE},
    {"mvtec", "transistor", WHOLE},
    {"mvtec", "pill", {"otsu", 3, 0, 6, 6}},
    {"mvtec", "hazelnut", {"triangle", 3, 0, 6, 6}},
    {"mvtec", "metal_nut", {"triangle", 3, 0, 6, 6}},
    {"mvtec", "toothbrush", {"triangle", 3, 0, 6, 6}},
    {"mvtec", "bottle", {"otsu", 3, 1, 6, 6}},
    {"mvtec", "capsule", {"otsu", 3, 1, 6, 6}},
    {"mvtec", "grid", {"otsu", 3, 1, 6, 6}},
    {"mvtec", "screw", {"otsu", 3, 1, 6, 6}},
    {"mvtec", "zipper", {"otsu", 3, 1, 6, 6}},
    {"visa", "capsules", WHOLE},
    {"visa", "pcb1", {"triangle", 2, 0, 8, 3}},
    {"visa", "pcb2", {"triangle", 2, 0, 8, 3}},
    {"visa", "pcb3", {"triangle", 2, 0, 8, 3}},
    {"visa", "pcb4", {"triangle", 2, 0, 8, 3}},
    {"visa", NULL, {"otsu", 3, 0, 3, 3}},
    {"mpdd", "bracket_white", {"otsu", 2, 0, 6, 0}},
    {"mpdd", "tubes", {"otsu", 2, 0, 6, 0}},
    {"mpdd", "bracket_black", {"otsu", 1, 1, 6, 0}},
    {"mpdd", "bracket_brown", {"otsu", 1, 1, 6, 0}},
    {"mpdd", "connector", {"otsu", 1, 1, 6, 0}},
    {"mpdd", "metal_plate", {"otsu", 3, 1, 6, 0}},
    {"btad", "02", WHOLE},
    {"btad", "01", {"otsu", 3, 0, 15, 6}},
    {"btad", "03", {"otsu", 3, 0, 15, 6}},
};

/* Names of data sets vary ("mvtec-ad", "MVTec_AD"); those of the table stand at their beginning. */
static int same_set(const char *dataset, const char *known) { return strncasecmp(dataset, known, strlen(known)) == 0; }

static iad_status from_params(const char *method, const char *params, iad_foreground_rule *rule, iad_err *err) {
    static const char *const methods[] = {"auto", "all", "otsu", "triangle"};
    *rule = IAD_FOREGROUND_AUTO;
    rule->method = NULL;
    for (size_t i = 0; i < 4; i++)
        if (strcmp(method, methods[i]) == 0) rule->method = methods[i];
    if (!rule->method) return IAD_FAIL(err, IAD_ERR_FORMAT, "fg_method \"%.40s\": auto, all, otsu or triangle", method);
    if (!params || !*params) return IAD_OK;
    json_t *root;
    IAD_TRY(iad_json_parse(params, strlen(params), 4, "fg_params", &root, err));
    const struct {
        const char *key;
        int *to, hi;
    } members[] = {{"channel", &rule->channel, 3}, {"dark", &rule->dark, 1}, {"close", &rule->close_px, 64}, {"open", &rule->open_px, 64}};
    iad_status status = json_is_object(root) ? IAD_OK : IAD_FAIL(err, IAD_ERR_FORMAT, "fg_params: no object");
    for (size_t i = 0; status == IAD_OK && i < sizeof members / sizeof *members; i++) {
        int64_t value;
        if (!json_object_get(root, members[i].key)) continue;
        status = iad_json_int(root, members[i].key, 0, members[i].hi, "fg_params", &value, err);
        if (status == IAD_OK) *members[i].to = (int)value;
    }
    json_decref(root);
    return status;
}

iad_status iad_foreground_rule_for(const char *dataset, const char *category, const char *kind, const char *fg_method, const char *fg_params,
                                   iad_foreground_rule *rule, iad_err *err) {
    if (fg_method && *fg_method) return from_params(fg_method, fg_params, rule, err);
    *rule = IAD_FOREGROUND_AUTO;
    if (kind && strcmp(kind, "texture") == 0) {
        *rule = (iad_foreground_rule)WHOLE;
        return IAD_OK;
    }
    for (size_t i = 0; dataset && category && i < sizeof table / sizeof *table; i++)
        if (same_set(dataset, table[i].dataset) && (!table[i].category || strcmp(category, table[i].category) == 0)) {
            *rule = table[i].rule;
            break;
        }
    return IAD_OK;
}

void iad_foreground_rule_text(const iad_foreground_rule *rule, char text[128]) {
    snprintf(text, 128, "{\"channel\":%d,\"close\":%d,\"dark\":%d,\"method\":\"%s\",\"open\":%d}", rule->channel, rule->close_px, rule->dark,
             rule->method, rule->open_px);
}

iad_status iad_foreground_rule_parse(const char *text, iad_foreground_rule *rule, iad_err *err) {
    char method[16] = "";
    json_t *root;
    IAD_TRY(iad_json_parse(text, strlen(text), 4, "fg_rule", &root, err));
    const char *named = json_string_value(json_object_get(root, "method"));
    snprintf(method, sizeof method, "%s", named ? named : "");
    json_decref(root);
    return from_params(method, text, rule, err);
}
