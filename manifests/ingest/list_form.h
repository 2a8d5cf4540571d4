/* Pictures named by a list: CSV, TSV with a header line, or JSON Lines, with these columns (members). Only `path` is required.
 *
 *     path          relative to the folder of the data set
 *     label         normal | anomalous | unknown; also good, ok, 0 and bad, ng, anomaly, 1; empty: anomalous when there is a
 *                   defect, else unknown
 *     category      empty: --option category, else the first folder of the path, else the name of the root
 *     split, defect, kind, object_key, view, light, note
 *     mask          files separated by ';' (JSON: a text or a list of texts)
 *     mask_values   JSON: {"3": "scratch"}: names of the class ids in the mask
 *     mask_quality  exact | coarse | box | auto
 *     exemplar_ok   1 | 0; empty: 1 unless the split is a test split
 *     boxes         JSON: [[x0, y0, x1, y1], ...] or [[x0, y0, x1, y1, "name"], ...], x1 and y1 exclusive
 *
 * `iad-manifest export` writes such lists. Other columns are ignored (a remark names them). A record that cannot be used is rejected by name, the
 * others go on. */
#ifndef IAD_MANIFESTS_LIST_FORM_H
#define IAD_MANIFESTS_LIST_FORM_H

#include <stddef.h>

#include "manifests/ingest/adapter.h"

typedef enum iad_list_form { IAD_LIST_CSV = 0, IAD_LIST_TSV, IAD_LIST_JSONL } iad_list_form;

#define IAD_LIST_MAX_BYTES (2048u * 1024u * 1024u)
#define IAD_LIST_MAX_LINE (16u << 20)
#define IAD_LIST_MAX_MASKS 4096u
#define IAD_LIST_MAX_BOXES 10000u

typedef struct iad_list_defaults {
    const char *category;  /* for records without one; NULL: first folder of the path, else root_name */
    const char *root_name; /* required */
    const char *strip;     /* prefix that is cut off paths of pictures and masks, or NULL */
} iad_list_defaults;

/* By extension: .csv, .tsv/.txt, .jsonl/.ndjson. IAD_ERR_ARG otherwise. */
iad_status iad_list_form_of(const char *path, iad_list_form *form, iad_err *err);

/* Delivers every record of text[n] in order. Errors: IAD_ERR_FORMAT for a table that cannot be read as a whole (header, quotes, cells
 * per row), and whatever the sink returns. */
iad_status iad_list_parse(const char *text, size_t n, iad_list_form form, const char *name, const iad_list_defaults *defaults,
                          const iad_ingest_sink *sink, iad_err *err);

#endif
