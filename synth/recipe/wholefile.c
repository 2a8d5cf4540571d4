#include "synth/recipe/wholefile.h"

#include <string.h>

#include "base/file.h"
#include "base/image/decode.h"

static int ends_with(const iad_map *map, const void *end, size_t n) {
    return map->n >= n && memcmp((const uint8_t *)map->data + map->n - n, end, n) == 0;
}

int iad_picture_file_whole(const char *path, int *width, int *height) {
    static const uint8_t jpeg[] = {0xff, 0xd9}, png[] = {'I', 'E', 'N', 'D', 0xae, 0x42, 0x60, 0x82};
    iad_err why = IAD_ERR_NONE;
    iad_map map;
    iad_image_info info;
    if (!iad_file_exists(path) || iad_map_open(&map, path, &why) != IAD_OK) return 0;
    int whole = iad_image_probe(map.data, map.n, path, &info, &why) == IAD_OK &&
                (ends_with(&map, jpeg, sizeof jpeg) || ends_with(&map, png, sizeof png));
    iad_map_close(&map);
    if (whole && width) *width = info.width;
    if (whole && height) *height = info.height;
    return whole;
}
