/* iad-manifest refs */
#include <stdio.h>
#include <string.h>

#include "manifests/cmd.h"
#include "manifests/pictures.h"
#include "manifests/refs.h"
#include "manifests/refs_rule.h"

#define MAX_TEXT (1024u * 1024u * 1024u)
enum { MAX_COUNTS = 32 };

typedef struct refs_options {
    const char *db, *rule, *dataset, *scheme, *format;
    iad_strings shots, categories;
    int64_t seed;
    int dry_run, strict, list;
} refs_options;

typedef struct refs_counts {
    size_t sets, pictures, queries, unpaired, failed;
} refs_counts;

static iad_status parse_shots(const iad_strings *list, int *shots, size_t *n, iad_err *err) {
    *n = 0;
    for (size_t i = 0; i < list->n; i++) {
        int64_t value;
        if (*n == MAX_COUNTS) return IAD_FAIL(err, IAD_ERR_ARG, "--shots: at most %d numbers", MAX_COUNTS);
        IAD_TRY(iad_parse_i64(list->items[i], 1, IAD_REFS_MAX_SHOTS, "--shots", &value, err));
        shots[(*n)++] = (int)value;
    }
    return IAD_OK;
}

static int wanted(const iad_strings *names, const char *name) {
    if (!names->n) return 1;
    for (size_t i = 0; i < names->n; i++)
        if (!strcmp(names->items[i], name)) return 1;
    return 0;
}

/* All shots of one category. A rule that cannot be met for it is reported; the others go on. */
static iad_status make_category(iad_app *app, iad_manifest *manifest, const refs_options *o,
                                const iad_category_row *category, const int *shots, size_t n, iad_refs *refs,
                                refs_counts *counts, iad_err *err) {
    iad_refs_options options = {
        .scheme = o->scheme, .seed = (uint64_t)o->seed, .strict = o->strict, .store = !o->dry_run};
    for (size_t i = 0; i < n; i++) {
        size_t before = refs->n;
        iad_err why = IAD_ERR_NONE;
        iad_status status = iad_refs_make(manifest, category->id, o->rule, shots[i], &options, refs, &why);
        if (status == IAD_ERR_NOT_FOUND) {
            IAD_WARN(&app->log, "%s", why.msg);
            counts->failed++;
            refs->n = before;
            continue;
        }
        if (status != IAD_OK) {
            *err = why;
            return status;
        }
        for (size_t k = before; k < refs->n; k++) {
            const iad_refs_set *set = &refs->sets[k];
            counts->sets++;
            counts->pictures += set->n_pictures;
            counts->queries += set->n_queries;
            counts->unpaired += set->n_unpaired;
            if (set->note)
                IAD_INFO(&app->log, "%s/%s, %d shots: %s", set->dataset, set->category, set->shots, set->note);
        }
    }
    return IAD_OK;
}

static iad_status choose_categories(iad_manifest *manifest, const refs_options *o, iad_category_list *list,
                                    iad_err *err) {
    int64_t dataset = 0;
    if (o->dataset) {
        IAD_TRY(iad_dataset_find(manifest, o->dataset, &dataset, err));
        if (!dataset) return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: no data set '%s'", o->db, o->dataset);
    }
    IAD_TRY(iad_category_all(manifest, dataset, list, err));
    for (size_t i = 0; i < o->categories.n; i++) {
        size_t k = 0;
        while (k < list->n && strcmp(list->items[k].name, o->categories.items[i]) != 0) k++;
        if (k == list->n)
            return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: no category '%s'", o->db, o->categories.items[i]);
    }
    return list->n ? IAD_OK : IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: no categories", o->db);
}

static iad_status print_sets(const refs_options *o, const iad_refs *refs, iad_err *err) {
    iad_buf text;
    iad_buf_init(&text, MAX_TEXT);
    iad_status status =
        !strcmp(o->format, "json") ? iad_refs_json(refs, &text, err) : iad_refs_tsv(refs, 1, &text, err);
    if (status == IAD_OK) status = iad_app_print(iad_buf_str(&text), text.len, err);
    iad_buf_deinit(&text);
    return status;
}

static int make_sets(iad_app *app, const refs_options *o, iad_err *err) {
    iad_manifest *manifest = NULL;
    iad_category_list categories = {0};
    iad_refs refs = {0};
    refs_counts counts = {0};
    int shots[MAX_COUNTS];
    size_t n = 0;
    int64_t run_id = 0;
    iad_status status = parse_shots(&o->shots, shots, &n, err);
    if (status == IAD_OK)
        status = iad_manifest_open(o->db, o->dry_run ? IAD_MANIFEST_READ : IAD_MANIFEST_WRITE, &manifest, err);
    if (status == IAD_OK) status = choose_categories(manifest, o, &categories, err);
    if (status == IAD_OK && !o->dry_run)
        status = iad_run_begin(manifest, "iad-manifest refs", app->version, app->argv_text, NULL, (uint64_t)o->seed,
                               &run_id, err);
    for (size_t i = 0; status == IAD_OK && i < categories.n; i++) {
        if (!wanted(&o->categories, categories.items[i].name)) continue;
        if (app->stop) status = IAD_FAIL(err, IAD_ERR_INTERRUPTED, "interrupted; the sets so far are stored");
        else status = make_category(app, manifest, o, &categories.items[i], shots, n, &refs, &counts, err);
    }
    if (status == IAD_OK && counts.sets) status = print_sets(o, &refs, err);
    int code = status != IAD_OK ? iad_app_exit_code(status)
               : !counts.failed ? IAD_EXIT_OK
               : counts.sets    ? IAD_EXIT_PARTIAL
                                : IAD_EXIT_FAILED;
    if (status == IAD_OK)
        fprintf(stderr, "%s refs: rule=%s sets=%zu pictures=%zu queries=%zu unpaired=%zu failed=%zu stored=%d\n",
                app->program, o->rule, counts.sets, counts.pictures, counts.queries, counts.unpaired, counts.failed,
                !o->dry_run);
    iad_cmd_end_run(manifest, run_id, code,
                    json_pack("{s:I,s:I}", "sets", (json_int_t)counts.sets, "failed", (json_int_t)counts.failed));
    iad_refs_deinit(&refs);
    iad_category_list_deinit(&categories);
    iad_manifest_close(manifest);
    return code;
}

static iad_status list_rules(iad_err *err) {
    for (const iad_refs_method *m = iad_refs_methods(); m->name; m++)
        if (printf("%-18s%s\n", m->name, m->summary) < 0)
            return IAD_FAIL(err, IAD_ERR_IO, "cannot write the output: %m");
    return IAD_OK;
}

int iad_cmd_refs(iad_app *app, int argc, char **argv, iad_err *err) {
    refs_options o = {.format = "tsv"};
    const iad_arg table[] = {
        {.kind = IAD_ARG_STRING, .name = "db", .value = &o.db, .meta = "FILE", .help = "manifest"},
        {.kind = IAD_ARG_STRING,
         .name = "rule",
         .value = &o.rule,
         .meta = "RULE",
         .help = "how exemplars are chosen; --rules lists them"},
        {.kind = IAD_ARG_LIST,
         .name = "shots",
         .value = &o.shots,
         .meta = "K,...",
         .help = "exemplars per set; several make several sets (1,2,4)"},
        {.kind = IAD_ARG_INT,
         .name = "seed",
         .value = &o.seed,
         .meta = "N",
         .help = "for rules with a seed that do not name it (RULE:SEED)",
         .lo = 0,
         .hi = INT64_MAX},
        {.kind = IAD_ARG_STRING, .name = "dataset", .value = &o.dataset, .meta = "NAME", .help = "only this data set"},
        {.kind = IAD_ARG_LIST,
         .name = "category",
         .value = &o.categories,
         .meta = "NAME,...",
         .help = "only these categories"},
        {.kind = IAD_ARG_STRING,
         .name = "split",
         .value = &o.scheme,
         .meta = "NAME",
         .help = "named split instead of the source's"},
        {.kind = IAD_ARG_FLAG,
         .name = "strict",
         .value = &o.strict,
         .help = "fail where a query has no exemplar of its own under a per-query rule"},
        {.kind = IAD_ARG_CHOICE,
         .name = "format",
         .value = &o.format,
         .choices = "tsv|json",
         .help = "form of the printed sets"},
        {.kind = IAD_ARG_FLAG, .name = "dry-run", .value = &o.dry_run, .help = "print the sets, store nothing"},
        {.kind = IAD_ARG_FLAG, .name = "rules", .value = &o.list, .help = "list the rules and end"},
        {.kind = IAD_ARG_END}};
    const iad_command self = {
        .name = "refs",
        .usage = "--db FILE --rule RULE [options]",
        .help =
            "Chooses the normal pictures that few-shot methods are shown, stores them with their hashes, and prints"
            " them. The printed "
            "table can be given back as --rule list:FILE."};
    iad_strings operands = {0};
    int code = iad_app_parse(app, &self, argc, argv, table, &operands, err);
    if (code < 0) code = iad_cmd_operands(&operands, 0, 0, "", err);
    if (code < 0 && o.list) code = iad_app_exit_code(list_rules(err));
    if (code < 0 && (!o.db || !o.rule))
        code = iad_app_exit_code(IAD_FAIL(err, IAD_ERR_ARG, "refs wants --db FILE and --rule RULE"));
    if (code < 0 && !o.shots.n) {
        static const char *const usual[] = {"1", "2", "4"};
        for (int i = 0; code < 0 && i < 3; i++)
            if (iad_strings_add(&o.shots, usual[i], err) != IAD_OK) code = IAD_EXIT_FAILED;
    }
    if (code < 0) code = make_sets(app, &o, err);
    iad_strings_deinit(&operands);
    iad_strings_deinit(&o.shots);
    iad_strings_deinit(&o.categories);
    return code;
}
