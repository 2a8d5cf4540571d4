/* The parsers behind the adapters, from memory: lists, box files, VisA's lists, LOCO's configuration; tables of counts; file access. */
#include <unistd.h>

#include "manifests/ingest/boxtext.h"
#include "manifests/ingest/folder_scan.h"
#include "manifests/ingest/ingest_counts.h"
#include "manifests/ingest/ingest_file.h"
#include "manifests/ingest/ingest_list.h"
#include "manifests/ingest/known.h"
#include "manifests/ingest/list_form.h"
#include "manifests/ingest/loco_config.h"
#include "manifests/ingest/scan.h"
#include "manifests/ingest/visa_classes.h"
#include "manifests/ingest/visa_lists.h"
#include "tests/unit/ingest/dump.h"

/* ---- lists ---- */

typedef struct heard {
    char text[4000];
} heard;

static void hear_trouble(void *user, iad_ingest_trouble what, const char *name, const char *reason) {
    static const char *const words[] = {"refused", "rejected", "bad"};
    heard *h = user;
    size_t n = strlen(h->text);
    snprintf(h->text + n, sizeof h->text - n, "%s %s: %s\n", words[what], name, reason);
}

static void hear_remark(void *user, const char *text) {
    heard *h = user;
    size_t n = strlen(h->text);
    snprintf(h->text + n, sizeof h->text - n, "remark %s\n", text);
}

/* Parses into a list; what it said is in *h. */
static iad_status parse(const char *text, iad_list_form form, const iad_list_defaults *defaults, iad_ingest_list *list, iad_ingest_news *news,
                        heard *h, iad_err *err) {
    static const iad_list_defaults plain = {NULL, "root", NULL};
    memset(h, 0, sizeof *h);
    *news = (iad_ingest_news){h, hear_trouble, hear_remark};
    iad_ingest_list_init(list, news);
    iad_ingest_sink sink = iad_ingest_list_sink(list);
    return iad_list_parse(text, strlen(text), form, "list", defaults ? defaults : &plain, &sink, err);
}

static void list_values(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_ingest_list list;
    iad_ingest_news news;
    heard h;
    assert_ok(parse("path,label,extra\na.png,OK,1\nb/c.png,NG,2\n,good,3\nd.png,Normal,4\n", IAD_LIST_CSV, NULL, &list, &news, &h, &err));
    assert_int_equal(3, list.n);
    assert_string_equal("root", list.items[0].item.category);
    assert_string_equal("b", list.items[1].item.category);
    assert_int_equal(IAD_LABEL_ANOMALOUS, list.items[1].item.label);
    assert_int_equal(IAD_LABEL_NORMAL, list.items[2].item.label);
    assert_int_equal(1, list.items[0].item.exemplar_ok);
    assert_string_equal("remark column \"extra\" is not used\nrejected row 3: no path\n", h.text);
    iad_ingest_list_deinit(&list);

    const iad_list_defaults mine = {"mine", "root", "/data/"};
    assert_ok(parse("path\tdefect\tmask\tsplit\n/data/x/a.png\tdent\t/data/m.png;;m/2.png\ttest\n", IAD_LIST_TSV, &mine, &list, &news, &h, &err));
    assert_string_equal("x/a.png", list.items[0].item.path);
    assert_string_equal("mine", list.items[0].item.category);
    assert_int_equal(IAD_LABEL_ANOMALOUS, list.items[0].item.label); /* it has a defect */
    assert_int_equal(2, list.items[0].item.n_masks);
    assert_string_equal("m.png", list.items[0].item.masks[0]);
    assert_int_equal(0, list.items[0].item.exemplar_ok); /* a test picture */
    iad_ingest_list_deinit(&list);
}

/* Names of class ids as an object or as the text that a table holds. */
static void list_mask_values(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_ingest_list list;
    iad_ingest_news news;
    heard h;
    assert_ok(parse("{\"path\": \"a.png\", \"mask\": \"m.png\", \"mask_values\": {\"7\": \"b\", \"3\": \"a\", \"9\": null}}\n"
                    "{\"path\": \"b.png\", \"mask_values\": \"{\\\"1\\\": \\\"c\\\"}\"}\n"
                    "{\"path\": \"c.png\", \"mask_values\": {\"0\": \"x\"}}\n{\"path\": \"d.png\", \"mask_values\": {\"1\": 2}}\n{\"path\": "
                    "\"e.png\", \"mask_values\": []}\n", IAD_LIST_JSONL, NULL, &list, &news, &h, &err));
    assert_int_equal(2, list.n);
    assert_int_equal(3, list.rejected);
    assert_string_equal("{\"3\":\"a\",\"7\":\"b\"}", list.items[0].value_map);
    assert_string_equal("{\"1\":\"c\"}", list.items[1].value_map);
    iad_ingest_list_deinit(&list);
}

/* Each broken record is rejected by name, its neighbours go in. */
static void list_rejects(void **state) {
    (void)state;
    static const char *const broken[] = {"{\"label\": \"normal\"}",
                                         "{\"path\": 7}",
                                         "{\"path\": \"a.png\", \"label\": \"perhaps\"}",
                                         "{\"path\": \"a.png\", \"label\": 2}",
                                         "{\"path\": \"a.png\", \"kind\": \"thing\"}",
                                         "{\"path\": \"a.png\", \"mask_quality\": \"good\"}",
                                         "{\"path\": \"a.png\", \"exemplar_ok\": \"maybe\"}",
                                         "{\"path\": \"a.png\", \"mask\": [1]}",
                                         "{\"path\": \"a.png\", \"mask\": {}}",
                                         "{\"path\": \"a.png\", \"boxes\": {}}",
                                         "{\"path\": \"a.png\", \"boxes\": [[1,2,3]]}",
                                         "{\"path\": \"a.png\", \"boxes\": [[1,2,3,\"x\"]]}",
                                         "{\"path\": \"a.png\", \"boxes\": [[1,2,3,1e9]]}",
                                         "{\"path\": \"a.png\", \"boxes\": [[1,2,3,4,5]]}",
                                         "{\"path\": \"a.png\", \"boxes\": [[3,2,1,4]]}",
                                         "{\"path\": \"a.png\", \"boxes\": \"[[1,2\"}",
                                         "[]",
                                         "{\"path\": \"a.png\"",
                                         "{\"path\": \"a.png\", \"path\": \"b.png\"}",
                                         "\"text\""};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        iad_err err = IAD_ERR_NONE;
        iad_ingest_list list;
        iad_ingest_news news;
        heard h;
        char text[300];
        snprintf(text, sizeof text, "{\"path\": \"one.png\"}\r\n%s\n \t\n{\"path\": \"two.png\"}", broken[i]);
        assert_ok(parse(text, IAD_LIST_JSONL, NULL, &list, &news, &h, &err));
        if (list.n != 2 || list.rejected != 1) fail_msg("%s: %zu pictures, %zu rejected", broken[i], list.n, list.rejected);
        iad_ingest_list_deinit(&list);
    }
}

static void list_forms(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_list_form form;
    assert_ok(iad_list_form_of("x/A.CSV", &form, &err));
    assert_int_equal(IAD_LIST_CSV, form);
    assert_ok(iad_list_form_of("a.tsv", &form, &err));
    assert_int_equal(IAD_LIST_TSV, form);
    assert_ok(iad_list_form_of("a.ndjson", &form, &err));
    assert_int_equal(IAD_LIST_JSONL, form);
    assert_fails(IAD_ERR_ARG, iad_list_form_of("a.json", &form, &err));
    iad_ingest_list list;
    iad_ingest_news news;
    heard h;
    assert_fails(IAD_ERR_FORMAT, parse("name,label\na,b\n", IAD_LIST_CSV, NULL, &list, &news, &h, &err));
    assert_non_null(strstr(err.msg, "path"));
    iad_ingest_list_deinit(&list);
    assert_fails(IAD_ERR_FORMAT, parse("path,label\na\n", IAD_LIST_CSV, NULL, &list, &news, &h, &err));
    iad_ingest_list_deinit(&list);
}

/* ---- boxes ---- */

static void box_files(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_boxtext boxes;
    const char text[] = "10 20 14 29 2\r\n\n30,5,28,9\tspur\n1.5 2 3 4\n0 0 0 0 9";
    assert_ok(iad_boxtext_parse(&boxes, text, strlen(text), "open,short,,spur", "f", &err));
    assert_int_equal(4, boxes.n);
    assert_close(15, boxes.items[0].x1, 0);
    assert_close(30, boxes.items[0].y1, 0);
    assert_string_equal("short", boxes.items[0].name);
    assert_close(28, boxes.items[1].x0, 0); /* corners in any order */
    assert_close(31, boxes.items[1].x1, 0);
    assert_string_equal("spur", boxes.items[1].name);
    assert_null(boxes.items[2].name);
    assert_string_equal("9", boxes.items[3].name); /* no name for 9 */
    iad_boxtext_deinit(&boxes);
    static const char *const broken[] = {"1 2 3", "1 2 3 x", "1 2 3 nan", "1 2 3 1e9", "a", "1 2 3 4 \xff"};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        assert_fails(IAD_ERR_FORMAT, iad_boxtext_parse(&boxes, broken[i], strlen(broken[i]), NULL, "f", &err));
        iad_boxtext_deinit(&boxes);
    }
    assert_fails(IAD_ERR_FORMAT, iad_boxtext_parse(&boxes, "1 2\0 3 4", 8, NULL, "f", &err));
    iad_boxtext_deinit(&boxes);
    assert_ok(iad_boxtext_parse(&boxes, "", 0, NULL, "f", &err));
    assert_int_equal(0, boxes.n);
    iad_boxtext_deinit(&boxes);
}

/* ---- VisA, LOCO ---- */

static void visa(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_visa_list list;
    const char text[] = "object,split,label,image,mask\nb,test,anomaly,b/2,b/m\na,train,normal,a/1,\n";
    assert_ok(iad_visa_split_parse(&list, text, strlen(text), "f", &err));
    assert_int_equal(2, list.n);
    assert_string_equal("train", iad_visa_find(&list, "a/1")->text);
    assert_int_equal(IAD_LABEL_ANOMALOUS, iad_visa_find(&list, "b/2")->label);
    assert_null(iad_visa_find(&list, "c"));
    iad_visa_list_deinit(&list);
    static const char *const broken[] = {"object,split,label,image\n", "object,split,label,image,mask\na,train,maybe,x,\n",
                                         "object,split,label,image,mask\na,train,normal,x,\na,test,normal,x,\n", ""};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        assert_fails(IAD_ERR_FORMAT, iad_visa_split_parse(&list, broken[i], strlen(broken[i]), "f", &err));
    const char notes[] = "image,label,mask\na,\"melt,bent\",m\nb,normal,\n";
    assert_ok(iad_visa_annotation_parse(&list, notes, strlen(notes), "f", &err));
    assert_string_equal("melt,bent", iad_visa_find(&list, "a")->text);
    iad_visa_list_deinit(&list);
    json_t *values;
    assert_ok(iad_visa_classes("cashew", &values, &err));
    assert_int_equal(9, json_object_size(values));
    assert_string_equal("burnt", json_string_value(json_object_get(values, "1")));
    json_decref(values);
    assert_ok(iad_visa_classes("bottle", &values, &err));
    assert_null(values);
}

static void loco(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    json_t *values;
    const char good[] = "[{\"defect_name\": \"a\", \"pixel_value\": 255, \"x\": 1}, {\"defect_name\": \"b\", \"pixel_value\": 1}]";
    assert_ok(iad_loco_config_parse(good, strlen(good), "f", &values, &err));
    assert_string_equal("b", json_string_value(json_object_get(values, "1")));
    json_decref(values);
    assert_ok(iad_loco_config_parse("[]", 2, "f", &values, &err));
    assert_null(values);
    static const char *const broken[] = {"{}", "[1]", "[{}]", "[{\"defect_name\": \"a\", \"pixel_value\": 256}]",
                                         "[{\"defect_name\": \"a\", \"pixel_value\": 0}]", "[{\"defect_name\": 1, \"pixel_value\": 1}]", "["};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        assert_fails(IAD_ERR_FORMAT, iad_loco_config_parse(broken[i], strlen(broken[i]), "f", &values, &err));
}

/* ---- counts ---- */

static void counts(void **state) {
    (void)state;
    static const iad_ingest_count published[] = {{"a", "train", 2, 0, 0}, {"a", "test", 1, 1, 0}, {"b", NULL, 5, 5, 0}, {NULL, "train", 9, 0, 0},
                                                 {NULL, NULL, 0, 0, 0}};
    static const iad_adapter facts = {.name = "x", .title = "X", .counts = published};
    iad_err err = IAD_ERR_NONE;
    iad_counts table = {0};
    assert_ok(iad_counts_add(&table, &facts, "a", "train", IAD_LABEL_NORMAL, NULL, &err));
    assert_ok(iad_counts_add(&table, &facts, "a", "train", IAD_LABEL_NORMAL, NULL, &err));
    assert_ok(iad_counts_add(&table, &facts, "a", "test", IAD_LABEL_ANOMALOUS, "d", &err));
    assert_ok(iad_counts_add(&table, &facts, "b", NULL, IAD_LABEL_NORMAL, NULL, &err));
    assert_ok(iad_counts_add(&table, &facts, "b", "train", IAD_LABEL_NORMAL, NULL, &err));
    assert_ok(iad_counts_finish(&table, &facts, &err));
    assert_int_equal(0, table.n_extra);
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    iad_counts_print(&table, &facts, out);
    fclose(out);
    assert_string_equal("category  split  normal  anomalous  unknown  found/published\n"
                        "a         train     2/2        0/0      0/0  as published\n"
                        "a         test      0/1        1/1      0/0  part of it\n"
                        "b         -           1          0        0  -\n"
                        "b         train       1          0        0  -\n"
                        "b         (all)     2/5        0/5      0/0  part of it\n"
                        "(all)     train     3/9        0/0      0/0  part of it\n",
                        text);
    free(text);
    iad_counts_deinit(&table);
}

/* ---- files below a root ---- */

static void files(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    char scratch[IAD_PATH_MAX], path[IAD_PATH_MAX + 64], target[IAD_PATH_MAX + 64];
    dump_scratch("files", scratch);
    static const char *const texts[] = {"root/a.txt", "root/sub/b.txt", "c.txt"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", scratch, texts[i]);
        assert_ok(iad_file_write(path, "text", 4, &err));
    }
    snprintf(target, sizeof target, "%s/root/a.txt", scratch);
    static const char *const names[] = {"in", "out", "absolute", "loop", "dir_out"};
    const char *const targets[] = {"sub/b.txt", "../c.txt", target, "loop", ".."};
    for (size_t i = 0; i < 5; i++) {
        snprintf(path, sizeof path, "%s/root/%s", scratch, names[i]);
        assert_int_equal(0, symlink(targets[i], path));
    }
    iad_ingest_root root;
    iad_ingest_file file;
    snprintf(path, sizeof path, "%s/root", scratch);
    assert_ok(iad_ingest_root_open(&root, path, &err));
    static const struct {
        const char *path;
        iad_status want;
    } cases[] = {{"a.txt", IAD_OK},           {"sub/b.txt", IAD_OK},       {"in", IAD_OK},        {"absolute", IAD_OK},
                 {"out", IAD_ERR_ARG},        {"dir_out/c.txt", IAD_ERR_ARG}, {"loop", IAD_ERR_IO}, {"none", IAD_ERR_NOT_FOUND},
                 {"a.txt/b", IAD_ERR_NOT_FOUND}, {"sub", IAD_ERR_IO}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        iad_status status = iad_ingest_file_open(&root, cases[i].path, &file, &err);
        if (status != cases[i].want) fail_msg("%s: %s, not %s", cases[i].path, iad_status_name(status), iad_status_name(cases[i].want));
        if (status == IAD_OK) {
            uint8_t *bytes;
            size_t n;
            assert_int_equal(4, file.bytes);
            assert_ok(iad_ingest_file_read(&file, cases[i].path, 10, &bytes, &n, &err));
            assert_memory_equal("text", bytes, 4);
            free(bytes);
            assert_fails(IAD_ERR_LIMIT, iad_ingest_file_read(&file, cases[i].path, 3, &bytes, &n, &err));
            iad_ingest_file_close(&file);
        } else {
            assert_null(strstr(err.msg, scratch)); /* messages must not depend on where the root lies */
        }
    }
    iad_ingest_root_close(&root);
    assert_fails(IAD_ERR_NOT_FOUND, iad_ingest_root_open(&root, "/no/such/folder", &err));
    dump_remove(scratch);
}

/* ---- adapters as a table ---- */

static void table(void **state) {
    (void)state;
    size_t n = 0;
    for (const iad_adapter *const *a = iad_adapters(); *a; a++, n++) {
        assert_ptr_equal(*a, iad_adapter_find((*a)->name));
        assert_non_null((*a)->probe);
        assert_non_null((*a)->scan);
        assert_non_null((*a)->title);
        assert_non_null((*a)->layout);
        assert_non_null((*a)->licence);
        assert_non_null((*a)->eval_overlap);
        assert_true(iad_scan_in_list("real rendered web generated", (*a)->origin));
        assert_int_equal(0, (*a)->probe("/no/such/folder"));
        for (const iad_ingest_defects *d = (*a)->defects; d && d->category; d++) assert_true(iad_known_category(*a, d->category));
    }
    assert_in_range(n, 23, 1000);
    assert_null(iad_adapter_find("nonsense"));
    assert_null(iad_adapter_guess("/no/such/folder"));
}

/* What was published for MVTec AD and VisA, summed. */
static void published(void **state) {
    (void)state;
    static const struct {
        const char *name;
        long normal, anomalous;
    } sums[] = {{"mvtec-ad", 4096, 1258}, {"visa", 9621, 1200}, {"btad", 2250, 290}, {"miad", 87500, 17500}, {"mpdd", 1064, 282},
                {"mvtec-loco", 2658, 993}};
    for (size_t i = 0; i < sizeof sums / sizeof *sums; i++) {
        long normal = 0, anomalous = 0;
        for (const iad_ingest_count *c = iad_adapter_find(sums[i].name)->counts; c->category; c++) normal += c->normal, anomalous += c->anomalous;
        assert_int_equal(sums[i].normal, normal);
        assert_int_equal(sums[i].anomalous, anomalous);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(list_values), cmocka_unit_test(list_mask_values), cmocka_unit_test(list_rejects),
                                       cmocka_unit_test(list_forms), cmocka_unit_test(box_files),   cmocka_unit_test(visa),
                                       cmocka_unit_test(loco), cmocka_unit_test(counts),      cmocka_unit_test(files),        cmocka_unit_test(table),
                                       cmocka_unit_test(published)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
