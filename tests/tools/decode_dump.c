/* Decodes every file named on standard input (one path a line) and prints one line for each:
 * path TAB width TAB height TAB channels TAB sha256 of the pixels, or path TAB "error" TAB message. */
#include <stdio.h>
#include <string.h>

#include "base/image/decode.h"
#include "base/sha256.h"

int main(void) {
    char path[4096], hex[IAD_SHA256_HEX];
    while (fgets(path, sizeof path, stdin)) {
        path[strcspn(path, "\n")] = 0;
        iad_err err = IAD_ERR_NONE;
        iad_image image;
        iad_image_info info;
        if (iad_image_load(path, NULL, &image, &info, &err) != IAD_OK) {
            printf("%s\terror\t%s\n", path, err.msg);
            continue;
        }
        uint8_t digest[IAD_SHA256_BYTES];
        size_t bytes = (size_t)image.width * (size_t)image.height * (size_t)image.channels;
        if (iad_sha256_bytes(image.px, bytes, digest, &err) != IAD_OK) return 1;
        iad_hex(digest, sizeof digest, hex);
        printf("%s\t%d\t%d\t%d\t%s\n", path, image.width, image.height, image.channels, hex);
        iad_image_deinit(&image);
    }
    return 0;
}
