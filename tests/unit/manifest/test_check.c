/* Every rule of the check must fire on the fault that it is for, and only on it. */
#include "manifests/check.h"

#include <sqlite3.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/unit/manifest/manifest_fixture.h"
#include "manifests/canonical.h"
#include "manifests/identity.h"
#include "manifests/leakage.h"
#include "manifests/query.h"
#include "manifests/refs.h"

typedef struct seen {
    char lines[4000];
} seen;

static iad_status remember(void *user, const char *rule, const char *item, const char *text, iad_err *err) {
    seen *s = user;
    size_t n = strlen(s->lines);
    (void)err;
    snprintf(s->lines + n, sizeof s->lines - n, "%s|%s|%s\n", rule, item, text);
    return IAD_OK;
}

static void run_check(iad_manifest *m, const iad_check_options *options, seen *s, iad_check_counts *counts) {
    iad_err err;
    iad_check_sink sink = {s, remember};
    memset(s, 0, sizeof *s);
    assert_ok(iad_check_run(m, options, &sink, counts, &err));
}

/* A sound manifest: training part, test part, mask, exemplars, tasks of all kinds, a template. */
typedef struct sound {
    iad_manifest *m;
    int64_t dataset, category, train[4], good, bad, mask;
} sound;

static void make_sound(sound *f) {
    iad_err err;
    f->m = fixture_open();
    f->dataset = fixture_dataset(f->m, "d", "", "");
    f->category = fixture_category(f->m, f->dataset, "nut");
    for (int i = 0; i < 4; i++) {
        char path[32];
        snprintf(path, sizeof path, "train/%d.png", i);
        f->train[i] = fixture_image(f->m, f->dataset, f->category, path, IAD_PART_TRAIN, IAD_LABEL_NORMAL);
    }
    f->good = fixture_image(f->m, f->dataset, f->category, "test/good.png", IAD_PART_TEST, IAD_LABEL_NORMAL);
    f->bad = fixture_image(f->m, f->dataset, f->category, "test/bad.png", IAD_PART_TEST, IAD_LABEL_ANOMALOUS);
    iad_image pixels;
    iad_mask_row row;
    assert_ok(iad_image_init(&pixels, 8, 6, 1, &err));
    pixels.px[3] = 255;
    assert_ok(iad_mask_prepare(&pixels, NULL, IAD_MASK_EXACT, &row, &err));
    assert_ok(iad_mask_put(f->m, &row, &f->mask, &err));
    assert_ok(iad_image_mask_put(f->m, f->bad, f->mask, "gt", &err));
    iad_mask_row_deinit(&row);
    iad_image_deinit(&pixels);
    iad_refs refs = {0};
    iad_refs_options store = {.store = 1};
    assert_ok(iad_refs_make(f->m, f->category, "first", 2, &store, &refs, &err));
    iad_refs_deinit(&refs);
    iad_template_row text = {
        .task = "s3_detect", .lang = "en", .text = "Normal?", .yes_means = "normal", .canonical = 1, .version = 1};
    int64_t template_id = 0, task_id = 0;
    int added;
    assert_ok(iad_template_put(f->m, &text, &template_id, &err));
    iad_task_image images[] = {{.image_id = f->train[0], .role = "ref"}, {.image_id = f->train[1], .role = "query"}};
    iad_task_row task = {.dataset_id = f->dataset,
                         .stage = 3,
                         .task = "s3_detect",
                         .shots = 1,
                         .question = "<image><image>" IAD_CANONICAL_QUESTION,
                         .answer = "Yes.",
                         .yes_means = "normal",
                         .template_id = template_id,
                         .query_pos = 1,
                         .anomaly_spans = "[[27,33,\"defect\"],[37,45,\"abnormal\"]]",
                         .normal_spans = "[[90,96,\"normal\"]]",
                         .weight = 1,
                         .part = "train",
                         .images = images,
                         .n_images = 2};
    assert_ok(iad_task_put(f->m, &task, &task_id, &added, &err));
    assert_int_equal(task_id, 1);
}

/* The picture 4, made into a recipe number 1. */
#define RECIPE(kind)                                                                                                   \
    "INSERT INTO synth(id,recipe_sha256,dst_image,generator,generator_version,params,seed,kind)"                       \
    " VALUES(1,zeroblob(32),4,'cutpaste','1','{}',0,'" kind "');"
/* An evaluation record about the anomalous picture, whose mask is known. */
#define ASK_BAD "UPDATE task_image SET image_id=6 WHERE pos=1; UPDATE task SET part='eval',answer='No.';"
#define SECOND_MASK                                                                                                    \
    "INSERT INTO mask(id,sha256,width,height,png,area,n_components,boxes,quality) SELECT 2,zeroblob(32),width,height,png,area," \
    "n_components,boxes,quality FROM mask; INSERT INTO image_mask VALUES(6,'gt',2)"
/* Picture 3 belongs to a benchmark and gave the recipe its content. */
#define FOREIGN_SOURCE                                                                                                 \
    "INSERT INTO dataset(id,name,root,licence,redistributable,commercial,eval_overlap) VALUES(9,'e','.','',0,0,'visa');" \
    "UPDATE image SET dataset_id=9,category_id=NULL WHERE id=3; UPDATE synth SET src_image=3;"
#define BOXED                                                                                                          \
    "UPDATE task SET answer='Yes. <box:0> <box:1>.',boxes='[{\"bbox_2d\":[0,0,3,2],\"image\":1},"                      \
    "{\"bbox_2d\":[1,1,8,6],\"image\":0,\"label\":\"x\"}]';"

/* One fault per case: SQL that breaks a sound manifest, and the beginning of the only complaint. */
/* One hit whose address redirects to a picture that became picture 1, and one that is not decided. */
#define CRAWLED                                                                                                                       \
    "INSERT INTO crawl_query(id,category_id,engine,variant,text,lang,filters,next_at,state) VALUES(1,1,'bing',0,'nut','en','',0,'done');" \
    "INSERT INTO crawl_page(id,query_id,number,turn,start_at,hits,fresh) VALUES(1,1,0,0,0,2,2);"                                      \
    "INSERT INTO crawl_picture(id,sha256,bytes,stored_sha256,path,image_id) SELECT 1,sha256,9,sha256,path,id FROM image WHERE id=1;"  \
    "INSERT INTO crawl_url(id,url,host,kind,state,picture_id) VALUES(2,'http://a/b','a','image','done',1);"                           \
    "INSERT INTO crawl_url(id,url,host,kind,state,target_id) VALUES(1,'http://a/1','a','image','done',2);"                            \
    "INSERT INTO crawl_hit(id,page_id,rank,category_id,url_id,raw_url,verdict) VALUES(1,1,0,1,1,'http://a/1','kept'),"                \
    "(2,1,1,1,1,'http://a/2','new');"

static void test_each_rule(void **state) {
    (void)state;
    static const struct {
        const char *sql, *says;
    } cases[] = {
        {"", ""},
        {"UPDATE image SET bad=1 WHERE id=6", "picture-state|d/test/bad.png|bad without a reason\n"},
        {"UPDATE image SET width=0 WHERE id=5", "picture-state|d/test/good.png|no size\n"},
        {"UPDATE image SET phash=NULL WHERE id=5", "picture-state|d/test/good.png|no pixel hash\n"},
        {"UPDATE image SET defect='dent' WHERE id=5",
         "picture-label|d/test/good.png|normal, but with the defect dent\n"},
        {"UPDATE image SET exemplar_ok=1 WHERE id=5",
         "picture-label|d/test/good.png|may be an exemplar, but is in the test part\n"},
        {"INSERT INTO dataset(id,name,root,licence,redistributable,commercial) VALUES(9,'e','.','',0,0);"
         "INSERT INTO category(id,dataset_id,name,display) VALUES(9,9,'x','x'); UPDATE image SET category_id=9"
         " WHERE id=5",
         "picture-category|d/test/good.png|its category x"},
        {"UPDATE image SET dup_of=5 WHERE id=5", "double|d/test/good.png|a double of itself\n"},
        {"UPDATE image SET dup_of=6 WHERE id=5; UPDATE image SET dup_of=5 WHERE id=4",
         "double|d/train/3.png|a double of a double\n"},
        {"UPDATE image SET width=9 WHERE id=6", "mask-size|d/test/bad.png|mask is 8x6, picture is 9x6\n"},
        {"UPDATE mask SET area=0", "mask-label|d/test/bad.png|anomalous, but its mask is empty\n"},
        {"INSERT INTO image_mask VALUES(5,'gt',1)", "mask-label|d/test/good.png|normal, but its mask marks 1 pixels\n"},
        {"UPDATE image SET exemplar_ok=0 WHERE id=1",
         "exemplar-normal|d/nut, rule first, 2 shots|train/0.png is not to be an exemplar\n"},
        {"UPDATE image SET view='C1' WHERE id=1",
         "exemplar-category|d/nut, rule first, 2 shots|train/0.png is of another"},
        {"UPDATE image SET part='test',exemplar_ok=0 WHERE id=4; UPDATE exemplar SET image_id=4,sha256=(SELECT sha256"
         " FROM image WHERE id=4) WHERE rank=0;"
         "UPDATE image SET exemplar_ok=1,part='train' WHERE id=4; INSERT INTO split"
         " VALUES('',4,'train'); UPDATE exemplar_set SET scheme='own';"
         "INSERT INTO split VALUES('own',4,'test')",
         "exemplar-test|d/nut, rule first, 2 shots|train/3.png is in the test part\n"},
        {"INSERT INTO exemplar_query SELECT set_id,1,rank,image_id,sha256 FROM exemplar",
         "exemplar-query|d/nut, rule first, 2 shots|train/0.png is its own exemplar\n"},
        {"UPDATE image SET object_key='k' WHERE id IN(1,6)",
         "exemplar-object|d/nut, rule first, 2 shots|train/0.png shows object k like the test picture test/bad.png\n"},
        {"UPDATE image SET sha256=zeroblob(32) WHERE id=2",
         "exemplar-changed|d/nut, rule first, 2 shots|train/1.png has changed since it was chosen\n"},
        {"DELETE FROM exemplar WHERE rank=1",
         "exemplar-count|d/nut, rule first, 2 shots|1 exemplars, highest rank 0\n"},
        {"DELETE FROM exemplar WHERE rank=0",
         "exemplar-count|d/nut, rule first, 2 shots|1 exemplars, highest rank 1\n"},
        {"DELETE FROM exemplar", "exemplar-empty|d/nut, rule first, 2 shots|no exemplars\n"},
        {"UPDATE dataset SET eval_overlap='mvtec'",
         "task-eval|task 1 (s3_detect)|part train, but train/0.png is of d (overlaps mvtec)\n"},
        {"UPDATE image SET part='test',exemplar_ok=0 WHERE id=4; UPDATE task_image SET image_id=4 WHERE pos=0",
         "task-test|task 1 (s3_detect)|part train, but train/3.png is in the test part of d\n"},
        {ASK_BAD,
         "task-mask|task 1 (s3_detect)|stage 3, but no mask"},
        {ASK_BAD "UPDATE task SET mask_id=1", ""},
        {ASK_BAD "DELETE FROM image_mask", ""}, /* unknown: detection may still ask */
        {ASK_BAD "DELETE FROM image_mask; UPDATE task SET task='s3_localise'", "task-mask|task 1 (s3_localise)|"},
        {ASK_BAD SECOND_MASK, ""}, /* the picture's own union */
        {RECIPE("anomalous") "UPDATE task_image SET image_id=NULL,synth_id=1 WHERE pos=1; UPDATE task SET answer='No.'",
         "task-mask|task 1 (s3_detect)|stage 3, but no mask"},
        {RECIPE("null_edit") "UPDATE task_image SET image_id=NULL,synth_id=1 WHERE pos=1", ""},
        {CRAWLED, ""},
        {CRAWLED "UPDATE crawl_picture SET error='truncated'", "crawl-kept|hit 1 (http://a/1)|kept, but no good picture came of it\n"},
        {CRAWLED "UPDATE crawl_hit SET verdict='duplicate' WHERE id=2", "crawl-kept|hit 2 (http://a/2)|a double of nothing\n"},
        {CRAWLED "UPDATE crawl_hit SET verdict='new'; UPDATE crawl_url SET picture_id=NULL WHERE id=2",
         "crawl-url|http://a/b|done without an outcome\n"},
        {CRAWLED "UPDATE crawl_picture SET stored_sha256=zeroblob(32)", "crawl-image|d/train/0.png|not the file that the crawl stored\n"},
        {"UPDATE task SET query_pos=0", "task-query|task 1 (s3_detect)|query_pos 0 is no query\n"},
        {"UPDATE task SET task='s3_reason',query_pos=NULL; UPDATE task_image SET pos=5 WHERE pos=1",
         "task-query|task 1 (s3_reason)|positions with gaps\n"},
        {"UPDATE task SET query_pos=NULL", "task-query|task 1 (s3_detect)|no query\n"},
        {"UPDATE task SET shots=2", "task-shots|task 1 (s3_detect)|2 shots, but the pictures are ref,query\n"},
        {"UPDATE task SET shots=0", "task-shots|"},
        {"UPDATE task SET shots=1000000000000", "task-shots|"},
        {"UPDATE task_image SET role='group' WHERE pos=0", "task-shots|"},
        {"UPDATE task SET query_pos=0; UPDATE task_image SET role=CASE pos WHEN 0 THEN"
         " 'query' ELSE 'ref' END",
         "task-shots|task 1 (s3_detect)|1 shots, but the pictures are query,ref\n"},
        {RECIPE("null_edit") "UPDATE task_image SET image_id=NULL,synth_id=1 WHERE pos=1; UPDATE task_image SET"
         " image_id=4 WHERE pos=0",
         "task-exemplar|task 1 (s3_detect)|train/3.png is shown as a reference for train/3.png, the same picture\n"},
        {RECIPE("null_edit") "UPDATE task_image SET image_id=NULL,synth_id=1 WHERE pos=0; UPDATE task_image SET"
         " image_id=4 WHERE pos=1",
         "task-exemplar|task 1 (s3_detect)|train/3.png is shown as a reference for train/3.png, the same picture\n"},
        {RECIPE("null_edit") "UPDATE task_image SET image_id=NULL,synth_id=1 WHERE pos=0", ""},
        {RECIPE("anomalous") "UPDATE task_image SET image_id=NULL,synth_id=1 WHERE pos=0",
         "task-reference|task 1 (s3_detect)|recipe 1 is a reference, but anomalous\n"},
        {"UPDATE task SET part='eval'; UPDATE task_image SET image_id=6 WHERE pos=0",
         "task-reference|task 1 (s3_detect)|test/bad.png is a reference, but anomalous\n"},
        {RECIPE("null_edit") "UPDATE task_image SET image_id=NULL,synth_id=1 WHERE pos=0; UPDATE image SET part='test',"
         "exemplar_ok=0 WHERE id=4",
         "task-test|task 1 (s3_detect)|part train, but train/3.png is in the test part of d\n"},
        {RECIPE("null_edit") "UPDATE task_image SET image_id=NULL,synth_id=1 WHERE pos=0; UPDATE synth SET src_image=5",
         "task-test|task 1 (s3_detect)|part train, but test/good.png is in the test part of d\n"},
        {RECIPE("null_edit") "UPDATE task_image SET image_id=NULL,synth_id=1 WHERE pos=0; UPDATE synth SET tex_image=5",
         "task-test|task 1 (s3_detect)|part train, but test/good.png is in the test part of d\n"},
        {RECIPE("null_edit") FOREIGN_SOURCE "UPDATE task_image SET image_id=NULL,synth_id=1 WHERE pos=0",
         "task-eval|task 1 (s3_detect)|part train, but train/2.png is of e (overlaps visa)\n"},
        {"UPDATE task SET anomaly_spans=NULL", "task-words|task 1 (s3_detect)|no anomaly words are marked\n"},
        {"UPDATE task SET normal_spans='[]',task='s3_localise'",
         "task-words|task 1 (s3_localise)|no normal words are marked\n"},
        {"UPDATE task SET anomaly_spans=NULL,normal_spans=NULL,task='s3_reason'", ""},
        {"UPDATE task SET answer='No.'",
         "task-answer|task 1 (s3_detect)|answered No about a good picture, Yes meaning normal\n"},
        {ASK_BAD "UPDATE task SET mask_id=1,answer='Yes.'",
         "task-answer|task 1 (s3_detect)|answered Yes about an anomalous picture, Yes meaning normal\n"},
        {"UPDATE task SET answer='Yesterday it was good.'",
         "task-answer|task 1 (s3_detect)|its answer begins with neither Yes nor No: Yesterday it was good.\n"},
        {"UPDATE task SET answer='yes'", "task-answer|"},
        {"UPDATE task SET answer=''", "task-answer|"},
        {"UPDATE task SET answer='Yes'", ""},
        {"UPDATE task SET answer='Yes\xe3\x80\x82\xe5\x90\x88'", ""},
        {"UPDATE task SET yes_means=NULL,template_id=NULL", "task-answer|task 1 (s3_detect)|yes_means is unset\n"},
        {"UPDATE task SET yes_means='anomalous',template_id=NULL",
         "task-answer|task 1 (s3_detect)|answered Yes about a good picture, Yes meaning anomalous\n"},
        {"UPDATE task SET question=replace(question,'Look','Seek')",
         "task-canonical|task 1 (s3_detect)|not the canonical question: Seek for"},
        {"UPDATE task SET question=question||' '", "task-canonical|"},
        {"UPDATE task SET question=replace(question,'<image>Look',char(10)||'<image>Look'),anomaly_spans="
         "'[[28,34,\"defect\"]]',normal_spans='[[91,97,\"normal\"]]'",
         "task-canonical|task 1 (s3_detect)|2 pictures do not stand in front of the canonical question\n"},
        {"UPDATE task SET question=replace(question,'Look','Seek'); UPDATE template SET canonical=0", ""},
        {BOXED "", ""},
        {BOXED "UPDATE task SET boxes=NULL", "task-boxes|task 1 (s3_detect)|'<box:0>' in its answer is none of its 0 boxes\n"},
        {BOXED "UPDATE task SET answer='Yes. <box:2>'", "task-boxes|"},
        {BOXED "UPDATE task SET answer='Yes. <box:>'", "task-boxes|"},
        {BOXED "UPDATE task SET answer='Yes. <box:1'", "task-boxes|"},
        {BOXED "UPDATE task SET answer='Yes. <box:99999999999999999999>'", "task-boxes|"},
        {BOXED "UPDATE task SET answer='Yes.',turns='[\"<box:7>\"]'",
         "task-boxes|task 1 (s3_detect)|'<box:7>' in its turns is none of its 2 boxes\n"},
        {BOXED "UPDATE task SET boxes=replace(boxes,'\"image\":1','\"image\":2')",
         "task-boxes|task 1 (s3_detect)|box 0 is no box of one of its pictures\n"},
        {BOXED "UPDATE task SET boxes=replace(boxes,'[0,0,3,2]','[3,0,3,2]')", "task-boxes|"},
        {BOXED "UPDATE task SET boxes=replace(boxes,'[0,0,3,2]','[0,0,3,2.5]')", "task-boxes|"},
        {BOXED "UPDATE task SET boxes=replace(boxes,'[0,0,3,2]','[0,0,3]')", "task-boxes|"},
        {BOXED "UPDATE task SET boxes='{}',answer='Yes.'", "task-boxes|task 1 (s3_detect)|boxes are no array\n"},
        {"UPDATE task_image SET image_id=2 WHERE pos=0",
         "task-exemplar|task 1 (s3_detect)|train/1.png is shown as a reference for train/1.png, the same picture\n"},
        {"UPDATE image SET object_key='k' WHERE id IN(1,2)",
         "task-exemplar|task 1 (s3_detect)|train/0.png is shown as a reference for train/1.png, the same object\n"},
        {"INSERT INTO template(task,lang,text,yes_means,canonical) VALUES('s3_detect','en','Bad?','anomalous',1)",
         "template-polarity|task kind s3_detect|"},
        {"UPDATE task SET yes_means='anomalous',answer='No.'",
         "task-polarity|task 1 (s3_detect)|yes_means anomalous, its template says normal\n"},
        {"UPDATE task SET task='s3_reason',question='<image>Any defect here? '||question,anomaly_spans=NULL,"
         "normal_spans=NULL",
         "task-marks|task 1 (s3_reason)|3 image marks, 2 pictures\n"},
        {"UPDATE task SET anomaly_spans='[[27,33,\"defecd\"]]'", "task-spans|task 1 (s3_detect)|span 0 says 'defecd'"},
        {"UPDATE task SET anomaly_spans='[[27,999,\"defect\"]]'", "task-spans|"},
        {"UPDATE task SET anomaly_spans='[[-1,5,\"defect\"]]'", "task-spans|"},
        {"UPDATE task SET normal_spans='[[0,3,\"<im\"]]'",
         "task-spans|task 1 (s3_detect)|span 0 ('<im') stands before the last image\n"},
        {"UPDATE task SET normal_spans='[[0,3]]'", "task-spans|task 1 (s3_detect)|span 0 is not [start, end, word]\n"},
        {"UPDATE task SET normal_spans='{'", "task-spans|task 1 (s3_detect)|spans are no JSON"},
        {"UPDATE task SET turns='[1,'", "json|task 1 turns|"},
        {"UPDATE image SET path='../x.png' WHERE id=4", "path|d/../x.png|could leave the data set's folder\n"},
        {"UPDATE dataset SET root='../d'", "path|d|"},
        {"CREATE TABLE extra(a)", "schema|table extra|does not belong here"},
        {"DROP INDEX synth_by_dst", "schema|index synth_by_dst|missing or changed\n"},
        {"PRAGMA foreign_keys=OFF; DELETE FROM template; PRAGMA foreign_keys=ON",
         "foreign-key|task row 1|points at a row of template that is not there\n"},
        {"UPDATE image SET pixel_sha256=(SELECT pixel_sha256 FROM image WHERE id=6) WHERE id=4",
         "leak-pixels|d/train/3.png|same pixels as d/test/bad.png\n"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        iad_err err;
        sound f;
        seen s;
        iad_check_counts counts;
        iad_check_options options = {.threads = 1, .masks = 1};
        make_sound(&f);
        assert_ok(iad_query_exec(f.m, cases[i].sql, &err));
        if (strstr(cases[i].sql, "area=0") || strstr(cases[i].sql, "INTO mask")) options.masks = 0; /* rows without true pixels */
        run_check(f.m, &options, &s, &counts);
        /* The first complaint as foreseen, and none of another rule. */
        size_t n = strlen(cases[i].says), name = strcspn(cases[i].says, "|"), strangers = 0, lines = 0;
        for (const char *p = s.lines; *p; p = strchr(p, '\n') + 1, lines++)
            strangers += strncmp(p, cases[i].says, name + 1) != 0;
        if (strncmp(s.lines, cases[i].says, n) != 0 || (n == 0) != (lines == 0) || strangers)
            fail_msg("case %zu (%s): expected '%s', got '%s'", i, cases[i].sql, cases[i].says, s.lines);
        assert_int_equal(counts.violations, lines);
        iad_manifest_close(f.m);
    }
}

static void test_deep(void **state) {
    (void)state;
    iad_err err;
    sound f;
    seen s;
    iad_check_counts counts;
    iad_check_options options = {.threads = 2, .masks = 1, .files = 1};
    make_sound(&f);
    assert_ok(iad_query_exec(f.m, "UPDATE dataset SET root='test_check.tmp'; UPDATE mask SET area=2", &err));
    /* Files that are what their hash says: fixture hashes are of the path text. */
    static const char *const paths[] = {"train/0.png", "train/1.png", "train/2.png", "test/good.png"};
    for (int i = 0; i < 4; i++) {
        char path[64];
        snprintf(path, sizeof path, "test_check.tmp/%s", paths[i]);
        assert_ok(iad_file_write(path, paths[i], strlen(paths[i]), &err));
    }
    assert_ok(iad_file_write("test_check.tmp/test/bad.png", "other", 5, &err));
    unlink("test_check.tmp/train/3.png");
    run_check(f.m, &options, &s, &counts);
    assert_non_null(strstr(s.lines, "mask-pixels|mask 1|says 2 pixels, has 1\n"));
    assert_non_null(strstr(s.lines, "file-missing|d/train/3.png|its file is not there\n"));
    assert_non_null(strstr(s.lines, "file-changed|d/test/bad.png|"));
    assert_int_equal(counts.violations, 3);
    assert_int_equal(counts.files, 6);
    assert_int_equal(counts.masks, 1);
    assert_ok(iad_query_exec(f.m, "UPDATE mask SET png=x'89504e47'; UPDATE dataset SET root='test_check.gone'", &err));
    run_check(f.m, &options, &s, &counts);
    assert_non_null(strstr(s.lines, "mask-pixels|mask 1|"));
    assert_non_null(strstr(s.lines, "file-missing|d|its folder "));
    iad_manifest_close(f.m);
}

static iad_status give_up(void *user, const char *rule, const char *item, const char *text, iad_err *err) {
    (void)user, (void)rule, (void)item, (void)text;
    return IAD_FAIL(err, IAD_ERR_IO, "enough");
}

static void test_sink_stops(void **state) {
    (void)state;
    iad_err err;
    sound f;
    iad_check_counts counts;
    iad_check_options options = {.threads = 1};
    iad_check_sink sink = {NULL, give_up};
    make_sound(&f);
    assert_ok(iad_query_exec(f.m, "UPDATE image SET defect='x' WHERE label='normal'", &err));
    assert_fails(IAD_ERR_IO, iad_check_run(f.m, &options, &sink, &counts, &err));
    assert_string_equal(err.msg, "enough");
    assert_int_equal(counts.violations, 1);
    iad_manifest_close(f.m);
}

/* ---- leakage ---- */

static int64_t put_hashed(iad_manifest *m, int64_t dataset, int64_t category, const char *path, iad_part part,
                          uint64_t hash) {
    iad_err err;
    int64_t id;
    iad_image_row row = fixture_row(dataset, category, path, part, IAD_LABEL_NORMAL);
    for (int i = 0; i < 4; i++) row.phash[i] = hash * (uint64_t)(2 * i + 1) ^ (i ? 0x5555aaaa00ff1234u : 0);
    assert_ok(iad_image_put(m, &row, &id, NULL, &err));
    return id;
}

static void test_leakage_cases(void **state) {
    (void)state;
    iad_err err;
    iad_manifest *m = fixture_open();
    int64_t bench = fixture_dataset(m, "bench", "", "mvtec"), web = fixture_dataset(m, "web", "", "");
    int64_t bolt = fixture_category(m, bench, "bolt"), wild = fixture_category(m, web, "wild");
    uint64_t base = 0x0123456789abcdefu;
    int64_t eval = put_hashed(m, bench, bolt, "bolt/train/1.png", IAD_PART_TRAIN,
                              base); /* a benchmark's training part counts as evaluation */
    int64_t near = put_hashed(m, web, wild, "near.png", IAD_PART_NONE, base ^ 0x8000000000000421u); /* 4 bits */
    int64_t six = put_hashed(m, web, wild, "six.png", IAD_PART_NONE,
                             base ^ 0x8040201008000001u); /* 6 bits, spread over the pieces */
    put_hashed(m, web, wild, "seven.png", IAD_PART_NONE, base ^ 0x8040201008040001u); /* 7 bits: no hit */
    put_hashed(m, bench, bolt, "bolt/train/2.png", IAD_PART_TRAIN, base ^ 0x1000);    /* same category: never */
    int64_t known = put_hashed(m, web, wild, "known.png", IAD_PART_NONE, base);
    put_hashed(m, web, wild, "blank.png", IAD_PART_NONE, 1); /* no structure */
    put_hashed(m, bench, bolt, "bolt/test/blank.png", IAD_PART_TEST, 1);
    int64_t turned = put_hashed(m, web, wild, "turned.png", IAD_PART_NONE, ~base);
    char sql[200];
    snprintf(sql, sizeof sql, "UPDATE image SET dup_of=%lld WHERE id=%lld", (long long)eval, (long long)known);
    assert_ok(iad_query_exec(m, sql, &err));
    /* Its 180-degree hash is the other's upright one. */
    uint8_t turns[24] = {0};
    for (int i = 0; i < 8; i++) turns[8 + i] = (uint8_t)((base ^ 2) >> (8 * i));
    iad_query q;
    assert_ok(iad_query_open(&q, m, "image", "UPDATE image SET phash_turns=? WHERE id=?", &err));
    iad_query_blob(&q, turns, 24);
    iad_query_i64(&q, turned);
    assert_ok(iad_query_run(&q, NULL, &err));

    iad_leak_hits hits;
    assert_ok(iad_leakage_find(m, &hits, &err));
    assert_int_equal(hits.n, 3);
    assert_int_equal(hits.items[0].train_id, near);
    assert_int_equal(hits.items[0].eval_id, eval);
    assert_int_equal(hits.items[0].distance, 4);
    assert_int_equal(hits.items[1].train_id, six);
    assert_int_equal(hits.items[1].distance, 6);
    assert_int_equal(hits.items[2].train_id, turned);
    assert_int_equal(hits.items[2].turn, 2);
    assert_int_equal(hits.items[2].distance, 1);
    assert_ok(iad_leakage_store(m, &hits, &err));
    iad_leak_hits_deinit(&hits);
    int64_t n = 0;
    assert_ok(iad_query_scalar(m, "SELECT count(*) FROM image WHERE dup_of IS NOT NULL AND note LIKE 'leak: %'", 0, &n,
                               &err));
    assert_int_equal(n, 3);
    assert_ok(iad_leakage_find(m, &hits, &err));
    assert_int_equal(hits.n, 0);
    iad_leak_hits_deinit(&hits);
    iad_manifest_close(m);
}

/* The index must find what comparing everything finds. */
static void test_leakage_against_brute_force(void **state) {
    (void)state;
    iad_err err;
    iad_manifest *m = fixture_open();
    int64_t bench = fixture_dataset(m, "bench", "", "visa"), web = fixture_dataset(m, "web", "", "");
    int64_t bolt = fixture_category(m, bench, "bolt"), wild = fixture_category(m, web, "wild");
    uint64_t evals[60], trains[200], x = 88172645463325252u;
    char path[40];
    assert_ok(iad_manifest_begin(m, &err));
    for (int i = 0; i < 60; i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        evals[i] = x;
        snprintf(path, sizeof path, "e%d.png", i);
        put_hashed(m, bench, bolt, path, IAD_PART_TEST, evals[i]);
    }
    for (int i = 0; i < 200; i++) {
        trains[i] = evals[i % 60];
        for (int k = 0; k < i % 12; k++) {
            x ^= x << 13, x ^= x >> 7, x ^= x << 17;
            trains[i] ^= (uint64_t)1 << (x & 63);
        }
        snprintf(path, sizeof path, "t%d.png", i);
        put_hashed(m, web, wild, path, IAD_PART_TRAIN, trains[i]);
    }
    assert_ok(iad_manifest_commit(m, &err));
    iad_leak_hits hits;
    assert_ok(iad_leakage_find(m, &hits, &err));
    size_t at = 0;
    for (int i = 0; i < 200; i++) {
        int best = 64;
        for (int turn = 0; turn < 4; turn++)
            for (int k = 0; k < 60; k++) {
                uint64_t hash = trains[i] * (uint64_t)(2 * turn + 1) ^ (turn ? 0x5555aaaa00ff1234u : 0);
                int distance = __builtin_popcountll(hash ^ evals[k]);
                if (distance < best) best = distance;
            }
        if (best > IAD_LEAK_MAX_DISTANCE) continue;
        assert_true(at < hits.n);
        assert_int_equal(hits.items[at].train_id, 61 + i);
        assert_int_equal(hits.items[at].distance, best);
        at++;
    }
    assert_int_equal(at, hits.n);
    assert_true(at > 80);
    iad_leak_hits_deinit(&hits);
    iad_manifest_close(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_rule), cmocka_unit_test(test_deep),
                                       cmocka_unit_test(test_sink_stops), cmocka_unit_test(test_leakage_cases),
                                       cmocka_unit_test(test_leakage_against_brute_force)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
