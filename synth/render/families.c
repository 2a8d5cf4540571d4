#include "synth/render/families.h"

#include "synth/render/render.h"

static const iad_render_family *const families[] = {
    &iad_family_screw,
    &iad_family_washer,
    &iad_family_gear,
    &iad_family_bottle,
    &iad_family_blister,
    &iad_family_connector,
    &iad_family_board,
    &iad_family_fabric,
    &iad_family_sheet,
    &iad_family_wood,
    &iad_family_tile,
    &iad_family_capsule,
    &iad_family_leather,
    &iad_family_mesh,
};

const iad_render_family *const *iad_render_families(size_t *n) {
    *n = sizeof families / sizeof families[0];
    return families;
}
