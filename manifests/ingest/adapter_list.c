/* Pictures named by a list file in the data set's folder; the columns are in list_form.h. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "manifests/ingest/adapter.h"
#include "manifests/ingest/list_form.h"
#include "manifests/ingest/scan.h"

static const char *const usual_names[] = {"list.csv", "list.tsv", "list.jsonl", "manifest.csv", "manifest.tsv", "manifest.jsonl"};
enum { N_USUAL = sizeof usual_names / sizeof *usual_names };

/* The first of the usual names that is there, or NULL. */
static const char *usual_list(const char *root) {
    for (size_t i = 0; i < N_USUAL; i++)
        if (iad_scan_has_file(root, usual_names[i])) return usual_names[i];
    return NULL;
}

static iad_status scan(const char *root, const json_t *options, const iad_ingest_sink *sink, iad_err *err) {
    const char *file = iad_adapter_option(options, "file", NULL), *form_name = iad_adapter_option(options, "form", NULL);
    if (!file) file = usual_list(root);
    if (!file) return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: no list.csv, list.tsv or list.jsonl; name the list with --option file=NAME", root);
    char path[IAD_PATH_MAX], root_name[256];
    iad_list_form form;
    char form_file[64] = "";
    if (form_name) snprintf(form_file, sizeof form_file, ".%.40s", form_name); /* "jsonl" reads like a file called .jsonl */
    IAD_TRY(iad_list_form_of(form_name ? form_file : file, &form, err));
    IAD_TRY(iad_path_join(path, sizeof path, *file == '/' ? "" : root, file, err));
    iad_scan_root_name(root, root_name, sizeof root_name);
    iad_list_defaults defaults = {.category = iad_adapter_option(options, "category", NULL),
                                  .root_name = root_name,
                                  .strip = iad_adapter_option(options, "strip", NULL)};
    uint8_t *text;
    size_t n;
    IAD_TRY(iad_file_read(path, IAD_LIST_MAX_BYTES, &text, &n, err));
    iad_status status = iad_list_parse((const char *)text, n, form, file, &defaults, sink, err);
    free(text);
    return status;
}

/* A list with a path in its first line is there on purpose: it goes before any layout that the folders may also have, as those that
 * iad-manifest export copies do. */
static int probe(const char *root) {
    const char *file = usual_list(root);
    char path[IAD_PATH_MAX], line[4096];
    if (!file || iad_path_join(path, sizeof path, root, file, NULL) != IAD_OK) return 0;
    FILE *stream = fopen(path, "r");
    if (!stream) return 0;
    int has_path = 0, first = 1;
    while (first && fgets(line, sizeof line, stream)) {
        has_path = strstr(line, "path") != NULL;
        first = line[0] == '#' || line[0] == '\n' || line[0] == '\r';
    }
    fclose(stream);
    return has_path ? 97 : 0;
}

const iad_adapter iad_adapter_list = {
    .name = "list",
    .title = "a list of pictures",
    .layout = "list.csv, list.tsv or list.jsonl (--option file=NAME) with path, label, category, split, defect, mask, ...",
    .options = "file form category strip",
    .licence = "not stated",
    .generic = 1,
    .origin = "real",
    .eval_overlap = "",
    .probe = probe,
    .scan = scan};
