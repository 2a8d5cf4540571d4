#include "crawl/judge/sniff.h"

#include <string.h>
#include <strings.h>

#include "base/image/decode.h"

static int begins(const char *p, size_t n, const char *magic, size_t n_magic) {
    return n >= n_magic && !memcmp(p, magic, n_magic);
}

/* ISO base media: the brand says which picture it is. */
static const char *media_brand(const char *p, size_t n) {
    static const struct {
        const char *brand, *name;
    } brands[] = {{"avif", "avif"}, {"avis", "avif"}, {"heic", "heic"}, {"heix", "heic"},
                  {"heim", "heic"}, {"hevc", "heic"}, {"mif1", "heic"}, {"msf1", "heic"}};
    if (n < 12 || memcmp(p + 4, "ftyp", 4) != 0) return NULL;
    for (size_t i = 0; i < sizeof brands / sizeof *brands; i++)
        if (!memcmp(p + 8, brands[i].brand, 4)) return brands[i].name;
    return NULL;
}

/* Text in angle brackets: an SVG picture, or a page. */
static iad_body_kind markup(const char *p, size_t n, const char **name) {
    size_t look = n < 1024 ? n : 1024;
    for (size_t i = 0; i + 4 <= look; i++)
        if (!strncasecmp(p + i, "<svg", 4)) {
            *name = "svg";
            return IAD_BODY_UNSUPPORTED;
        }
    *name = "html";
    return IAD_BODY_PAGE;
}

iad_body_kind iad_body_sniff(const void *bytes, size_t n, const char **name) {
    static const struct {
        const char *magic;
        size_t n;
        const char *name;
    } others[] = {{"GIF87a", 6, "gif"},  {"GIF89a", 6, "gif"},          {"II*\0", 4, "tiff"},           {"MM\0*", 4, "tiff"},
                  {"8BPS", 4, "psd"},    {"\xff\x0a", 2, "jxl"},        {"\0\0\0\x0cJXL ", 8, "jxl"},   {"\0\0\0\x0cjP  ", 8, "jp2"},
                  {"\0\0\1\0", 4, "ico"}, {"%PDF", 4, "pdf"}};
    const char *p = bytes;
    *name = "unknown";
    if (!n) return IAD_BODY_EMPTY;
    iad_image_format format = iad_image_sniff(bytes, n);
    if (format != IAD_IMAGE_UNKNOWN) {
        *name = iad_image_format_name(format);
        return IAD_BODY_PICTURE;
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (begins(p, n, others[i].magic, others[i].n)) {
            *name = others[i].name;
            return IAD_BODY_UNSUPPORTED;
        }
    const char *brand = media_brand(p, n);
    if (brand) {
        *name = brand;
        return IAD_BODY_UNSUPPORTED;
    }
    size_t lead = begins(p, n, "\xef\xbb\xbf", 3) ? 3 : 0;
    while (lead < n && (p[lead] == ' ' || p[lead] == '\t' || p[lead] == '\r' || p[lead] == '\n')) lead++;
    if (lead < n && p[lead] == '<') return markup(p + lead, n - lead, name);
    return IAD_BODY_OTHER;
}
