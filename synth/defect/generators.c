#include <string.h>

#include "synth/defect/defect.h"

const iad_defect_generator *const *iad_defect_generators(size_t *n) {
    static const iad_defect_generator *const all[] = {&iad_defect_cutpaste, &iad_defect_scar,    &iad_defect_nsa,      &iad_defect_perlin,
                                                      &iad_defect_shuffle,  &iad_defect_spot,    &iad_defect_null_edit};
    *n = sizeof all / sizeof *all;
    return all;
}

const iad_defect_generator *iad_defect_generator_find(const char *name) {
    size_t n;
    const iad_defect_generator *const *all = iad_defect_generators(&n);
    for (size_t i = 0; i < n; i++)
        if (strcmp(all[i]->name, name) == 0) return all[i];
    return NULL;
}

void iad_defect_layers_deinit(iad_defect_layers *layers) {
    for (int i = 0; i < layers->n; i++) {
        iad_image_deinit(&layers->items[i].content);
        iad_image_deinit(&layers->items[i].cover);
    }
    *layers = (iad_defect_layers){0};
}
