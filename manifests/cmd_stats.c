/* iad-manifest stats */
#include <stdio.h>
#include <string.h>

#include "manifests/cmd.h"
#include "manifests/stats.h"

enum { N_COLUMNS = 15, MAX_CELL = 40 };
static const char *const column_names[N_COLUMNS] = {"dataset",   "category", "kind",    "train",      "val",
                                                    "test good", "test bad", "other",   "unlabelled", "bad files",
                                                    "defects",   "masks",    "no mask", "exemplars",  "size"};

typedef struct stats_row {
    char cell[N_COLUMNS][MAX_CELL];
} stats_row;

static json_int_t number(const json_t *object, const char *key) {
    return json_integer_value(json_object_get(object, key));
}

static json_int_t cell_of(const json_t *category, const char *part, const char *label) {
    return number(json_object_get(json_object_get(category, "parts"), part), label);
}

static json_int_t unlabelled(const json_t *category) {
    return cell_of(category, "train", "unknown") + cell_of(category, "val", "unknown") +
           cell_of(category, "test", "unknown") + cell_of(category, "none", "unknown");
}

static void size_text(const json_t *category, char *text, size_t size) {
    const json_t *w = json_object_get(category, "width"), *h = json_object_get(category, "height");
    json_int_t w0 = json_integer_value(json_array_get(w, 0)), w1 = json_integer_value(json_array_get(w, 1));
    json_int_t h0 = json_integer_value(json_array_get(h, 0)), h1 = json_integer_value(json_array_get(h, 1));
    if (w0 == w1 && h0 == h1) snprintf(text, size, "%lldx%lld", (long long)w0, (long long)h0);
    else snprintf(text, size, "%lld..%lldx%lld..%lld", (long long)w0, (long long)w1, (long long)h0, (long long)h1);
}

/* Normals and anomalies of train and val together; test apart, because that is what is judged. */
static void fill(const char *dataset, const json_t *category, json_int_t totals[N_COLUMNS], stats_row *row) {
    const char *kind = json_string_value(json_object_get(category, "kind"));
    json_int_t values[N_COLUMNS] = {0};
    static const char *const parts[] = {"train", "val"};
    for (int i = 0; i < 2; i++)
        values[3 + i] = cell_of(category, parts[i], "normal") + cell_of(category, parts[i], "anomalous");
    values[5] = cell_of(category, "test", "normal");
    values[6] = cell_of(category, "test", "anomalous");
    values[7] = cell_of(category, "none", "normal") + cell_of(category, "none", "anomalous");
    values[8] = unlabelled(category);
    values[9] = number(category, "bad");
    values[10] = (json_int_t)json_object_size(json_object_get(category, "defects"));
    values[11] = number(category, "masks");
    values[12] = number(category, "masks_unknown");
    values[13] = number(category, "exemplars");
    snprintf(row->cell[0], MAX_CELL, "%s", dataset);
    snprintf(row->cell[1], MAX_CELL, "%s", json_string_value(json_object_get(category, "name")));
    snprintf(row->cell[2], MAX_CELL, "%s", kind ? kind : "-");
    for (int c = 3; c < 14; c++) {
        snprintf(row->cell[c], MAX_CELL, "%lld", (long long)values[c]);
        totals[c] += values[c];
    }
    size_text(category, row->cell[14], MAX_CELL);
}

/* Calls fn for the header, each category, and the sum. */
static void each_row(const json_t *stats, void (*fn)(void *user, const stats_row *row), void *user) {
    const json_t *datasets = json_object_get(stats, "datasets"), *dataset, *category;
    json_int_t totals[N_COLUMNS] = {0};
    stats_row row;
    size_t i, k;
    for (int c = 0; c < N_COLUMNS; c++) snprintf(row.cell[c], MAX_CELL, "%s", column_names[c]);
    fn(user, &row);
    json_array_foreach(datasets, i, dataset) {
        json_array_foreach(json_object_get(dataset, "categories"), k, category) {
            fill(json_string_value(json_object_get(dataset, "name")), category, totals, &row);
            fn(user, &row);
        }
    }
    for (int c = 0; c < N_COLUMNS; c++) snprintf(row.cell[c], MAX_CELL, "%s", c == 0 ? "all" : "");
    for (int c = 3; c < 14; c++)
        if (c != 10) snprintf(row.cell[c], MAX_CELL, "%lld", (long long)totals[c]);
    fn(user, &row);
}

static void measure(void *user, const stats_row *row) {
    int *widths = user;
    for (int c = 0; c < N_COLUMNS; c++)
        if ((int)strlen(row->cell[c]) > widths[c]) widths[c] = (int)strlen(row->cell[c]);
}

static void print_row(void *user, const stats_row *row) {
    const int *widths = user;
    for (int c = 0; c < N_COLUMNS; c++) {
        int left = c < 3 || c == 14;
        printf("%s%*s", c ? "  " : "", left ? (c == 14 ? 0 : -widths[c]) : widths[c], row->cell[c]);
    }
    printf("\n");
}

static void print_defects(const json_t *stats) {
    const json_t *dataset, *category, *count;
    const char *defect;
    size_t i, k;
    printf("\ndataset\tcategory\tdefect\tpictures\n");
    json_array_foreach(json_object_get(stats, "datasets"), i,
                       dataset) json_array_foreach(json_object_get(dataset, "categories"), k, category)
        json_object_foreach(json_object_get(category, "defects"), defect, count)
            printf("%s\t%s\t%s\t%lld\n", json_string_value(json_object_get(dataset, "name")),
                   json_string_value(json_object_get(category, "name")), defect, (long long)json_integer_value(count));
}

static void print_tasks(const json_t *stats) {
    const json_t *tasks = json_object_get(stats, "tasks"), *task;
    size_t i;
    if (!json_array_size(tasks)) return;
    printf("\ntask\tstage\tpart\tcount\n");
    json_array_foreach(tasks, i, task) printf(
        "%s\t%lld\t%s\t%lld\n", json_string_value(json_object_get(task, "task")), (long long)number(task, "stage"),
        json_string_value(json_object_get(task, "part")), (long long)number(task, "count"));
}

static void summary(const iad_app *app, const json_t *stats) {
    const json_t *dataset;
    json_int_t pictures = 0;
    size_t i, categories = 0, datasets = json_array_size(json_object_get(stats, "datasets"));
    json_array_foreach(json_object_get(stats, "datasets"), i, dataset) {
        pictures += number(dataset, "pictures");
        categories += json_array_size(json_object_get(dataset, "categories"));
    }
    fprintf(
        stderr,
        "%s stats: datasets=%zu categories=%zu pictures=%lld masks=%lld exemplar_sets=%lld captions=%lld synth=%lld"
        " runs=%lld\n",
        app->program, datasets, categories, (long long)pictures, (long long)number(stats, "masks"),
        (long long)number(stats, "exemplar_sets"), (long long)number(stats, "captions"),
        (long long)number(stats, "synth"), (long long)number(stats, "runs"));
}

int iad_cmd_stats(iad_app *app, int argc, char **argv, iad_err *err) {
    const char *db = NULL, *dataset = NULL, *scheme = NULL;
    int json = 0, defects = 0;
    const iad_arg table[] = {
        {.kind = IAD_ARG_STRING, .name = "db", .value = &db, .meta = "FILE", .help = "manifest", .required = 1},
        {.kind = IAD_ARG_STRING, .name = "dataset", .value = &dataset, .meta = "NAME", .help = "only this data set"},
        {.kind = IAD_ARG_STRING,
         .name = "split",
         .value = &scheme,
         .meta = "NAME",
         .help = "count by this named split instead of the source's"},
        {.kind = IAD_ARG_FLAG, .name = "defects", .value = &defects, .help = "also list the defects"},
        {.kind = IAD_ARG_FLAG, .name = "json", .value = &json, .help = "everything as JSON"},
        {.kind = IAD_ARG_END}};
    const iad_command self = {.name = "stats",
                              .usage = "--db FILE [options]",
                              .help =
                                  "Counts pictures by data set, category, part and label, defects, masks and sizes."};
    iad_strings operands = {0};
    iad_manifest *manifest = NULL;
    json_t *stats = NULL;
    int code = iad_app_parse(app, &self, argc, argv, table, &operands, err);
    if (code < 0) code = iad_cmd_operands(&operands, 0, 0, "", err);
    if (code < 0) {
        iad_status status = iad_manifest_open(db, IAD_MANIFEST_READ, &manifest, err);
        if (status == IAD_OK) status = iad_stats_json(manifest, dataset, scheme, &stats, err);
        if (status == IAD_OK && json) status = iad_app_print_json(stats, err);
        if (status == IAD_OK && !json) {
            int widths[N_COLUMNS] = {0};
            each_row(stats, measure, widths);
            each_row(stats, print_row, widths);
            if (defects) print_defects(stats);
            print_tasks(stats);
            status = iad_app_print("", 0, err);
        }
        if (status == IAD_OK) summary(app, stats);
        code = iad_app_exit_code(status);
    }
    json_decref(stats);
    iad_manifest_close(manifest);
    iad_strings_deinit(&operands);
    return code;
}
