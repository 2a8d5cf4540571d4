/* Who made a picture, as its EXIF block says: provenance, for the manifest. Places and serial numbers are not read at all. */
#ifndef IAD_CRAWL_EXIFTEXT_H
#define IAD_CRAWL_EXIFTEXT_H

#include <stddef.h>
#include <stdint.h>

#define IAD_EXIF_TEXT 120 /* bytes of one text with its NUL; longer ones are cut */

typedef struct iad_exif_text {
    char maker[IAD_EXIF_TEXT], model[IAD_EXIF_TEXT], software[IAD_EXIF_TEXT], artist[IAD_EXIF_TEXT], copyright[IAD_EXIF_TEXT]; /* "" unknown; UTF-8 */
} iad_exif_text;

/* Finds the block in JPEG (APP1), PNG (eXIf) or WebP (EXIF) and reads tags 0x010f, 0x0110, 0x0131, 0x013b, 0x8298 of its first directory
 * (CIPA DC-008). Anything broken reads as unknown. */
void iad_exif_text_read(const void *file, size_t n, iad_exif_text *text);

#endif
