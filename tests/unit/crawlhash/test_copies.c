/* Near copies of rendered pictures: what share of generated variants is found, and what is found that is none. With a number on the command line: so
 * many products of each family instead of a few. */
#include "tests/unit/iad_test.h"

#include "base/alloc.h"
#include "base/image/decode.h"
#include "base/image/draw.h"
#include "base/image/encode.h"
#include "base/image/resize.h"
#include "base/rng.h"
#include "crawl/hash/copyfind.h"
#include "crawl/hash/gridmatch.h"
#include "synth/render/render.h"

enum { SIDE = 320, HALF = 0, LARGER, JPEG, CUT, MIRROR, WATERMARK, MIX, VARIANTS };
static const char *const names[VARIANTS] = {"half the size", "1.5 times the size",           "JPEG quality 30", "cut by 5 %", "mirrored",
                                            "watermark",     "mirrored, smaller, quality 50"};

static iad_image render(uint64_t design, uint64_t seed, const iad_render_family *family) {
    iad_err err = IAD_ERR_NONE;
    const iad_render_job job = {
        .family = family, .kind = -1, .design = iad_rng_subseed(3, "product", design), .seed = iad_rng_subseed(4, "picture", seed), .side = SIDE};
    iad_image image;
    assert_ok(iad_render_picture(&job, &image, NULL, &err));
    return image;
}

static iad_image cut(const iad_image *src, int x0, int y0, int width, int height) {
    iad_err err = IAD_ERR_NONE;
    iad_image out;
    assert_ok(iad_image_init(&out, width, height, 3, &err));
    for (int y = 0; y < height; y++) memcpy(iad_image_at(&out, 0, y), iad_image_at(src, x0, y0 + y), 3 * (size_t)width);
    return out;
}

static iad_image mirrored(const iad_image *src) {
    iad_image out = cut(src, 0, 0, src->width, src->height);
    for (int y = 0; y < src->height; y++)
        for (int x = 0; x < src->width; x++) memcpy(iad_image_at(&out, x, y), iad_image_at(src, src->width - 1 - x, y), 3);
    return out;
}

static iad_image recompressed(const iad_image *src, int quality) {
    iad_err err = IAD_ERR_NONE;
    const iad_jpeg_options options = {quality, 1};
    iad_image out;
    iad_buf file;
    iad_buf_init(&file, 1 << 24);
    assert_ok(iad_encode_jpeg(src, &options, &file, &err));
    assert_ok(iad_image_decode(file.data, file.len, "variant", NULL, &out, NULL, &err));
    iad_buf_deinit(&file);
    return out;
}

static iad_image resized(const iad_image *src, int side, iad_filter filter) {
    iad_err err = IAD_ERR_NONE;
    iad_image out;
    assert_ok(iad_resize(src, side, side, filter, &out, &err));
    return out;
}

/* A line of large letters, half transparent, over three quarters of the width. */
static iad_image watermarked(const iad_image *src, iad_rng *rng) {
    iad_image out = cut(src, 0, 0, src->width, src->height), text = cut(src, 0, 0, src->width, src->height);
    const int scale = src->width / 120, x = iad_rng_int(rng, 0, src->width / 4), y = iad_rng_int(rng, 0, src->height - 20 * scale);
    const uint8_t ink = iad_rng_chance(rng, 0.5) ? 255 : 20;
    iad_draw_text(&text, x, y, "(C) SHOP.EXAMPLE", (iad_rgb){ink, ink, ink}, scale);
    for (size_t i = 0; i < (size_t)src->width * (size_t)src->height * 3; i++) out.px[i] = (uint8_t)((out.px[i] + text.px[i]) / 2);
    iad_image_deinit(&text);
    return out;
}

static iad_image variant(const iad_image *src, int kind, iad_rng *rng) {
    const int gone = SIDE / 20;
    iad_image a, b, c;
    switch (kind) {
        case HALF: return resized(src, SIDE / 2, IAD_FILTER_BICUBIC);
        case LARGER: return resized(src, SIDE * 3 / 2, IAD_FILTER_BILINEAR);
        case JPEG: return recompressed(src, 30);
        case MIRROR: return mirrored(src);
        case WATERMARK: return watermarked(src, rng);
        case CUT: {
            const int x = iad_rng_int(rng, 0, gone), y = iad_rng_int(rng, 0, gone);
            return cut(src, x, y, SIDE - gone, SIDE - gone);
        }
        default:
            a = mirrored(src);
            b = resized(&a, SIDE * 3 / 4, IAD_FILTER_BICUBIC);
            c = recompressed(&b, 50);
            iad_image_deinit(&a);
            iad_image_deinit(&b);
            return c;
    }
}

typedef struct score {
    int asked, right, wrong, alike;
} score;

static void ask(iad_copies *copies, const iad_image *image, int64_t want, score *s) {
    iad_err err = IAD_ERR_NONE;
    static iad_signature signature;
    iad_copy_hit hit;
    assert_ok(iad_signature_make(image, &signature, &err));
    assert_ok(iad_copies_find(copies, &signature, &hit, &err));
    s->asked++;
    s->right += hit.kind == IAD_COPY_SAME && hit.id == want;
    s->wrong += hit.kind == IAD_COPY_SAME && hit.id != want;
    s->alike += hit.kind == IAD_COPY_ALIKE;
}

static int products = 4; /* of each family: half of them known, half new */

/* Every second product is known; variants of its picture must be found, the pictures of the other products not. */
static void variants_are_found_and_others_not(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    size_t n_families;
    const iad_render_family *const *families = iad_render_families(&n_families);
    iad_copies *copies;
    score by[VARIANTS] = {{0}}, others = {0}, poses = {0}, all = {0};
    static iad_signature signature;
    assert_ok(iad_copies_new(&copies, &err));
    for (int known = 1; known >= 0; known--)
        for (size_t f = 0; f < n_families; f++)
            for (int p = 0; p < products; p++) {
                const uint64_t number = f * 1000 + (uint64_t)p;
                if ((p % 2 == 0) != known) continue;
                iad_image image = render(number, number, families[f]);
                if (known) {
                    assert_ok(iad_signature_make(&image, &signature, &err));
                    assert_ok(iad_copies_add(copies, (int64_t)number, &signature, &err));
                } else ask(copies, &image, -1, &others);
                iad_image_deinit(&image);
            }
    for (size_t f = 0; f < n_families; f++)
        for (int p = 0; p < products; p += 2) {
            const uint64_t number = f * 1000 + (uint64_t)p;
            iad_image image = render(number, number, families[f]), pose = render(number, number + 500, families[f]);
            ask(copies, &pose, -1, &poses);
            iad_image_deinit(&pose);
            for (int kind = 0; kind < VARIANTS; kind++) {
                iad_rng rng;
                iad_rng_init(&rng, 5, number * VARIANTS + (uint64_t)kind);
                iad_image changed = variant(&image, kind, &rng);
                ask(copies, &changed, (int64_t)number, &by[kind]);
                iad_image_deinit(&changed);
            }
            iad_image_deinit(&image);
        }
    iad_copies_free(copies);
    for (int kind = 0; kind < VARIANTS; kind++) {
        printf("%-32s found %d of %d, another instead %d\n", names[kind], by[kind].right, by[kind].asked, by[kind].wrong);
        all.asked += by[kind].asked, all.right += by[kind].right, all.wrong += by[kind].wrong;
    }
    all.wrong += others.wrong;
    printf("%-32s called copies %d of %d, alike %d\n", "other products", others.wrong, others.asked, others.alike);
    printf("%-32s called copies %d of %d, alike %d (not counted)\n", "the same product once more", poses.wrong, poses.asked, poses.alike);
    const double recall = (double)all.right / all.asked, precision = (double)all.right / (all.right + all.wrong);
    printf("recall %.4f, precision %.4f\n", recall, precision);
    assert_true(recall >= 0.98);
    assert_true(precision >= 0.999);
}

static void every_turn_is_found(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    size_t n_families;
    const iad_render_family *const *families = iad_render_families(&n_families);
    iad_image image = render(1, 1, families[0]);
    static iad_signature signature, turned;
    iad_copies *copies;
    iad_copy_hit hit;
    assert_ok(iad_signature_make(&image, &signature, &err));
    assert_ok(iad_copies_new(&copies, &err));
    assert_ok(iad_copies_find(copies, &signature, &hit, &err));
    assert_int_equal(hit.kind, IAD_COPY_NONE);
    assert_ok(iad_copies_add(copies, 77, &signature, &err));
    static const int back[IAD_PDQ_TURNS] = {0, 3, 2, 1, 4, 5, 6, 7}; /* the turn that undoes each */
    for (int t = 0; t < IAD_PDQ_TURNS; t++) {
        iad_image now = t >= 4 ? mirrored(&image) : cut(&image, 0, 0, SIDE, SIDE);
        for (int k = 0; k < t % 4; k++) {
            iad_image next = cut(&now, 0, 0, SIDE, SIDE);
            for (int y = 0; y < SIDE; y++)
                for (int x = 0; x < SIDE; x++) memcpy(iad_image_at(&next, x, y), iad_image_at(&now, y, SIDE - 1 - x), 3);
            iad_image_deinit(&now);
            now = next;
        }
        assert_ok(iad_signature_make(&now, &turned, &err));
        for (int k = 0; k < IAD_PDQ_TURNS; k++) { /* the same eight hashes in another order */
            int same = 0;
            for (int j = 0; j < IAD_PDQ_TURNS; j++) same += iad_pdq_distance(&turned.pdq[k], &signature.pdq[j]) == 0;
            assert_true(same >= 1);
        }
        assert_ok(iad_copies_find(copies, &turned, &hit, &err));
        assert_int_equal(hit.kind, IAD_COPY_SAME);
        assert_int_equal(hit.id, 77);
        assert_int_equal(hit.turn, back[t]);
        assert_int_equal(hit.pdq, 0);
        assert_true(hit.likeness >= 990);
        iad_image_deinit(&now);
    }
    iad_copies_free(copies);
    iad_image_deinit(&image);
}

static void signatures_pack(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    size_t n_families;
    iad_image image = render(2, 2, iad_render_families(&n_families)[3]);
    static iad_signature signature, back;
    static uint8_t bytes[IAD_SIGNATURE_BYTES];
    assert_ok(iad_signature_make(&image, &signature, &err));
    iad_signature_pack(&signature, bytes);
    assert_ok(iad_signature_unpack(bytes, sizeof bytes, &back, &err));
    assert_memory_equal(signature.dct, back.dct, sizeof back.dct);
    assert_memory_equal(signature.pdq, back.pdq, sizeof back.pdq);
    assert_memory_equal(signature.grey, back.grey, sizeof back.grey);
    assert_int_equal(signature.quality, back.quality);
    assert_fails(IAD_ERR_FORMAT, iad_signature_unpack(bytes, sizeof bytes - 1, &back, &err));
    bytes[1] = 101;
    assert_fails(IAD_ERR_FORMAT, iad_signature_unpack(bytes, sizeof bytes, &back, &err));
    bytes[0] = 99;
    assert_fails(IAD_ERR_FORMAT, iad_signature_unpack(bytes, sizeof bytes, &back, &err));
    iad_image_deinit(&image);
}

/* Pictures of one colour, of any, are no copies of each other: there is nothing to tell by. */
static void flat_pictures_say_nothing(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_copies *copies;
    iad_copy_hit hit;
    static iad_signature signature;
    assert_ok(iad_copies_new(&copies, &err));
    for (int shade = 0; shade < 3; shade++) {
        iad_image image;
        assert_ok(iad_image_init(&image, 300, 200, 3, &err));
        memset(image.px, 250 - shade, 300 * 200 * 3);
        assert_ok(iad_signature_make(&image, &signature, &err));
        assert_int_equal(signature.quality, 0);
        assert_ok(iad_copies_find(copies, &signature, &hit, &err));
        assert_int_equal(hit.kind, IAD_COPY_NONE);
        assert_ok(iad_copies_add(copies, shade, &signature, &err));
        iad_image_deinit(&image);
    }
    assert_int_equal(iad_copies_count(copies), 3);
    iad_copies_free(copies);
}

/* The variants for wide registers give what the plain code gives, for pictures that are alike and for others. */
static void fast_matches_equal_plain_ones(void **state) {
    (void)state;
    enum { FINE = IAD_MATCH_FINE, CELLS = IAD_MATCH_CELLS };
    static uint8_t grey[FINE][FINE], kept[CELLS][CELLS];
    iad_rng rng;
    iad_rng_init(&rng, 7, 0);
    for (int n = 0; n < (IAD_SANITIZED ? 12 : 40); n++) {
        const int wide = 1 + (int)iad_rng_below(&rng, 20), high = 1 + (int)iad_rng_below(&rng, 20), noise = n % 4 ? 1 + n % 9 : 255;
        for (int y = 0; y < FINE; y++)
            for (int x = 0; x < FINE; x++) grey[y][x] = (uint8_t)((x / wide * 37 + y / high * 91) % 200);
        for (int y = 0; y < CELLS; y++)
            for (int x = 0; x < CELLS; x++)
                kept[y][x] = (uint8_t)(grey[2 * y][2 * x] / 2 + grey[2 * y + 1][2 * x + 1] / 2 + (int)iad_rng_below(&rng, (uint32_t)noise) / 2);
        iad_grey_sums sums;
        iad_grey_sums_make((const uint8_t(*)[FINE])grey, &sums);
        for (int quick = 0; quick < 2; quick++)
            assert_int_equal(iad_grid_match(&sums, (const uint8_t(*)[CELLS])kept, quick),
                             iad_grid_match_plain(&sums, (const uint8_t(*)[CELLS])kept, quick));
    }
}

int main(int argc, char **argv) {
    if (argc > 1) products = (int)strtol(argv[1], NULL, 10);
    const struct CMUnitTest tests[] = {cmocka_unit_test(variants_are_found_and_others_not), cmocka_unit_test(every_turn_is_found),
                                       cmocka_unit_test(signatures_pack), cmocka_unit_test(flat_pictures_say_nothing),
                                       cmocka_unit_test(fast_matches_equal_plain_ones)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
