#include "synth/task/boxslots.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "synth/task/maskregions.h"

#define MAX_COLUMN_BYTES (64u * 1024u)
#define SLOT_HEAD "<box:"

/* ---- the column ---- */

static int box_fits(const int box[4]) {
    for (int i = 0; i < 4; i++)
        if (box[i] < 0 || box[i] > IAD_BOX_SLOTS_SIDE) return 0;
    return box[0] < box[2] && box[1] < box[3];
}

/* As much of a label as fits, whole characters. */
static void copy_label(char label[IAD_BOX_SLOTS_LABEL], const char *text) {
    iad_text_copy(label, IAD_BOX_SLOTS_LABEL, text);
    label[iad_utf8_valid(label, strlen(label))] = 0;
}

static iad_status parse_entry(const json_t *entry, size_t number, iad_box_slot *slot, iad_err *err) {
    char where[40];
    int64_t image;
    json_t *box;
    const char *label;
    snprintf(where, sizeof where, "box %zu", number);
    if (!json_is_object(entry)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: not an object", where);
    IAD_TRY(iad_json_int(entry, "image", 0, 1 << 20, where, &image, err));
    IAD_TRY(iad_json_array(entry, "bbox_2d", where, &box, err));
    IAD_TRY(iad_json_string_opt(entry, "label", "", where, &label, err));
    slot->image = (int)image;
    if (json_array_size(box) != 4) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: bbox_2d has %zu numbers, not 4", where, json_array_size(box));
    for (size_t i = 0; i < 4; i++) {
        const json_t *number_i = json_array_get(box, i);
        json_int_t value = json_integer_value(number_i);
        if (!json_is_integer(number_i) || value < 0 || value > IAD_BOX_SLOTS_SIDE)
            return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: bbox_2d[%zu] is not a whole number of 0..%d", where, i, IAD_BOX_SLOTS_SIDE);
        slot->box[i] = (int)value;
    }
    if (!box_fits(slot->box)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: bbox_2d is empty or turned over", where);
    copy_label(slot->label, label);
    return IAD_OK;
}

iad_status iad_box_slots_parse(const char *boxes, iad_box_slots *slots, iad_err *err) {
    slots->n = 0;
    if (!boxes || !*boxes) return IAD_OK;
    size_t bytes = strlen(boxes);
    if (bytes > MAX_COLUMN_BYTES) return IAD_FAIL(err, IAD_ERR_LIMIT, "boxes: %zu bytes, at most %u", bytes, MAX_COLUMN_BYTES);
    json_t *root = NULL;
    IAD_TRY(iad_json_parse(boxes, bytes, 8, "boxes", &root, err));
    iad_status status = IAD_OK;
    size_t n = json_array_size(root);
    if (!json_is_array(root)) status = IAD_FAIL(err, IAD_ERR_FORMAT, "boxes: not an array");
    else if (n > IAD_BOX_SLOTS_MAX) status = IAD_FAIL(err, IAD_ERR_LIMIT, "boxes: %zu entries, at most %d", n, IAD_BOX_SLOTS_MAX);
    for (size_t i = 0; status == IAD_OK && i < n; i++) status = parse_entry(json_array_get(root, i), i, &slots->items[i], err);
    json_decref(root);
    if (status == IAD_OK) slots->n = n;
    return status;
}

iad_status iad_box_slots_write(const iad_box_slots *slots, iad_buf *out, iad_err *err) {
    if (slots->n > IAD_BOX_SLOTS_MAX) return IAD_FAIL(err, IAD_ERR_ARG, "boxes: %zu entries, at most %d", slots->n, IAD_BOX_SLOTS_MAX);
    IAD_TRY(iad_buf_add(out, "[", 1, err));
    for (size_t i = 0; i < slots->n; i++) {
        const iad_box_slot *slot = &slots->items[i];
        if (slot->image < 0 || !box_fits(slot->box))
            return IAD_FAIL(err, IAD_ERR_ARG, "box %zu: [%d,%d,%d,%d] on picture %d", i, slot->box[0], slot->box[1], slot->box[2], slot->box[3],
                            slot->image);
        IAD_TRY(iad_buf_addf(out, err, "%s{\"bbox_2d\":[%d,%d,%d,%d],\"image\":%d", i ? "," : "", slot->box[0], slot->box[1], slot->box[2],
                             slot->box[3], slot->image));
        if (slot->label[0]) {
            IAD_TRY(iad_buf_add_str(out, ",\"label\":", err));
            IAD_TRY(iad_json_quote(slot->label, out, err));
        }
        IAD_TRY(iad_buf_add(out, "}", 1, err));
    }
    return iad_buf_add(out, "]", 1, err);
}

/* ---- slots in texts ---- */

/* The next slot at or behind `from`: 1 and its place, length and number; 0 when there is none. */
static iad_status next_slot(const char *text, size_t from, size_t n_boxes, size_t *at, size_t *length, size_t *number, int *found, iad_err *err) {
    const char *slot = strstr(text + from, SLOT_HEAD);
    *found = slot != NULL;
    if (!slot) return IAD_OK;
    const char *p = slot + sizeof SLOT_HEAD - 1, *digits = p;
    size_t value = 0;
    for (; *p >= '0' && *p <= '9' && p - digits < 4; p++) value = value * 10 + (size_t)(*p - '0');
    if (p == digits || *p != '>') return IAD_FAIL(err, IAD_ERR_FORMAT, "text: \"%.12s\" at byte %zu is no box slot", slot, (size_t)(slot - text));
    if (value >= n_boxes)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "text: box %zu at byte %zu, but there are %zu boxes", value, (size_t)(slot - text), n_boxes);
    *at = (size_t)(slot - text);
    *length = (size_t)(p + 1 - slot);
    *number = value;
    return IAD_OK;
}

iad_status iad_box_slots_order(const char *text, size_t n_boxes, size_t *order, size_t max, size_t *n, iad_err *err) {
    size_t at = 0, length = 0, number = 0;
    int found;
    *n = 0;
    for (size_t from = 0;; from = at + length) {
        IAD_TRY(next_slot(text, from, n_boxes, &at, &length, &number, &found, err));
        if (!found) return IAD_OK;
        if (*n == max) return IAD_FAIL(err, IAD_ERR_LIMIT, "text: more than %zu box slots", max);
        order[(*n)++] = number;
    }
}

/* ---- numbers ---- */

static const char *const form_names[] = {"original", "qwen25", "norm1000", "mark"};

const char *iad_box_form_name(iad_box_form form) {
    return form_names[form];
}

int iad_box_form_parse(const char *name, iad_box_form *form) {
    for (size_t i = 0; i < sizeof form_names / sizeof *form_names; i++) {
        if (strcmp(name, form_names[i]) != 0) continue;
        *form = (iad_box_form)i;
        return 1;
    }
    return 0;
}

/* n * 1000 / side, halves to even, within 0..1000. */
static int thousandths(int n, int side) {
    int64_t twice = (int64_t)n * 2000, q = twice / (2 * (int64_t)side), rest = twice % (2 * (int64_t)side);
    if (rest > side || (rest == side && (q & 1))) q++;
    return q > 1000 ? 1000 : (int)q;
}

iad_status iad_box_slot_numbers(const iad_box_slot *slot, const iad_box_frame *frame, iad_box_form form, int out[4], iad_err *err) {
    if (frame->width < 1 || frame->height < 1 || frame->width > IAD_BOX_SLOTS_SIDE || frame->height > IAD_BOX_SLOTS_SIDE)
        return IAD_FAIL(err, IAD_ERR_ARG, "a box on a picture of %dx%d pixels", frame->width, frame->height);
    switch (form) {
    case IAD_BOX_QWEN25:
        if (frame->new_width < 4 || frame->new_height < 4 || frame->new_width > IAD_BOX_SLOTS_SIDE || frame->new_height > IAD_BOX_SLOTS_SIDE)
            return IAD_FAIL(err, IAD_ERR_ARG, "a box on a picture resized to %dx%d pixels", frame->new_width, frame->new_height);
        iad_region_box_to_resized(slot->box, frame->width, frame->height, frame->new_width, frame->new_height, out);
        return IAD_OK;
    case IAD_BOX_NORM1000:
        for (int i = 0; i < 4; i++) out[i] = thousandths(slot->box[i], i & 1 ? frame->height : frame->width);
        return IAD_OK;
    case IAD_BOX_ORIGINAL:
        memcpy(out, slot->box, sizeof slot->box);
        return IAD_OK;
    case IAD_BOX_MARK: break;
    }
    return IAD_FAIL(err, IAD_ERR_ARG, "a box as a mark has no numbers");
}

static iad_status add_box(const iad_box_slot *slot, const iad_box_frame *frames, size_t n_frames, iad_box_form form, iad_buf *out, iad_err *err) {
    int box[4];
    if (form == IAD_BOX_MARK) return iad_buf_add_str(out, "<bbox>", err);
    if ((size_t)slot->image >= n_frames) return IAD_FAIL(err, IAD_ERR_ARG, "a box on picture %d, but the record has %zu", slot->image, n_frames);
    IAD_TRY(iad_box_slot_numbers(slot, &frames[slot->image], form, box, err));
    return iad_buf_addf(out, err, "[%d, %d, %d, %d]", box[0], box[1], box[2], box[3]);
}

/* Places in text[from, to) are in out from `base` on. Moved ones are marked by adding `bias`, so that they are not moved twice. */
static void move_places(size_t *places, size_t n, size_t from, size_t to, size_t base, size_t bias) {
    for (size_t i = 0; i < n; i++)
        if (places[i] >= from && places[i] < to) places[i] = bias + base + (places[i] - from);
}

iad_status iad_box_slots_fill(const char *text, const char *boxes, const iad_box_frame *frames, size_t n_frames, iad_box_form form, size_t *places,
                              size_t n_places, iad_buf *out, iad_err *err) {
    iad_box_slots slots;
    IAD_TRY(iad_box_slots_parse(boxes, &slots, err));
    const size_t end = strlen(text), bias = end + 1, start = out->len;
    for (size_t i = 0; i < n_places; i++)
        if (places[i] > end) return IAD_FAIL(err, IAD_ERR_ARG, "place %zu is behind the text of %zu bytes", places[i], end);
    for (size_t from = 0;;) {
        size_t at = end, length = 0, number = 0;
        int found;
        IAD_TRY(next_slot(text, from, slots.n, &at, &length, &number, &found, err));
        move_places(places, n_places, from, found ? at + 1 : end + 1, out->len - start, bias);
        IAD_TRY(iad_buf_add(out, text + from, at - from, err));
        if (!found) break;
        for (size_t i = 0; i < n_places; i++)
            if (places[i] > at && places[i] < at + length) return IAD_FAIL(err, IAD_ERR_ARG, "place %zu lies inside a box slot", places[i]);
        IAD_TRY(add_box(&slots.items[number], frames, n_frames, form, out, err));
        from = at + length;
    }
    for (size_t i = 0; i < n_places; i++) places[i] -= bias;
    return IAD_OK;
}
