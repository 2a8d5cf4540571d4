/* Places and sizes in words, boxes in the model's frame. */
#include <math.h>
#include <string.h>
#include <strings.h>

#include "synth/task/maskregions.h"

static const char *const places_en[9] = {"top left", "top", "top right", "left", "center", "right", "bottom left", "bottom", "bottom right"};
static const char *const places_zh[9] = {"左上角", "上方", "右上角", "左侧", "中央", "右侧", "左下角", "下方", "右下角"};

static int is_zh(const char *lang) { return strcmp(lang, "zh") == 0; }

const char *iad_place_phrase(int cell, const char *lang) {
    if (cell < 0 || cell > 8) cell = 4;
    return is_zh(lang) ? places_zh[cell] : places_en[cell];
}

/* 1 when one of the words, separated by '|', stands in text. */
static int says(const char *text, const char *words) {
    char word[32];
    while (*words) {
        size_t n = strcspn(words, "|");
        memcpy(word, words, n);
        word[n] = 0;
        if (strcasestr(text, word)) return 1;
        words += n + (words[n] == '|');
    }
    return 0;
}

int iad_place_parse(const char *text) {
    int up = says(text, "top|upper|上"), down = says(text, "bottom|lower|下"), left = says(text, "left|左"), right = says(text, "right|右");
    if (!up && !down && !left && !right) return says(text, "middle|center|centre|中") ? 4 : -1;
    int row = up && !down ? 0 : down && !up ? 2 : 1, column = left && !right ? 0 : right && !left ? 2 : 1;
    return 3 * row + column;
}

int iad_region_cells(const iad_regions *regions, int cells[9]) {
    int n = 0;
    for (int cell = 0; cell < 9; cell++)
        for (int i = 0; i < regions->n; i++)
            if (regions->items[i].cell == cell) {
                cells[n++] = cell;
                break;
            }
    return n;
}

iad_status iad_regions_phrase(const iad_regions *regions, const char *lang, iad_buf *out, iad_err *err) {
    int cells[9], n = iad_region_cells(regions, cells), zh = is_zh(lang);
    if (!zh) IAD_TRY(iad_buf_add_str(out, "at ", err));
    for (int i = 0; i < n; i++) {
        if (i) IAD_TRY(iad_buf_add_str(out, zh ? (i + 1 < n ? "、" : "和") : (i + 1 < n ? ", " : " and "), err));
        IAD_TRY(iad_buf_addf(out, err, zh ? "%s" : "the %s", iad_place_phrase(cells[i], lang)));
    }
    if (n == 0) IAD_TRY(iad_buf_add_str(out, zh ? "某处" : "some place", err));
    return IAD_OK;
}

const char *iad_size_word(double area_share, const char *lang) {
    int zh = is_zh(lang);
    if (area_share < 0.001) return zh ? "极小的" : "tiny";
    if (area_share < 0.01) return zh ? "较小的" : "small";
    if (area_share < 0.05) return zh ? "中等大小的" : "medium";
    return zh ? "较大的" : "large";
}

/* One axis: both ends scaled and clamped; a span thinner than 2 grows to 4 about its middle. */
static void to_resized(int a, int b, int length, int new_length, int *from, int *to) {
    double scale = (double)new_length / length;
    int low = (int)nearbyint(a * scale), high = (int)nearbyint(b * scale), most = new_length - 1;
    low = low < 0 ? 0 : low > most ? most : low;
    high = high < 0 ? 0 : high > most ? most : high;
    if (high - low < 2) {
        low = (low + high) / 2 - 2;
        if (low > most - 4) low = most - 4;
        if (low < 0) low = 0;
        high = low + 4 < most ? low + 4 : most;
    }
    *from = low;
    *to = high;
}

void iad_region_box_to_resized(const int box[4], int width, int height, int new_w, int new_h, int out[4]) {
    to_resized(box[0], box[2], width, new_w, &out[0], &out[2]);
    to_resized(box[1], box[3], height, new_h, &out[1], &out[3]);
}
