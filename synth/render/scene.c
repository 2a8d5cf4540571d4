#include "synth/render/scene.h"

#include "base/fmath.h"
#include "synth/render/render_math.h"

float iad_dice_range(iad_rng *rng, float lo, float hi) { return lo + (hi - lo) * (float)iad_rng_unit(rng); }

/* IEC 61966-2-1 */
static float linear(uint32_t level) {
    double v = (double)(level & 255) / 255.0;
    return (float)(v <= 0.04045 ? v / 12.92 : iad_pow((v + 0.055) / 1.055, 2.4));
}

void iad_color_hex(uint32_t hex, float rgb[3]) {
    rgb[0] = linear(hex >> 16);
    rgb[1] = linear(hex >> 8);
    rgb[2] = linear(hex);
}

void iad_color_vary(uint32_t hex, float amount, iad_rng *rng, float rgb[3]) {
    iad_color_hex(hex, rgb);
    float whole = iad_dice_range(rng, 1 - amount, 1 + amount);
    for (int i = 0; i < 3; i++)
        rgb[i] = rm_sat(rgb[i] * whole * iad_dice_range(rng, 1 - 0.35f * amount, 1 + 0.35f * amount));
}

static void direction(float azimuth, float elevation, float *x, float *y, float *z) {
    double a = azimuth * 6.283185307179586, e = elevation * 0.017453292519943295;
    *x = (float)(iad_cos(a) * iad_cos(e));
    *y = (float)(iad_sin(a) * iad_cos(e));
    *z = (float)iad_sin(e);
}

void iad_light_set(iad_light *light, float azimuth, float elevation, float ratio) {
    direction(azimuth, elevation, &light->x, &light->y, &light->z);
    for (int i = 0; i < 3; i++) {
        light->key[i] = ratio / light->z; /* a flat white table keeps brightness 1 at any elevation */
        light->sky[i] = 1 - ratio;
        light->ground[i] = 0.45f * (1 - ratio);
    }
}

void iad_light_box(iad_light *light, float azimuth, float elevation, float opening, float power) {
    if (light->boxes == IAD_SCENE_BOXES) return;
    iad_softbox *box = &light->box[light->boxes++];
    direction(azimuth, elevation, &box->x, &box->y, &box->z);
    box->cosine = (float)iad_cos(opening * 0.017453292519943295);
    box->power = power;
    box->soft = 0.04f;
}

void iad_pose_set(iad_pose *pose, float x, float y, float turns, float scale) {
    pose->x = x;
    pose->y = y;
    pose->c = (float)iad_cos(turns * 6.283185307179586);
    pose->s = (float)iad_sin(turns * 6.283185307179586);
    pose->scale = scale;
}
