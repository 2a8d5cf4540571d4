#include "bench/reasoning/answerbox.h"

#include <math.h>
#include <string.h>

#include "base/text.h"

/* ---- finding ---- */

static const char *skip_space(const char *p) { return p + strspn(p, " \t\r\n"); }

/* A number in decimal notation; the place behind it, NULL: none. */
static const char *read_number(const char *p, double *value) {
    char text[32];
    size_t n = strspn(p, "+-0123456789.");
    if (n == 0 || n >= sizeof text) return NULL;
    memcpy(text, p, n);
    text[n] = 0;
    return iad_parse_f64(text[0] == '+' ? text + 1 : text, -1e9, 1e9, "number", value, NULL) == IAD_OK ? p + n : NULL;
}

/* n numbers between commas, then `close`; the place behind it, NULL: something else. */
static const char *read_list(const char *p, double *values, int n, char close) {
    for (int i = 0; i < n; i++) {
        p = read_number(skip_space(p), &values[i]);
        if (!p) return NULL;
        p = skip_space(p);
        if (*p++ != (i + 1 < n ? ',' : close)) return NULL;
    }
    return p;
}

/* Four numbers in brackets or two pairs in parentheses. */
static const char *read_box(const char *p, double v[4]) {
    if (*p == '[') return read_list(p + 1, v, 4, ']');
    const char *end = *p == '(' ? read_list(p + 1, v, 2, ')') : NULL;
    if (!end) return NULL;
    end = skip_space(end);
    if (*end == ',') end = skip_space(end + 1);
    return *end == '(' ? read_list(end + 1, v + 2, 2, ')') : NULL;
}

/* Does "bbox_2d": (or bbox, box) stand in front of p? */
static int has_key(const char *text, const char *p) {
    static const char *const keys[] = {"bbox_2d", "bbox", "box"};
    while (p > text && strchr(" \t\r\n", p[-1])) p--;
    if (p == text || *--p != ':') return 0;
    while (p > text && strchr(" \t\r\n\"'", p[-1])) p--;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        size_t n = strlen(keys[i]);
        if ((size_t)(p - text) >= n && memcmp(p - n, keys[i], n) == 0 &&
            (p == text + n || !strchr("abcdefghijklmnopqrstuvwxyz_", p[-(ptrdiff_t)n - 1])))
            return 1;
    }
    return 0;
}

/* The member label of the object around [begin, end). */
static void read_label(const char *text, const char *begin, const char *end, char label[IAD_ANSWER_BOX_LABEL]) {
    const char *from = begin;
    while (from > text && !strchr("{}", from[-1])) from--;
    const char *to = end + strcspn(end, "{}");
    label[0] = 0;
    for (const char *p = from; p < to && (p = strstr(p, "\"label\"")) != NULL && p < to;) {
        p = skip_space(p + strlen("\"label\""));
        if (*p++ != ':') continue;
        p = skip_space(p);
        if (*p++ != '"') continue;
        size_t n = 0;
        while (p[n] && p[n] != '"' && n + 1 < IAD_ANSWER_BOX_LABEL) n++;
        memcpy(label, p, n);
        label[iad_utf8_valid(label, n)] = 0;
        return;
    }
}

static void keep(iad_answer_boxes *boxes, const double v[4], const char *text, const char *begin, const char *end) {
    int good = v[0] < v[2] && v[1] < v[3];
    for (int i = 0; i < 4; i++) good &= fabs(v[i]) <= IAD_ANSWER_BOX_SIDE;
    if (!good || boxes->n == IAD_ANSWER_BOXES) {
        boxes->broken++;
        return;
    }
    iad_answer_box *box = &boxes->items[boxes->n++];
    *box = (iad_answer_box){.x0 = v[0], .y0 = v[1], .x1 = v[2], .y1 = v[3]};
    read_label(text, begin, end, box->label);
}

void iad_answer_boxes_find(const char *answer, iad_answer_boxes *boxes) {
    int keyed = 0; /* a box with a key was seen: bare lists do not count, not even those before it */
    *boxes = (iad_answer_boxes){.n = 0};
    for (const char *p = answer; *p;) {
        double v[4];
        const char *end = *p == '[' || *p == '(' ? read_box(p, v) : NULL;
        if (!end) {
            p++;
            continue;
        }
        int has = has_key(answer, p);
        if (has && !keyed) *boxes = (iad_answer_boxes){.n = 0};
        keyed |= has;
        if (has || !keyed) keep(boxes, v, answer, p, end);
        p = end;
    }
}

/* ---- scaling ---- */

static double cut(double v, double hi) { return v < 0 ? 0 : v > hi ? hi : v; }

void iad_answer_boxes_to_source(iad_answer_boxes *boxes, iad_box_space space, int resized_w, int resized_h, int source_w, int source_h) {
    double w = space == IAD_BOXES_RESIZED ? resized_w : space == IAD_BOXES_NORM1000 ? 1000 : source_w;
    double h = space == IAD_BOXES_RESIZED ? resized_h : space == IAD_BOXES_NORM1000 ? 1000 : source_h;
    size_t n = 0;
    for (size_t i = 0; i < boxes->n; i++) {
        iad_answer_box box = boxes->items[i];
        box.x0 = cut(box.x0 * source_w / w, source_w), box.x1 = cut(box.x1 * source_w / w, source_w);
        box.y0 = cut(box.y0 * source_h / h, source_h), box.y1 = cut(box.y1 * source_h / h, source_h);
        if (box.x0 < box.x1 && box.y0 < box.y1) boxes->items[n++] = box;
        else boxes->broken++;
    }
    boxes->n = n;
}

/* ---- matching ---- */

double iad_box_overlap(const iad_answer_box *a, const iad_answer_box *b) {
    double w = fmin(a->x1, b->x1) - fmax(a->x0, b->x0), h = fmin(a->y1, b->y1) - fmax(a->y0, b->y0);
    if (w <= 0 || h <= 0) return 0;
    return w * h / ((a->x1 - a->x0) * (a->y1 - a->y0) + (b->x1 - b->x0) * (b->y1 - b->y0) - w * h);
}

/* Rows 1..n are true boxes, columns 1..m answers, n <= m; shortest augmenting paths with potentials. cost = -overlap. */
static void assign(double cost[IAD_ANSWER_BOXES + 1][IAD_ANSWER_BOXES + 1], size_t n, size_t m, size_t row_of[IAD_ANSWER_BOXES + 1]) {
    double u[IAD_ANSWER_BOXES + 1] = {0}, v[IAD_ANSWER_BOXES + 1] = {0}, least[IAD_ANSWER_BOXES + 1];
    size_t from[IAD_ANSWER_BOXES + 1];
    memset(row_of, 0, (m + 1) * sizeof *row_of);
    for (size_t i = 1; i <= n; i++) {
        char used[IAD_ANSWER_BOXES + 1] = {0};
        size_t j = 0;
        row_of[0] = i;
        for (size_t k = 0; k <= m; k++) least[k] = INFINITY, from[k] = 0;
        while (row_of[j]) {
            size_t next = 0, row = row_of[j];
            double step = INFINITY;
            used[j] = 1;
            for (size_t k = 1; k <= m; k++) {
                if (used[k]) continue;
                double c = cost[row][k] - u[row] - v[k];
                if (c < least[k]) least[k] = c, from[k] = j;
                if (least[k] < step) step = least[k], next = k;
            }
            for (size_t k = 0; k <= m; k++)
                if (used[k]) u[row_of[k]] += step, v[k] -= step;
                else least[k] -= step;
            j = next;
        }
        for (; j; j = from[j]) row_of[j] = row_of[from[j]];
    }
}

void iad_boxes_match(const iad_answer_box *truth, size_t n_truth, const iad_answer_box *answer, size_t n_answer, double *overlap, int *partner) {
    double cost[IAD_ANSWER_BOXES + 1][IAD_ANSWER_BOXES + 1];
    size_t row_of[IAD_ANSWER_BOXES + 1];
    int turned = n_truth > n_answer; /* the method wants no more rows than columns */
    size_t n = turned ? n_answer : n_truth, m = turned ? n_truth : n_answer;
    for (size_t i = 0; i < n_truth; i++) overlap[i] = 0, partner[i] = -1;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < m; k++) cost[i + 1][k + 1] = -iad_box_overlap(turned ? &truth[k] : &truth[i], turned ? &answer[i] : &answer[k]);
    if (n) assign(cost, n, m, row_of);
    for (size_t k = 1; n && k <= m; k++) {
        if (!row_of[k]) continue;
        size_t t = turned ? k - 1 : row_of[k] - 1, a = turned ? row_of[k] - 1 : k - 1;
        if (cost[row_of[k]][k] == 0) continue; /* no common pixel: no pair */
        overlap[t] = -cost[row_of[k]][k];
        partner[t] = (int)a;
    }
}
