/* The inside of iad_templates, shared by templates.c and templates_parse.c. */
#ifndef IAD_SYNTH_TEMPLATES_STORE_H
#define IAD_SYNTH_TEMPLATES_STORE_H

#include "manifests/arena.h"
#include "synth/task/templates.h"

enum { IAD_TEMPLATES_MAX_FORMS = 4096, IAD_TEMPLATES_MAX_PHRASINGS = 4096, IAD_TEMPLATES_MAX_LINE = 2000 };

struct iad_templates {
    iad_template_form *forms;
    size_t n, cap;
    iad_arena arena;
};

/* Text between marks and slots of a phrasing, one piece after the other. */
typedef enum iad_piece_kind { IAD_PIECE_END = 0, IAD_PIECE_TEXT, IAD_PIECE_SLOT, IAD_PIECE_ANOMALY, IAD_PIECE_NORMAL } iad_piece_kind;
/* The next piece at *at, which moves on. TEXT: begin[n] to be copied ("{{" and "}}" give one brace each). SLOT: the slot's name. ANOMALY and NORMAL:
 * the word between the marks, which holds no slot. IAD_ERR_FORMAT: an unclosed slot or mark, an empty name or word, a single "}". */
iad_status iad_phrasing_next(const char **at, iad_piece_kind *kind, const char **begin, size_t *n, iad_err *err);

#endif
