/* Rules of published methods that name files or positions. Sources and traps are written down per rule; the numbers are
 * those of the methods' own code or of their papers' lists. */
#include <stdio.h>
#include <string.h>

#include "base/table.h"
#include "manifests/refs_rule.h"

static const char *const mvtec_names[] = {"bottle",     "cable",     "capsule", "carpet", "grid", "hazelnut",
                                          "leather",    "metal_nut", "pill",    "screw",  "tile", "toothbrush",
                                          "transistor", "wood",      "zipper",  NULL};

/* AnomalyGPT's default round 14 on VisA: rows 56 to 59 of the training part of split_csv/1cls.csv (which is shuffled).
 */
static const struct {
    const char *category, *stems[4];
} visa_round_14[] = {{"candle", {"0553", "0917", "0847", "0459"}},    {"capsules", {"373", "532", "175", "391"}},
                     {"cashew", {"156", "335", "091", "498"}},        {"chewinggum", {"368", "306", "091", "246"}},
                     {"fryum", {"156", "335", "091", "498"}},         {"macaroni1", {"0553", "0917", "0847", "0459"}},
                     {"macaroni2", {"0553", "0917", "0847", "0459"}}, {"pcb1", {"0579", "0007", "0255", "0977"}},
                     {"pcb2", {"0553", "0917", "0847", "0459"}},      {"pcb3", {"0141", "0205", "0448", "0395"}},
                     {"pcb4", {"0579", "0007", "0255", "0978"}},      {"pipe_fryum", {"156", "335", "091", "498"}}};
enum { N_VISA = sizeof visa_round_14 / sizeof *visa_round_14 };

static int is_mvtec(const char *category) {
    for (const char *const *p = mvtec_names; *p; p++)
        if (!strcmp(category, *p)) return 1;
    return 0;
}

static int visa_index(const char *category) {
    for (int i = 0; i < N_VISA; i++)
        if (!strcmp(category, visa_round_14[i].category)) return i;
    return -1;
}

static iad_status take_stem(const iad_refs_pool *pool, const iad_refs_rule *rule, const char *stem,
                            iad_refs_choice *choice, iad_err *err) {
    const iad_image_row *picture = iad_refs_by_stem(pool, stem);
    char wanted[300];
    snprintf(wanted, sizeof wanted, "the file %.200s", stem);
    if (!picture) return iad_refs_missing(pool, rule, wanted, err);
    choice->picks[choice->n++] = picture;
    return IAD_OK;
}

static void remark_stand_in(iad_refs_choice *choice, const char *method) {
    snprintf(choice->note, sizeof choice->note,
             "%s defines its files for MVTec AD and VisA only; its numbers are positions in the sorted list here",
             method);
}

/* Training rows `first` .. of the category in the order of split_csv/1cls.csv, which lies in the data set's folder. */
static iad_status take_csv_rows(const iad_refs_pool *pool, const iad_refs_rule *rule, size_t first, int shots,
                                iad_refs_choice *choice, iad_err *err) {
    char path[IAD_PATH_MAX];
    iad_table table;
    size_t object, split, image, seen = 0;
    IAD_TRY(iad_path_join(path, sizeof path, pool->root, "split_csv/1cls.csv", err));
    if (!iad_file_exists(path))
        return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "rule %s: %s/%s: needs the order of %s, which is not there",
                        rule->canonical, pool->dataset, pool->category, path);
    IAD_TRY(iad_table_load(&table, path, err));
    iad_status status = iad_table_need(&table, "object", &object, err);
    if (status == IAD_OK) status = iad_table_need(&table, "split", &split, err);
    if (status == IAD_OK) status = iad_table_need(&table, "image", &image, err);
    for (size_t i = 0; status == IAD_OK && i < table.n_rows && choice->n < (size_t)shots; i++) {
        if (strcmp(iad_table_cell(&table, i, object), pool->category) != 0 ||
            strcmp(iad_table_cell(&table, i, split), "train") != 0)
            continue;
        if (seen++ < first) continue;
        char stem[256];
        iad_path_stem(stem, sizeof stem, iad_table_cell(&table, i, image));
        status = take_stem(pool, rule, stem, choice, err);
    }
    if (status == IAD_OK && choice->n < (size_t)shots)
        status =
            IAD_FAIL(err, IAD_ERR_NOT_FOUND, "rule %s: %s/%s: %s has %zu training rows, rows %zu to %zu are wanted",
                     rule->canonical, pool->dataset, pool->category, path, seen, first, first + (size_t)shots - 1);
    iad_table_deinit(&table);
    return status;
}

/* AnomalyGPT: positions 4 round .. 4 round + k - 1; file names on MVTec (default round 3), rows of 1cls.csv on VisA
 * (default 14). */
iad_status iad_refs_choose_anomalygpt(const iad_refs_pool *pool, const iad_refs_rule *rule, int shots, int strict,
                                      iad_refs_choice *choice, iad_err *err) {
    (void)strict;
    int visa = visa_index(pool->category);
    uint64_t round = rule->has_arg ? rule->number : visa >= 0 ? 14 : 3;
    if (round > 1000000) return IAD_FAIL(err, IAD_ERR_ARG, "rule %s: round beyond 1000000", rule->canonical);
    if (visa >= 0 && round == 14 && shots <= 4) {
        for (int i = 0; i < shots; i++) IAD_TRY(take_stem(pool, rule, visa_round_14[visa].stems[i], choice, err));
        return IAD_OK;
    }
    if (visa >= 0) return take_csv_rows(pool, rule, (size_t)round * 4, shots, choice, err);
    if (!is_mvtec(pool->category)) {
        remark_stand_in(choice, "AnomalyGPT");
        return iad_refs_take_slice(pool, rule, (size_t)round * 4, shots, choice, err);
    }
    for (int i = 0; i < shots; i++) {
        char stem[32];
        snprintf(stem, sizeof stem, "%03d", (int)round * 4 + i);
        IAD_TRY(take_stem(pool, rule, stem, choice, err));
    }
    return IAD_OK;
}

/* KAG-prompt, with its numbers tuned per shot. MVTec: names from 195 (4 shots: 194) up to the first missing one, so
 * fewer than k are possible; none at all: the last k of the sorted list. VisA: AnomalyGPT's rows with round 14, 57, 78.
 */
iad_status iad_refs_choose_kagprompt(const iad_refs_pool *pool, const iad_refs_rule *rule, int shots, int strict,
                                     iad_refs_choice *choice, iad_err *err) {
    (void)strict;
    if (shots != 1 && shots != 2 && shots != 4)
        return IAD_FAIL(err, IAD_ERR_ARG, "rule kagprompt: defined for 1, 2 and 4 shots, not %d", shots);
    if (visa_index(pool->category) >= 0) {
        size_t round = shots == 1 ? 14 : shots == 2 ? 57 : 78;
        if (shots == 1) return take_stem(pool, rule, visa_round_14[visa_index(pool->category)].stems[0], choice, err);
        return take_csv_rows(pool, rule, 4 * round, shots, choice, err);
    }
    for (int i = 0; i < shots; i++) {
        char stem[32];
        snprintf(stem, sizeof stem, "%03d", (shots == 4 ? 194 : 195) + i);
        const iad_image_row *picture = iad_refs_by_stem(pool, stem);
        if (!picture) break;
        choice->picks[choice->n++] = picture;
    }
    if (choice->n == 0) {
        snprintf(choice->note, sizeof choice->note,
                 "no file of that number: the last %d of the sorted list, as its code does", shots);
        return iad_refs_take_slice(pool, rule, pool->n_train >= (size_t)shots ? pool->n_train - (size_t)shots : 0,
                                   shots, choice, err);
    }
    if (choice->n < (size_t)shots)
        snprintf(choice->note, sizeof choice->note, "only %zu of %d: its code stops at the first missing number",
                 choice->n, shots);
    return IAD_OK;
}

/* IIPAD: 000 003 006 009 on MVTec, 0000 0003 0006 0009 on its own VisA conversion: matched by number, whatever the
 * digits. */
iad_status iad_refs_choose_iipad(const iad_refs_pool *pool, const iad_refs_rule *rule, int shots, int strict,
                                 iad_refs_choice *choice, iad_err *err) {
    (void)strict;
    if (shots > 4) return IAD_FAIL(err, IAD_ERR_ARG, "rule iipad: names 4 files, not %d", shots);
    if (!is_mvtec(pool->category) && visa_index(pool->category) < 0) {
        remark_stand_in(choice, "IIPAD");
        for (int i = 0; i < shots; i++) IAD_TRY(iad_refs_take_slice(pool, rule, 3 * (size_t)i, 1, choice, err));
        return IAD_OK;
    }
    for (int i = 0; i < shots; i++) {
        char three[8], four[8];
        snprintf(three, sizeof three, "%03d", 3 * i);
        snprintf(four, sizeof four, "%04d", 3 * i);
        const iad_image_row *picture = iad_refs_by_stem(pool, three);
        if (!picture) picture = iad_refs_by_stem(pool, four);
        if (!picture) return iad_refs_missing(pool, rule, visa_index(pool->category) < 0 ? three : four, err);
        choice->picks[choice->n++] = picture;
    }
    return IAD_OK;
}

/* PromptAD's table: [shots 1 | 2 | 4]. Its code uses the numbers as positions in an unsorted directory listing, which
 * nobody can repeat; positions in the sorted list are the stand-in. */
typedef struct promptad_row {
    const char *categories; /* space-separated */
    int one, two[2], four[4];
} promptad_row;
static const promptad_row promptad[] = {
    {" cable capsule leather metal_nut tile wood zipper ", 131, {101, 48}, {29, 45, 192, 218}},
    {" bottle transistor ", 131, {101, 48}, {29, 45, 192, 127}},
    {" carpet grid pill screw ", 263, {203, 97}, {58, 90, 255, 154}},
    {" hazelnut ", 263, {203, 97}, {58, 90, 384, 255}},
    {" toothbrush ", 32, {25, 12}, {7, 11, 48, 54}},
    {" candle macaroni1 macaroni2 pcb1 pcb2 pcb3 pcb4 ", 266, {894, 195}, {315, 290, 591, 157}},
    {" capsules ", 266, {195, 388}, {315, 290, 157, 271}},
    {" cashew chewinggum fryum pipe_fryum ", 133, {447, 97}, {157, 145, 295, 78}}};

iad_status iad_refs_choose_promptad(const iad_refs_pool *pool, const iad_refs_rule *rule, int shots, int strict,
                                    iad_refs_choice *choice, iad_err *err) {
    (void)strict;
    if (shots != 1 && shots != 2 && shots != 4)
        return IAD_FAIL(err, IAD_ERR_ARG, "rule promptad-sorted: defined for 1, 2 and 4 shots, not %d", shots);
    char word[300];
    snprintf(word, sizeof word, " %.250s ", pool->category);
    for (size_t r = 0; r < sizeof promptad / sizeof *promptad; r++) {
        if (!strstr(promptad[r].categories, word)) continue;
        const int *numbers = shots == 1 ? &promptad[r].one : shots == 2 ? promptad[r].two : promptad[r].four;
        for (int i = 0; i < shots; i++) IAD_TRY(iad_refs_take_slice(pool, rule, (size_t)numbers[i], 1, choice, err));
        return IAD_OK;
    }
    return IAD_FAIL(err, IAD_ERR_NOT_FOUND,
                    "rule promptad-sorted: %s/%s: its table has the categories of MVTec AD and VisA only",
                    pool->dataset, pool->category);
}

/* MetaUAS: of its five one-prompt lists only these entries are known in text; the lists themselves can be given as
 * list:FILE. */
iad_status iad_refs_choose_metauas(const iad_refs_pool *pool, const iad_refs_rule *rule, int shots, int strict,
                                   iad_refs_choice *choice, iad_err *err) {
    static const struct {
        const char *category, *stem;
    } seed_1[] = {{"bottle", "134"}, {"cable", "097"}, {"screw", "036"}, {"candle", "0156"}, {"pcb1", "0790"}};
    (void)strict;
    if (shots != 1) return IAD_FAIL(err, IAD_ERR_ARG, "rule metauas: one picture per query, not %d", shots);
    for (size_t i = 0; rule->number == 1 && i < sizeof seed_1 / sizeof *seed_1; i++)
        if (!strcmp(pool->category, seed_1[i].category)) return take_stem(pool, rule, seed_1[i].stem, choice, err);
    return IAD_FAIL(
        err, IAD_ERR_NOT_FOUND,
        "rule %s: %s/%s: its file is not built in (known: seed 1 of bottle, cable, screw, candle, pcb1); use list:FILE",
        rule->canonical, pool->dataset, pool->category);
}
