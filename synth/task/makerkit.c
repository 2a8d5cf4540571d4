/* What all makers of records share (end of taskmaker.h). */
#include <math.h>
#include <string.h>

#include "base/sha256.h"
#include "synth/task/taskmaker.h"

iad_task_options iad_task_options_default(void) {
    return (iad_task_options){.per_picture = 1,
                              .zh_share = 0.5,
                              .real_share = 0.5,
                              .none_share = 0.15,
                              .original_share = 0.2,
                              .irregular_normal_share = 0.25,
                              .share = {0.35, 0.40, 0.25},
                              .stage3_share = {0.55, 0.25, 0.20},
                              .shots_share = {0.4, 0.3, 0.3},
                              .canonical_share = 0.5,
                              .bare_share = 0.5,
                              .light_share = 0.1,
                              .codec_jitter = 1};
}

const iad_task_maker *const *iad_task_makers(size_t *n) {
    static const iad_task_maker *const makers[] = {&iad_maker_caption, &iad_maker_outlier,  &iad_maker_difference, &iad_maker_irregular,
                                                   &iad_maker_detect,  &iad_maker_localise, &iad_maker_reason};
    *n = sizeof makers / sizeof *makers;
    return makers;
}

/* ---- seeds ---- */

uint64_t iad_task_seed(uint64_t master, const char *maker, const iad_pool_item *item, uint32_t ordinal) {
    char name[17 + 2 * sizeof item->key];
    size_t n = strnlen(maker, 15);
    memcpy(name, maker, n);
    name[n] = '/';
    iad_hex(item->key, sizeof item->key, name + n + 1);
    return iad_rng_subseed(master, name, ordinal);
}

uint32_t iad_record_count(uint64_t master, const char *maker, const iad_pool_item *item, double expected) {
    if (!(expected > 0)) return 0;
    if (expected > 1e6) expected = 1e6;
    double whole = floor(expected);
    iad_rng rng;
    iad_rng_init(&rng, iad_task_seed(master, maker, item, UINT32_MAX), 0);
    return (uint32_t)whole + (uint32_t)iad_rng_chance(&rng, expected - whole);
}

/* ---- good pictures beside a lead ---- */

static int same_text(const char *a, const char *b) { return a && b ? strcmp(a, b) == 0 : a == b; }

/* May item stand beside lead? It lies in the right group already. */
static int stands_beside(const iad_pool_item *lead, const iad_pool_item *item) {
    if (item == lead || item->original == lead->original) return 0;
    return !(lead->object_key && item->object_key && strcmp(lead->object_key, item->object_key) == 0);
}

/* Draws from pool->normals [first, first + count), adding to items[*n] up to want. Random probes first; when the group is nearly used up, in order
 * from a random place. */
static void draw_from(const iad_task_pool *pool, const iad_pool_item *lead, iad_rng *rng, uint32_t first, uint32_t count, size_t want,
                      const iad_pool_item **items, size_t *n) {
    uint32_t start = iad_rng_below(rng, count);
    for (uint32_t k = 0; *n < want && k < 8 * want + count; k++) {
        uint32_t at = k < 8 * want ? iad_rng_below(rng, count) : (uint32_t)((start + (uint64_t)k - 8 * want) % count);
        const iad_pool_item *item = &pool->items[pool->normals[first + at]];
        int taken = !stands_beside(lead, item);
        for (size_t i = 0; !taken && i < *n; i++) taken = items[i] == item || items[i]->original == item->original;
        if (!taken) items[(*n)++] = item;
    }
}

size_t iad_draw_normals(const iad_task_pool *pool, const iad_pool_item *lead, iad_rng *rng, int other_light, size_t want,
                        const iad_pool_item **items) {
    size_t n = 0;
    const iad_pool_group *own = &pool->groups[lead->group], *other = NULL;
    uint32_t seen = 0;
    for (size_t g = 0; other_light && g < pool->n_groups; g++) { /* one of the other lights of this view, each equally likely */
        const iad_pool_group *group = &pool->groups[g];
        if (group == own || group->n_normals == 0 || !same_text(group->view, own->view)) continue;
        if (iad_rng_below(rng, ++seen) == 0) other = group;
    }
    if (other) draw_from(pool, lead, rng, other->first_normal, other->n_normals, want, items, &n);
    if (n < want && own->n_normals) draw_from(pool, lead, rng, own->first_normal, own->n_normals, want, items, &n);
    return n;
}

/* ---- texts ---- */

iad_status iad_image_marks(size_t n, int numbered, iad_buf *out, iad_err *err) {
    for (size_t i = 1; i <= n; i++) {
        if (numbered) IAD_TRY(iad_buf_addf(out, err, "Image %zu: ", i));
        IAD_TRY(iad_buf_add_str(out, "<image>\n", err));
    }
    return IAD_OK;
}

iad_status iad_defect_words(const char *defect, const char *lang, iad_buf *out, iad_err *err) {
    /* What the generators' defects look like to somebody who does not know how they were made; and the few words that data sets use for "some
     * defect". */
    static const struct { const char *name, *en, *zh; } known[] = {
        {"cutpaste", "misplaced patch", "错位的区块"}, {"scar", "thin scar", "细长疤痕"},          {"spot", "discoloured spot", "变色斑点"},
        {"nsa", "deformed area", "变形区域"},          {"perlin", "irregular stain", "不规则污渍"}, {"shuffle", "disordered texture", "纹理错乱"},
        {"scratch", "scratch", "划痕"},                {"crack", "crack", "裂纹"},                  {"hole", "hole", "孔洞"},
        {"dent", "dent", "凹痕"},                      {"stain", "stain", "污渍"},                  {"missing", "missing part", "缺件"},
        {"bad", "defect", "缺陷"},                     {"defective", "defect", "缺陷"},             {"anomaly", "defect", "缺陷"},
        {"defect", "defect", "缺陷"},                  {"ko", "defect", "缺陷"},                    {"anomalous", "defect", "缺陷"}};
    int zh = strcmp(lang, "zh") == 0;
    if (!defect || !*defect) defect = "defect";
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(defect, known[i].name) == 0) return iad_buf_add_str(out, zh ? known[i].zh : known[i].en, err);
    for (const char *c = defect; *c; c++) {
        char one = *c == '_' || *c == '-' ? ' ' : *c;
        if (one == '<' || one == '\n') one = ' '; /* names of folders are others' words: no marks may come in through them */
        IAD_TRY(iad_buf_add(out, &one, 1, err));
    }
    return IAD_OK;
}
