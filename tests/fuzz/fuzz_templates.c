/* Files of phrasings: whatever was read can be filled when every slot has a value, and spans fit the text. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "synth/task/templates.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fill(const iad_phrasing *p) {
    static const iad_slot slots[] = {{"category", "gear"}, {"n", "3"}, {"place", "at the top"}, {"defect", "dent"}};
    iad_err err = IAD_ERR_NONE;
    iad_buf out, anomaly, normal;
    iad_buf_init(&out, 1u << 20);
    iad_buf_init(&anomaly, 1u << 20);
    iad_buf_init(&normal, 1u << 20);
    iad_status status = iad_phrasing_fill(p->text, "<image>\n", slots, 4, &out, &anomaly, &normal, &err);
    if (status != IAD_OK && status != IAD_ERR_ARG) abort(); /* only an unknown slot may be wrong now */
    iad_buf_deinit(&out);
    iad_buf_deinit(&anomaly);
    iad_buf_deinit(&normal);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    iad_templates *templates = NULL;
    if (iad_templates_parse((const char *)data, size, "fuzz", &templates, NULL) == IAD_OK) {
        size_t n;
        const iad_template_form *forms = iad_templates_all(templates, &n);
        for (size_t i = 0; i < n; i++) {
            for (size_t k = 0; k < forms[i].n_questions; k++) fill(&forms[i].questions[k]);
            for (size_t k = 0; k < forms[i].n_answers; k++) fill(&forms[i].answers[k]);
        }
    }
    iad_templates_free(templates);
    return 0;
}
