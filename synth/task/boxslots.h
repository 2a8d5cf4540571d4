/* Boxes in the texts of records. A stored question or answer holds "<box:i>" where entry i of the record's column `boxes` stands; the numbers are
 * written by whoever reads the record, because they depend on the size that the model sees (synth-data 3.6). This is the only place that does so.
 *
 * Column `boxes`: canonical JSON [{"bbox_2d":[x0,y0,x1,y1],"image":pos,"label":"scratch"},...], whole pixels of picture `pos` of the record (a file's
 * own size, a recipe's work size), x1 and y1 exclusive; label is optional. */
#ifndef IAD_SYNTH_BOXSLOTS_H
#define IAD_SYNTH_BOXSLOTS_H

#include <stddef.h>

#include "base/buf.h"
#include "base/status.h"

#define IAD_BOX_SLOTS_MAX 64     /* boxes of one record */
#define IAD_BOX_SLOTS_LABEL 96   /* bytes of a label with its NUL; longer ones are cut at a character */
#define IAD_BOX_SLOTS_SIDE 65500 /* largest coordinate */

typedef struct iad_box_slot {
    int image;                        /* position of its picture in the record */
    int box[4];                       /* x0, y0, x1, y1; x0 < x1, y0 < y1 */
    char label[IAD_BOX_SLOTS_LABEL];  /* "": none */
} iad_box_slot;

typedef struct iad_box_slots {
    iad_box_slot items[IAD_BOX_SLOTS_MAX];
    size_t n;
} iad_box_slots;

/* Reads the column; NULL and "" are no boxes. Errors: IAD_ERR_FORMAT (names the entry and what is wrong), IAD_ERR_LIMIT. */
iad_status iad_box_slots_parse(const char *boxes, iad_box_slots *slots, iad_err *err);
/* Writes the column's canonical text. Appended. Errors: IAD_ERR_ARG (a box that parse would refuse). */
iad_status iad_box_slots_write(const iad_box_slots *slots, iad_buf *out, iad_err *err);

/* Numbers of the entries that a text names, in order of the text, repeated ones repeated. order[max]; *n is their number. Errors: IAD_ERR_FORMAT (an
 * entry that does not exist, a slot that is not "<box:digits>"), IAD_ERR_LIMIT (more than max). */
iad_status iad_box_slots_order(const char *text, size_t n_boxes, size_t *order, size_t max, size_t *n, iad_err *err);

typedef enum iad_box_form {
    IAD_BOX_ORIGINAL = 0, /* pixels of the picture as stored */
    IAD_BOX_QWEN25,       /* pixels of the resized picture (Qwen2.5-VL), iad_region_box_to_resized */
    IAD_BOX_NORM1000,     /* 0..1000 of the sides, round half to even (Qwen2-VL, Qwen3-VL) */
    IAD_BOX_MARK          /* "<bbox>" (ms-swift: numbers travel apart, see iad_box_slots_order) */
} iad_box_form;
const char *iad_box_form_name(iad_box_form form); /* original | qwen25 | norm1000 | mark */
int iad_box_form_parse(const char *name, iad_box_form *form); /* 0: no such form */

typedef struct iad_box_frame {
    int width, height;         /* the picture's own size */
    int new_width, new_height; /* what the model sees; only for IAD_BOX_QWEN25 */
} iad_box_frame;

/* One box in a form (not MARK). Errors: IAD_ERR_ARG (frame sizes). */
iad_status iad_box_slot_numbers(const iad_box_slot *slot, const iad_box_frame *frame, iad_box_form form, int out[4], iad_err *err);

/* Appends text with every "<box:i>" replaced by "[x0, y0, x1, y1]". frames[n_frames]: one for each picture of the record. places (may be NULL):
 * n_places byte offsets into text, in any order, moved to where they are in what was appended (a span's ends, for instance); none may lie inside a
 * slot. Errors: as parse and order; IAD_ERR_ARG (a box on a picture without frame, a place inside a slot or behind the text). */
iad_status iad_box_slots_fill(const char *text, const char *boxes, const iad_box_frame *frames, size_t n_frames, iad_box_form form, size_t *places,
                              size_t n_places, iad_buf *out, iad_err *err);

#endif
