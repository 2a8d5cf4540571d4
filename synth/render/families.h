/* Every family is one file family_<name>.c that defines one constant. */
#ifndef IAD_RENDER_FAMILIES_H
#define IAD_RENDER_FAMILIES_H

#include "synth/render/scene.h"

extern const iad_render_family iad_family_screw;
extern const iad_render_family iad_family_washer;
extern const iad_render_family iad_family_gear;
extern const iad_render_family iad_family_bottle;
extern const iad_render_family iad_family_blister;
extern const iad_render_family iad_family_connector;
extern const iad_render_family iad_family_board;
extern const iad_render_family iad_family_fabric;
extern const iad_render_family iad_family_sheet;
extern const iad_render_family iad_family_wood;
extern const iad_render_family iad_family_tile;
extern const iad_render_family iad_family_capsule;
extern const iad_render_family iad_family_leather;
extern const iad_render_family iad_family_mesh;

#endif
