/* Whole data sets on disk: same bytes whatever the threads, after any interruption, and never over foreign files. */
#include "tests/unit/render/render_helpers.h"

#include <ftw.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/file.h"
#include "base/image/decode.h"
#include "synth/render/renderset.h"

#define MAX_FILES 1000

static const iad_render_family *two[2];

static iad_render_set set_of(const char *out) {
    two[0] = iad_render_family_find("tile");
    two[1] = iad_render_family_find("washer");
    return (iad_render_set){.out = out,
                            .families = two,
                            .n_families = 2,
                            .side = 64,
                            .train = 2,
                            .good = 1,
                            .bad = 7,
                            .seed = 5,
                            .threads = 1};
}

static void fresh_folder(char *path, size_t size, const char *name) {
    snprintf(path, size, "renderset-%d-%s", (int)getpid(), name);
    assert_false(iad_file_exists(path));
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where) {
    (void)info;
    (void)kind;
    (void)where;
    return remove(path);
}

static void remove_tree(const char *path) {
    assert_int_equal(0, nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS));
}

/* SHA-256 over all names and bytes below a folder. */
static void tree_digest(const char *root, char hex[IAD_SHA256_HEX]) {
    iad_err err = IAD_ERR_NONE;
    iad_strings files = {0};
    iad_sha256 sha;
    uint8_t digest[IAD_SHA256_BYTES];
    assert_ok(iad_dir_walk(root, MAX_FILES, &files, &err));
    assert_ok(iad_sha256_init(&sha, &err));
    for (size_t i = 0; i < files.n; i++) {
        char path[IAD_PATH_MAX];
        uint8_t *data;
        size_t n;
        assert_ok(iad_path_join(path, sizeof path, root, files.items[i], &err));
        assert_ok(iad_file_read(path, 1u << 26, &data, &n, &err));
        assert_ok(iad_sha256_add(&sha, files.items[i], strlen(files.items[i]) + 1, &err));
        assert_ok(iad_sha256_add(&sha, data, n, &err));
        free(data);
    }
    assert_ok(iad_sha256_final(&sha, digest, &err));
    iad_hex(digest, sizeof digest, hex);
    iad_strings_deinit(&files);
}

static void test_threads_and_resume(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    char one[100], eight[100], a[IAD_SHA256_HEX], b[IAD_SHA256_HEX];
    fresh_folder(one, sizeof one, "one");
    fresh_folder(eight, sizeof eight, "eight");
    iad_render_set set = set_of(one);
    iad_render_counts counts;
    assert_ok(iad_render_set_run(&set, &counts, &err));
    assert_int_equal(20, counts.pictures);
    assert_int_equal(20, counts.written);
    assert_int_equal(0, counts.present + counts.failed);
    tree_digest(one, a);
    set.out = eight;
    set.threads = 8;
    assert_ok(iad_render_set_run(&set, &counts, &err));
    tree_digest(eight, b);
    assert_string_equal(a, b);
    /* lost files come back as they were: a picture, a mask, and both of one */
    static const char *const lost[] = {"tile/train/good/001.png", "washer/ground_truth/crack/000_mask.png",
                                       "tile/test/crack/001.png", "tile/ground_truth/crack/001_mask.png"};
    for (size_t i = 0; i < 4; i++) {
        char path[IAD_PATH_MAX];
        assert_ok(iad_path_join(path, sizeof path, eight, lost[i], &err));
        assert_int_equal(0, unlink(path));
    }
    assert_ok(iad_render_set_run(&set, &counts, &err));
    assert_int_equal(3, counts.written);
    assert_int_equal(17, counts.present);
    tree_digest(eight, b);
    assert_string_equal(a, b);
    /* a smaller set grown to the same size, family by family */
    remove_tree(eight);
    set.bad = 3;
    set.train = 0;
    set.n_families = 1;
    assert_ok(iad_render_set_run(&set, &counts, &err));
    set = set_of(eight);
    set.families = two + 1;
    set.n_families = 1;
    assert_ok(iad_render_set_run(&set, &counts, &err));
    set = set_of(eight);
    assert_ok(iad_render_set_run(&set, &counts, &err));
    assert_int_equal(6, counts.written);
    tree_digest(eight, b);
    assert_string_equal(a, b);
    remove_tree(one);
    remove_tree(eight);
}

static atomic_int stop_now;
static int seen;
static void stop_after_three(void *user, int written, int failed) {
    (void)user;
    (void)failed;
    seen += written;
    if (seen == 3) atomic_store(&stop_now, 1);
}

static void test_interrupt(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    char whole[100], torn[100], a[IAD_SHA256_HEX], b[IAD_SHA256_HEX];
    fresh_folder(whole, sizeof whole, "whole");
    fresh_folder(torn, sizeof torn, "torn");
    iad_render_set set = set_of(whole);
    iad_render_counts counts;
    assert_ok(iad_render_set_run(&set, &counts, &err));
    tree_digest(whole, a);
    set.out = torn;
    set.stop = &stop_now;
    set.progress = stop_after_three;
    assert_fails(IAD_ERR_INTERRUPTED, iad_render_set_run(&set, &counts, &err));
    assert_int_equal(3, counts.written);
    set.stop = NULL;
    set.progress = NULL;
    assert_ok(iad_render_set_run(&set, &counts, &err));
    assert_int_equal(3, counts.present);
    tree_digest(torn, b);
    assert_string_equal(a, b);
    remove_tree(whole);
    remove_tree(torn);
}

static void test_foreign_folders(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    char out[100], path[IAD_PATH_MAX];
    fresh_folder(out, sizeof out, "foreign");
    iad_render_set set = set_of(out);
    iad_render_counts counts;
    set.train = 1;
    set.good = set.bad = 0;
    assert_ok(iad_path_join(path, sizeof path, out, "note.txt", &err));
    assert_ok(iad_file_write(path, "x", 1, &err));
    assert_fails(IAD_ERR_EXISTS, iad_render_set_run(&set, &counts, &err));
    assert_non_null(strstr(err.msg, out));
    assert_int_equal(0, unlink(path));
    assert_ok(iad_render_set_run(&set, &counts, &err));
    set.seed++;
    assert_fails(IAD_ERR_EXISTS, iad_render_set_run(&set, &counts, &err));
    set.seed--;
    set.side++;
    assert_fails(IAD_ERR_EXISTS, iad_render_set_run(&set, &counts, &err));
    set.side--;
    assert_ok(iad_path_join(path, sizeof path, out, "render.json", &err));
    assert_ok(iad_file_write(path, "{\"renderer\": \"new\"}", 19, &err));
    assert_fails(IAD_ERR_FORMAT, iad_render_set_run(&set, &counts, &err));
    assert_ok(iad_file_write(path, "{", 1, &err));
    assert_fails(IAD_ERR_FORMAT, iad_render_set_run(&set, &counts, &err));
    remove_tree(out);
    set.out = "/dev/null/no";
    assert_fails(IAD_ERR_IO, iad_render_set_run(&set, &counts, &err));
    set.bad = -1;
    assert_fails(IAD_ERR_ARG, iad_render_set_run(&set, &counts, &err));
    set.bad = 1;
    set.side = 10;
    assert_fails(IAD_ERR_ARG, iad_render_set_run(&set, &counts, &err));
}

/* The plan: paths are safe and different, kinds take turns, seeds differ, and a picture's seed does not depend on the
 * counts. */
static void test_plan(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_render_set set = set_of("x"), larger = set_of("x");
    larger.train = 9;
    size_t n = iad_render_set_size(&set), masks = 0;
    char picture[30][200], mask[200], other[200];
    iad_render_job job[30], same;
    for (size_t i = 0; i < n; i++) {
        assert_ok(iad_render_set_item(&set, i, &job[i], picture[i], mask, sizeof mask, &err));
        assert_true(iad_path_safe(picture[i]));
        assert_int_equal(job[i].kind >= 0, *mask != 0);
        masks += *mask != 0;
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(picture[i], picture[k]);
            assert_true(job[i].seed != job[k].seed);
        }
    }
    assert_int_equal(14, masks);
    assert_string_equal("tile/test/crack/000.png", picture[3]);
    assert_string_equal("tile/test/chip/000.png", picture[4]);
    assert_string_equal("tile/test/crack/001.png", picture[8]);
    assert_ok(iad_render_set_item(&larger, 10, &same, other, mask, sizeof mask, &err));
    assert_string_equal(picture[3], other);
    assert_true(same.seed == job[3].seed && same.design == job[3].design);
    assert_fails(IAD_ERR_LIMIT, iad_render_set_item(&set, 3, &same, other, mask, 12, &err));
}

/* Several products of a family: the first is the one that a single product would be; a set that is all for training. */
static void test_designs(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_render_set one = set_of("x"), set = set_of("x");
    set.designs = 3;
    size_t per = iad_render_set_size(&one) / 2;
    assert_int_equal(6 * per, iad_render_set_size(&set));
    assert_int_equal(6, iad_render_set_categories(&set));
    static const char *const names[] = {"tile", "tile_2", "tile_3", "washer", "washer_2", "washer_3"};
    for (size_t c = 0; c < 6; c++) {
        char name[IAD_RENDER_NAME], picture[2][200], mask[2][200];
        iad_render_job job[2];
        iad_render_set_category(&set, c, name);
        assert_string_equal(names[c], name);
        assert_ptr_equal(two[c / 3], iad_render_category_family(name));
        for (size_t k = 0; k < per; k++) {
            assert_ok(iad_render_set_item(&set, c * per + k, &job[0], picture[0], mask[0], sizeof mask[0], &err));
            assert_ok(iad_render_set_item(&one, c / 3 * per + k, &job[1], picture[1], mask[1], sizeof mask[1], &err));
            assert_int_equal(strncmp(picture[0], name, strlen(name)), 0);
            assert_true(job[0].design == iad_render_category_design(set.seed, name));
            assert_true(job[0].family == job[1].family && job[0].kind == job[1].kind);
            assert_int_equal(c % 3 == 0, job[0].design == job[1].design);
            assert_int_equal(c % 3 == 0, job[0].seed == job[1].seed);
            assert_int_equal(c % 3 == 0, strcmp(picture[0], picture[1]) == 0);
        }
    }
    static const char *const none[] = {"", "_", "tile_", "tile_1", "tile_x", "tile_02x", "tile_1001", "tiles", "tile_2_2", "nothing_2"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) assert_null(iad_render_category_family(none[i]));
    assert_non_null(iad_render_category_family("bottle_mouth_12"));

    set.all_train = 1;
    char picture[200], mask[200];
    iad_render_job job;
    assert_ok(iad_render_set_item(&set, 2, &job, picture, mask, sizeof mask, &err)); /* --good 1 goes on where --train 2 ends */
    assert_string_equal("tile/train/good/002.png", picture);
    assert_ok(iad_render_set_item(&set, per + 3, &job, picture, mask, sizeof mask, &err));
    assert_string_equal("tile_2/train/crack/000.png", picture);
    assert_string_equal("tile_2/ground_truth/train/crack/000_mask.png", mask);
    set.designs = IAD_RENDER_MAX_DESIGNS + 1;
    iad_render_counts counts;
    assert_fails(IAD_ERR_ARG, iad_render_set_run(&set, &counts, &err));
}

/* What lies on disk is what the renderer made. */
static void test_files(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    char out[100];
    fresh_folder(out, sizeof out, "files");
    iad_render_set set = set_of(out);
    set.n_families = 1;
    iad_render_counts counts;
    assert_ok(iad_render_set_run(&set, &counts, &err));
    for (size_t i = 0; i < iad_render_set_size(&set); i++) {
        iad_render_job job;
        char picture[200], mask[200], path[IAD_PATH_MAX];
        iad_image image, truth, stored;
        assert_ok(iad_render_set_item(&set, i, &job, picture, mask, sizeof mask, &err));
        assert_ok(iad_render_picture(&job, &image, &truth, &err));
        assert_ok(iad_path_join(path, sizeof path, out, picture, &err));
        assert_ok(iad_image_load(path, NULL, &stored, NULL, &err));
        assert_int_equal(3, stored.channels);
        assert_memory_equal(image.px, stored.px, pixels_of(&image) * 3);
        iad_image_deinit(&stored);
        if (*mask) {
            assert_ok(iad_path_join(path, sizeof path, out, mask, &err));
            assert_ok(iad_image_load(path, NULL, &stored, NULL, &err));
            assert_int_equal(1, stored.channels);
            assert_memory_equal(truth.px, stored.px, pixels_of(&truth));
            iad_image_deinit(&stored);
        }
        iad_image_deinit(&image);
        iad_image_deinit(&truth);
    }
    remove_tree(out);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_plan), cmocka_unit_test(test_designs), cmocka_unit_test(test_files),
                                       cmocka_unit_test(test_threads_and_resume), cmocka_unit_test(test_interrupt),
                                       cmocka_unit_test(test_foreign_folders)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
