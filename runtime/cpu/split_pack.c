#include <string.h>

#include "runtime/cpu/cpu_device.h"
#include "runtime/cpu/split.h"

enum { PAIRS = IAD_SPLIT_INPUTS / 2, TILE_OUTS = 16 };

int iad_split_has(const iad_device *device) { return iad_cpu_has_amx(device); }

/* Values [out][input] of a panel and one step; those that the layer lacks are zero. */
static iad_status fill_step(const iad_weight_spec *spec, const iad_weight *w, int64_t out, int64_t in, float v[IAD_PANEL][IAD_SPLIT_INPUTS],
                            iad_err *err) {
    int outs = (int)(w->n_out - out < IAD_PANEL ? w->n_out - out : IAD_PANEL);
    int ins = (int)(w->n_in - in < IAD_SPLIT_INPUTS ? w->n_in - in : IAD_SPLIT_INPUTS);
    memset(v, 0, IAD_PANEL * sizeof *v);
    if (!spec->transposed) {
        for (int o = 0; o < outs; o++) IAD_TRY(iad_spec_row(spec, out + o, in, (size_t)ins, v[o], err));
        return IAD_OK;
    }
    for (int i = 0; i < ins; i++) {
        float line[IAD_PANEL];
        IAD_TRY(iad_spec_row(spec, in + i, out, (size_t)outs, line, err));
        for (int o = 0; o < outs; o++) v[o][i] = line[o];
    }
    return IAD_OK;
}

iad_status iad_split_pack_panel(const iad_weight_spec *spec, const iad_weight *w, int64_t panel, iad_err *err) {
    float v[IAD_PANEL][IAD_SPLIT_INPUTS];
    uint16_t parts[3][IAD_SPLIT_INPUTS];
    int64_t n_step = w->n_group / IAD_SPLIT_GROUPS;
    unsigned char *first = w->panels + (size_t)(panel * w->n_group) * IAD_GROUP_BYTES;
    for (int64_t s = 0; s < n_step; s++) {
        IAD_TRY(fill_step(spec, w, panel * IAD_PANEL, s * IAD_SPLIT_INPUTS, v, err));
        for (int o = 0; o < IAD_PANEL; o++) {
            /* v becomes what its parts leave, exactly. */
            for (int p = 0; p < 3; p++)
                for (int i = 0; i < IAD_SPLIT_INPUTS; i++) {
                    parts[p][i] = iad_f32_to_bf16(v[o][i]);
                    v[o][i] -= iad_bf16_to_f32(parts[p][i]);
                }
            unsigned char *step = first + (size_t)(o / IAD_SPLIT_ROWS * n_step + s) * IAD_SPLIT_STEP;
            unsigned char *at = step + o % IAD_SPLIT_ROWS / TILE_OUTS * IAD_SPLIT_TILE + o % TILE_OUTS * 4;
            for (int p = 0; p < 3; p++)
                for (int i = 0; i < PAIRS; i++) memcpy(at + 2 * p * IAD_SPLIT_TILE + i * 64, &parts[p][2 * i], 4);
        }
    }
    return IAD_OK;
}
