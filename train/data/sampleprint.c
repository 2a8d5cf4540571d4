#include "train/data/sampleprint.h"

#include <inttypes.h>

enum { MAX_COLUMNS = 64 };

/* How a position is shown. */
typedef enum state { PLAIN, PICTURE, PREDICTED, ANOMALY, NORMAL } state;

static state state_of(const iad_sample *s, int64_t at, int *picture) {
    for (int i = 0; i < s->n_picture; i++)
        if (s->pictures[i].position == at) {
            *picture = i;
            return PICTURE;
        }
    for (int i = 0; i < s->n_word; i++)
        if (s->words[i].position == at) return s->words[i].row_class == 0 ? ANOMALY : NORMAL;
    return at > 0 && s->target[at - 1] >= 0 ? PREDICTED : PLAIN;
}

static iad_status print_text(const iad_sample *s, const iad_tokenizer *tokenizer, iad_buf *out, iad_err *err) {
    static const char *const open[] = {"", "", "[[", "**", "++"}, *const close[] = {"", "", "]]", "**", "++"};
    IAD_TRY(iad_buf_add_str(out, "text\n", err));
    for (int64_t from = 0, to; from < s->n_id; from = to) {
        int picture = 0, other;
        state now = state_of(s, from, &picture);
        to = from + 1;
        if (now == PICTURE) {
            IAD_TRY(iad_buf_addf(out, err, "<picture %d>", picture + 1));
            continue;
        }
        while (to < s->n_id && state_of(s, to, &other) == now) to++;
        IAD_TRY(iad_buf_add_str(out, open[now], err));
        IAD_TRY(iad_tokenizer_decode(tokenizer, s->ids + from, (size_t)(to - from), 0, out, err));
        IAD_TRY(iad_buf_add_str(out, close[now], err));
    }
    return iad_buf_add_str(out, "\n", err);
}

static iad_status print_pictures(const iad_sample *s, int merge, double retention, iad_buf *out, iad_err *err) {
    for (int i = 0; i < s->n_picture; i++) {
        const iad_sample_picture *p = &s->pictures[i];
        const iad_resize_record *z = &p->patches.size;
        IAD_TRY(iad_buf_addf(out, err, "picture %d%s: %d x %d as %d x %d, %d x %d tokens", i + 1, i == s->query ? " (query)" : "", z->source_w,
                             z->source_h, z->resized_w, z->resized_h, p->patches.gw / merge, p->patches.gh / merge));
        int64_t kept = iad_sample_picture_rows(p, merge, retention);
        if (p->reference >= 0) IAD_TRY(iad_buf_addf(out, err, ", %" PRId64 " kept against picture %d", kept, p->reference + 1));
        IAD_TRY(iad_buf_add_str(out, "\n", err));
    }
    return IAD_OK;
}

static iad_status print_words(const iad_sample *s, const iad_tokenizer *tokenizer, iad_buf *out, iad_err *err) {
    for (int i = 0; i < s->n_word; i++) {
        const iad_sample_word *w = &s->words[i];
        IAD_TRY(iad_buf_addf(out, err, "word at %" PRId64 ", %s, weight %.6g: \"", w->position, w->row_class == 0 ? "anomaly" : "normal",
                             (double)w->weight));
        IAD_TRY(iad_tokenizer_decode(tokenizer, s->ids + w->position, 1, 0, out, err));
        IAD_TRY(iad_buf_add_str(out, "\"\n", err));
    }
    return IAD_OK;
}

/* One character for each block of cells: the largest share in it, from " " (none) to "@" (all). */
static iad_status print_mask(const iad_sample *s, iad_buf *out, iad_err *err) {
    static const char shades[] = " .:-=+*#%@";
    if (!s->mask) return iad_buf_add_str(out, "no map is supervised\n", err);
    int step = (s->mask_w + MAX_COLUMNS - 1) / MAX_COLUMNS;
    IAD_TRY(iad_buf_addf(out, err, "mask of %d x %d cells\n", s->mask_w, s->mask_h));
    for (int y = 0; y < s->mask_h; y += step) {
        IAD_TRY(iad_buf_add_str(out, "|", err));
        for (int x = 0; x < s->mask_w; x += step) {
            float most = 0;
            for (int j = y; j < y + step && j < s->mask_h; j++)
                for (int i = x; i < x + step && i < s->mask_w; i++)
                    if (s->mask[(size_t)j * (size_t)s->mask_w + (size_t)i] > most) most = s->mask[(size_t)j * (size_t)s->mask_w + (size_t)i];
            int shade = most <= 0 ? 0 : 1 + (int)(most * 8.999f);
            IAD_TRY(iad_buf_add(out, &shades[shade > 9 ? 9 : shade], 1, err));
        }
        IAD_TRY(iad_buf_add_str(out, "|\n", err));
    }
    return IAD_OK;
}

iad_status iad_sample_print(const iad_sample *s, const iad_model_config *config, const iad_tokenizer *tokenizer, double retention, iad_buf *out,
                            iad_err *err) {
    int merge = config->vision.merge;
    double kept = retention < 0 ? config->paper.retention : retention;
    IAD_TRY(iad_buf_addf(out, err, "task %" PRId64 "%s, weight %g: %d pictures, %" PRId64 " rows, %" PRId64 " predicted tokens\n", s->task_id,
                         s->replayed ? " (replayed)" : "", (double)s->weight, s->n_picture, iad_sample_rows(s, merge, kept), s->n_target));
    IAD_TRY(print_pictures(s, merge, kept, out, err));
    IAD_TRY(print_text(s, tokenizer, out, err));
    IAD_TRY(print_words(s, tokenizer, out, err));
    return print_mask(s, out, err);
}
