/* Lines of answers, and everything that is read out of the answers. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "bench/reasoning/answerbox.h"
#include "bench/reasoning/answerfile.h"
#include "bench/reasoning/letter.h"
#include "bench/reasoning/yesno.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(const char *text) {
    static const char *const options[] = {"Yes.", "No.", "Scratch on the left"};
    const iad_answer_box truth[] = {{.x0 = 0, .y0 = 0, .x1 = 10, .y1 = 10}, {.x0 = 5, .y0 = 5, .x1 = 40, .y1 = 20}};
    iad_answer_boxes boxes;
    iad_err err = IAD_ERR_NONE;
    double overlap[2];
    int guessed, partner[2];
    char letter;
    (void)iad_yesno_strict(text);
    if (iad_yesno_anomaly_ov(text) == IAD_SAYS_NEITHER) abort();
    if (strlen(text) < 4000 && iad_letter_mmad(text, options, 3, &letter, &guessed, &err) == IAD_OK && (letter < 'A' || letter > 'E')) abort();
    letter = iad_letter_strict(text, options, 3);
    if (letter && (letter < 'A' || letter > 'C')) abort();
    iad_answer_boxes_find(text, &boxes);
    iad_answer_boxes_to_source(&boxes, IAD_BOXES_RESIZED, 84, 56, 100, 70);
    for (size_t i = 0; i < boxes.n; i++)
        if (!(boxes.items[i].x0 >= 0 && boxes.items[i].x0 < boxes.items[i].x1 && boxes.items[i].x1 <= 100 && boxes.items[i].y1 <= 70)) abort();
    iad_boxes_match(truth, 2, boxes.items, boxes.n, overlap, partner);
    for (int i = 0; i < 2; i++)
        if (!(overlap[i] >= 0 && overlap[i] <= 1) || partner[i] >= (int)boxes.n) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const iad_ask list[] = {{.id = "a", .previous = -1}, {.id = "b", .previous = -1}};
    iad_asks asks = {.items = (iad_ask *)(uintptr_t)list, .n = 2};
    iad_sayings s;
    iad_err err = IAD_ERR_NONE;
    json_t *head = NULL;
    size_t whole;
    char *text = iad_alloc(size + 1, 1);
    if (!text || iad_sayings_init(&s, &asks, &err) != IAD_OK) return free(text), 0;
    memcpy(text, data, size);
    text[size] = 0;
    if (iad_sayings_read(&s, text, size, "fuzz", &head, &whole, &err) != IAD_OK && !err.msg[0]) abort();
    if (whole > size || s.there > 2) abort();
    for (size_t i = 0; i < 2; i++)
        if (s.items[i].text) read_all(s.items[i].text);
    read_all(text);
    json_decref(head);
    iad_sayings_deinit(&s);
    free(text);
    return 0;
}
