/* The map cache: round trip, kill and resume at every byte, damage, locking, metrics from disk. */
#include "tests/unit/iad_test.h"

#include <fcntl.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/rng.h"
#include "bench/metrics/checksum64.h"
#include "bench/metrics/mapcache.h"
#include "bench/metrics/mapcache_record.h"
#include "bench/metrics/pixelmetrics.h"

static iad_err err;
static char path[64]; /* in the current folder, with the process id */

enum { PICTURES = 5, W = 13, H = 9 };
static float maps[PICTURES][W * H];
static uint8_t masks[PICTURES][W * H];

static iad_mapcache_entry entry_of(int i) {
    static const char *const names[PICTURES] = {"good/000.png", "bad/000.png", "bad/001.png", "good/001.png",
                                                "bad/a very long name for a picture, longer than sixty-four bytes in all/002.png"};
    iad_mapcache_entry e = {.name = names[i], .map = maps[i], .mask = i % 3 ? masks[i] : NULL, .width = W - i, .height = H,
                            .label = i % 3 != 0, .source_regions = i, .image_score = i == 3 ? NAN : i * 0.1};
    memset(e.picture_hash, i, sizeof e.picture_hash);
    return e;
}

static int setup(void **state) {
    (void)state;
    iad_rng rng;
    iad_rng_init(&rng, 71, 0);
    for (int i = 0; i < PICTURES; i++)
        for (int j = 0; j < W * H; j++) {
            maps[i][j] = (float)iad_rng_normal(&rng);
            masks[i][j] = iad_rng_below(&rng, 5) == 0 ? 77 : 0;
        }
    unlink(path);
    return 0;
}

static void append(int from, int to) {
    iad_mapcache_writer *w;
    assert_ok(iad_mapcache_append_open(path, "tag", &w, &err));
    for (int i = from; i < to; i++) {
        iad_mapcache_entry e = entry_of(i);
        assert_ok(iad_mapcache_append(w, &e, &err));
    }
    assert_ok(iad_mapcache_append_close(w, &err));
}

static void read_all(uint8_t **data, size_t *n) { assert_ok(iad_file_read(path, 1 << 20, data, n, &err)); }

static void write_all(const uint8_t *data, size_t n) {
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(n, fwrite(data, 1, n, f));
    fclose(f);
}

static void round_trip(void **state) {
    (void)state;
    append(0, PICTURES);
    iad_mapcache *c;
    assert_ok(iad_mapcache_open(path, 1, &c, &err));
    assert_int_equal(PICTURES, iad_mapcache_count(c));
    assert_string_equal("tag", iad_mapcache_tag(c));
    assert_int_equal(0, iad_mapcache_torn(c));
    iad_map_source source = iad_mapcache_source(c);
    for (int i = 0; i < PICTURES; i++) {
        iad_mapcache_entry want = entry_of(i), got;
        int has_mask;
        assert_ok(iad_mapcache_entry_at(c, (size_t)i, &got, &has_mask, &err));
        assert_string_equal(want.name, got.name);
        assert_int_equal(want.mask != NULL, has_mask);
        assert_int_equal(want.label, got.label);
        assert_int_equal(want.source_regions, got.source_regions);
        if (i == 3) assert_true(isnan(got.image_score));
        else assert_close(got.image_score, want.image_score, 0);
        assert_memory_equal(want.picture_hash, got.picture_hash, 32);
        size_t n = (size_t)want.width * (size_t)want.height;
        assert_memory_equal(want.map, got.map, n * sizeof(float));
        assert_int_equal(0, (uintptr_t)got.map % 64);
        assert_int_equal(i, iad_mapcache_find(c, want.name));
        iad_map_view view = {0};
        assert_ok(source.get(source.ctx, (size_t)i, &view, &err));
        for (size_t j = 0; want.mask && j < n; j++) assert_int_equal(want.mask[j] != 0, view.mask[j]);
        if (!want.mask) assert_null(view.mask);
        source.release(source.ctx, &view);
    }
    assert_int_equal(-1, iad_mapcache_find(c, "nobody"));
    /* Metrics from disk and from memory agree. */
    iad_map_view views[PICTURES];
    for (int i = 0; i < PICTURES; i++) {
        iad_mapcache_entry e = entry_of(i);
        views[i] = (iad_map_view){.map = e.map, .mask = e.mask, .width = e.width, .height = e.height, .label = e.label, .source_regions = -1};
    }
    iad_map_source memory = iad_map_source_array(views, PICTURES);
    iad_pixel_metrics a, b;
    iad_pixel_options o = {.n_threads = 3};
    assert_ok(iad_pixel_metrics_compute(&source, &o, &a, &err));
    assert_ok(iad_pixel_metrics_compute(&memory, NULL, &b, &err));
    assert_memory_equal(&a.auroc, &b.auroc, sizeof(double));
    assert_memory_equal(&a.aupro[0], &b.aupro[0], sizeof(double));
    iad_mapcache_close(c);
}

/* Killed after any number of bytes and resumed, the file ends up the same. */
static void killed_anywhere_resumes_to_the_same_bytes(void **state) {
    (void)state;
    append(0, 3);
    uint8_t *whole, *now;
    size_t n, m;
    read_all(&whole, &n);
    iad_mapcache_head head;
    assert_int_equal(IAD_MAPCACHE_WHOLE, iad_mapcache_look(whole, n, IAD_MAPCACHE_HEADER, &head));
    size_t first_end = IAD_MAPCACHE_HEADER + (size_t)head.bytes;
    for (size_t cut = 0; cut <= n; cut++) {
        write_all(whole, cut);
        if (cut >= IAD_MAPCACHE_HEADER) {
            iad_mapcache *c;
            assert_ok(iad_mapcache_open(path, 1, &c, &err)); /* a reader sees whole records only */
            assert_true(iad_mapcache_count(c) == (cut == n ? 3u : cut >= first_end ? iad_mapcache_count(c) : 0u));
            iad_mapcache_close(c);
        }
        iad_mapcache_writer *w;
        assert_ok(iad_mapcache_append_open(path, "tag", &w, &err));
        size_t kept = iad_mapcache_records(w);
        assert_true(kept == 3 || cut < n);
        if (cut > first_end) assert_true(kept >= 1);
        for (int i = 0; i < 3; i++) {
            iad_mapcache_entry e = entry_of(i);
            assert_int_equal((size_t)i < kept, iad_mapcache_has(w, e.name));
            assert_ok(iad_mapcache_append(w, &e, &err));
        }
        assert_ok(iad_mapcache_append_close(w, &err));
        read_all(&now, &m);
        assert_int_equal(n, m);
        assert_memory_equal(whole, now, n);
        free(now);
    }
    /* After a power cut the tail may be zeros instead. */
    for (size_t cut = IAD_MAPCACHE_HEADER; cut < n; cut += 37) {
        uint8_t *half = iad_calloc(n, 1);
        memcpy(half, whole, cut);
        write_all(half, n);
        free(half);
        append(0, 3);
        read_all(&now, &m);
        assert_int_equal(n, m);
        assert_memory_equal(whole, now, n);
        free(now);
    }
    free(whole);
}

static void damage_in_the_middle_is_refused_and_kept(void **state) {
    (void)state;
    append(0, PICTURES);
    uint8_t *whole, *now;
    size_t n, m;
    read_all(&whole, &n);
    iad_mapcache_head head;
    (void)iad_mapcache_look(whole, n, IAD_MAPCACHE_HEADER, &head);
    size_t second = IAD_MAPCACHE_HEADER + (size_t)head.bytes;
    for (size_t at = 0; at < second + 300; at += 3) {
        whole[at] ^= 0x10;
        write_all(whole, n);
        iad_mapcache *c = NULL;
        iad_mapcache_writer *w = NULL;
        assert_fails(IAD_ERR_FORMAT, iad_mapcache_open(path, 1, &c, &err) == IAD_ERR_UNSUPPORTED ? IAD_ERR_FORMAT : err.code);
        assert_null(c);
        /* A flipped payload bit is not seen by a writer, which reads headers; it must not shorten the file either. */
        if (iad_mapcache_append_open(path, "tag", &w, &err) == IAD_OK) {
            assert_int_equal(PICTURES, iad_mapcache_records(w));
            assert_ok(iad_mapcache_append_close(w, &err));
        }
        read_all(&now, &m);
        assert_int_equal(n, m);
        assert_memory_equal(whole, now, n);
        free(now);
        whole[at] ^= 0x10;
    }
    free(whole);
}

static void same_name_twice(void **state) {
    (void)state;
    append(0, 2);
    iad_mapcache_writer *w;
    assert_ok(iad_mapcache_append_open(path, "tag", &w, &err));
    iad_mapcache_entry e = entry_of(1);
    assert_ok(iad_mapcache_append(w, &e, &err));
    assert_int_equal(2, iad_mapcache_records(w));
    maps[1][5] += 1;
    assert_fails(IAD_ERR_EXISTS, iad_mapcache_append(w, &e, &err));
    maps[1][5] -= 1;
    e.label = -1;
    assert_fails(IAD_ERR_EXISTS, iad_mapcache_append(w, &e, &err));
    assert_non_null(strstr(err.msg, "bad/000.png"));
    assert_ok(iad_mapcache_append_close(w, &err));
}

static void wrong_use_is_refused(void **state) {
    (void)state;
    append(0, 1);
    iad_mapcache_writer *w, *other = NULL;
    assert_fails(IAD_ERR_EXISTS, iad_mapcache_append_open(path, "another tag", &w, &err));
    assert_non_null(strstr(err.msg, "another tag"));
    assert_ok(iad_mapcache_append_open(path, "tag", &w, &err));
    assert_fails(IAD_ERR_EXISTS, iad_mapcache_append_open(path, "tag", &other, &err)); /* locked */
    iad_mapcache_entry e = entry_of(1);
    float keep = maps[1][W];
    maps[1][W] = NAN;
    assert_fails(IAD_ERR_FORMAT, iad_mapcache_append(w, &e, &err));
    assert_non_null(strstr(err.msg, "x=1 y=1"));
    maps[1][W] = keep;
    e.name = "";
    assert_fails(IAD_ERR_ARG, iad_mapcache_append(w, &e, &err));
    e.name = "x";
    e.width = 0;
    assert_fails(IAD_ERR_LIMIT, iad_mapcache_append(w, &e, &err));
    assert_int_equal(1, iad_mapcache_records(w));
    assert_ok(iad_mapcache_append_close(w, &err));
    assert_ok(iad_mapcache_append_close(NULL, &err));

    iad_mapcache *c;
    write_all((const uint8_t *)"some text file", 14);
    assert_fails(IAD_ERR_FORMAT, iad_mapcache_append_open(path, "tag", &w, &err));
    assert_fails(IAD_ERR_FORMAT, iad_mapcache_open(path, 0, &c, &err));
    uint8_t *now;
    size_t n;
    read_all(&now, &n);
    assert_int_equal(14, n); /* a foreign file is left alone */
    free(now);
    assert_fails(IAD_ERR_IO, iad_mapcache_append_open("no/such/folder/x", "tag", &w, &err));
}

static void bits(void **state) {
    (void)state;
    iad_rng rng;
    iad_rng_init(&rng, 72, 0);
    for (size_t n = 0; n < 70; n++) {
        uint8_t mask[72], packed[16] = {0}, back[72];
        for (size_t i = 0; i < n; i++) mask[i] = iad_rng_below(&rng, 2) ? (uint8_t)(1 + iad_rng_below(&rng, 255)) : 0;
        iad_mapcache_pack(mask, n, packed);
        iad_mapcache_unpack(packed, n, back);
        for (size_t i = 0; i < n; i++) assert_int_equal(mask[i] != 0, back[i]);
    }
}

/* The format is fixed: these values must never change. */
static void checksum_is_stable(void **state) {
    (void)state;
    uint8_t text[100];
    for (int i = 0; i < 100; i++) text[i] = (uint8_t)(i * 7);
    uint64_t all = iad_checksum64(text, 100);
    assert_true(iad_checksum64("", 0) == 0xf58a11aab8fafc6eu);
    assert_true(all == 0xcdb2802736cc19b9u);
    for (int i = 0; i < 800; i++) {
        text[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_true(iad_checksum64(text, 100) != all);
        text[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    assert_true(iad_checksum64(text, 99) != all);
    uint8_t zeros[64] = {0};
    assert_true(iad_checksum64(zeros, 63) != iad_checksum64(zeros, 64));
}

int main(void) {
    snprintf(path, sizeof path, "test_map_cache.%ld.tmp", (long)getpid());
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(round_trip, setup),
        cmocka_unit_test_setup(killed_anywhere_resumes_to_the_same_bytes, setup),
        cmocka_unit_test_setup(damage_in_the_middle_is_refused_and_kept, setup),
        cmocka_unit_test_setup(same_name_twice, setup),
        cmocka_unit_test_setup(wrong_use_is_refused, setup),
        cmocka_unit_test(bits),
        cmocka_unit_test(checksum_is_stable),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return failed;
}
