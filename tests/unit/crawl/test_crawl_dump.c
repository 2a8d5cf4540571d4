/* --dump DB: everything that a crawl learnt, by natural keys and without times, for scripts that compare crawls. As a test: two crawls that learn the
 * same in another order look the same. */
#include "tests/unit/iad_test.h"

#include "crawl/session/crawlrows.h"
#include "manifests/query.h"

#define HIT "(SELECT c2.name||'/'||p2.turn||'/'||h2.rank FROM crawl_hit h2 JOIN crawl_page p2 ON p2.id=h2.page_id JOIN category c2 ON " \
            "c2.id=h2.category_id WHERE h2.id="

static const char *const tables[] = {
    "SELECT 'goal',c.name,g.target,g.min_side,g.state,g.kept FROM crawl_goal g JOIN category c ON c.id=g.category_id ORDER BY c.name",
    "SELECT 'query',c.name,q.engine,q.variant,q.text,q.next_at,q.pages,q.barren,q.state,q.last_error FROM crawl_query q JOIN category c ON "
    "c.id=q.category_id ORDER BY"
    " c.name,q.engine,q.variant",
    "SELECT 'page',c.name,q.engine,q.variant,p.number,p.turn,p.start_at,p.http,p.hits,p.fresh FROM crawl_page p JOIN crawl_query q ON "
    "q.id=p.query_id JOIN category c ON"
    " c.id=q.category_id ORDER BY c.name,p.turn",
    "SELECT 'hit',c.name,p.turn,h.rank,u.url,h.raw_url,h.page_url,h.title,h.width,h.height,h.engine_key,h.thumbnail,h.advert,h.verdict,h.reason," HIT
    "h.of_hit)," HIT "h.alike) FROM crawl_hit h JOIN crawl_page p ON p.id=h.page_id JOIN category c ON c.id=h.category_id LEFT JOIN crawl_url u ON "
                     "u.id=h.url_id ORDER BY c.name,p.turn,"
    "h.rank",
    "SELECT 'url',u.url,u.host,u.kind,u.state,u.error,u.http,t.url,u.content_type,u.content_length,u.optout,hex(p.sha256) FROM crawl_url u LEFT JOIN "
    "crawl_url t ON"
    " t.id=u.target_id LEFT JOIN crawl_picture p ON p.id=u.picture_id ORDER BY u.url",
    "SELECT "
    "'picture',hex(sha256),bytes,format,width,height,channels,orientation,warnings,hex(pixel_sha256),hex(leak_hash),quality,colours,error,path,"
    "stored_bytes FROM"
    " crawl_picture ORDER BY sha256",
    "SELECT 'image',d.name,i.path,c.name,i.part,i.label,i.note,i.source_url,i.licence,i.width,i.height FROM image i JOIN dataset d ON "
    "d.id=i.dataset_id JOIN category c ON"
    " c.id=i.category_id ORDER BY d.name,i.path",
    "SELECT 'host',origin,robots,robots_http,robots_error FROM crawl_host WHERE robots_at IS NOT NULL ORDER BY origin"};

static iad_status dump(iad_manifest *m, FILE *out, iad_err *err) {
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        iad_query q;
        IAD_TRY(iad_query_open(&q, m, "dump", tables[i], err));
        int columns = sqlite3_column_count(q.stmt);
        while (iad_query_next(&q)) {
            for (int c = 0; c < columns; c++) {
                const char *text = iad_query_col_text(&q, c);
                if (c) fputc('\t', out);
                for (; text && *text; text++) fputc((unsigned char)*text < 0x20 ? ' ' : *text, out);
            }
            fputc('\n', out);
        }
        IAD_TRY(iad_query_close(&q, err));
    }
    return IAD_OK;
}

/* Two categories' pages in one order or the other. */
static char *crawl_text(int swapped) {
    iad_err err;
    iad_manifest *m = NULL;
    char *text = NULL;
    size_t n = 0;
    assert_ok(iad_manifest_open(":memory:", IAD_MANIFEST_CREATE, &m, &err));
    assert_ok(iad_query_exec(
        m,
        "INSERT INTO dataset(id,name,root,licence,redistributable,commercial) VALUES(1,'web','.','',0,0);"
        "INSERT INTO category(id,dataset_id,name,display) VALUES(1,1,'a','a'),(2,1,'b','b');"
        "INSERT INTO crawl_goal(category_id,target,min_side,state) VALUES(1,5,256,'open'),(2,5,256,'open');"
        "INSERT INTO crawl_query(id,category_id,engine,variant,text,lang,filters,next_at,state) VALUES(1,1,'bing',0,'a','en','',1,'todo'),"
        "(2,2,'bing',0,'b','en','',1,'todo')",
        &err));
    for (int k = 0; k < 2; k++) {
        int category = swapped ? 2 - k : 1 + k, fresh = 0;
        iad_hits hits = {0};
        char own[64];
        snprintf(own, sizeof own, "http://example.com/%d.jpg", category);
        assert_ok(iad_hits_add(&hits, &(iad_hit){.image_url = "http://example.com/shared.jpg"}, &err));
        assert_ok(iad_hits_add(&hits, &(iad_hit){.image_url = own, .title = "\xee\x80\x80one\xee\x80\x81"}, &err));
        assert_ok(iad_hits_add(&hits, &(iad_hit){.image_url = "no address"}, &err));
        iad_page_row page = {.query_id = category, .category_id = category, .http = 200, .start_at = 1};
        assert_ok(iad_page_row_add(m, &page, &hits, 0, &fresh, &err));
        assert_int_equal(fresh, 2);
        iad_hits_deinit(&hits);
    }
    FILE *out = open_memstream(&text, &n);
    assert_non_null(out);
    assert_ok(dump(m, out, &err));
    fclose(out);
    iad_manifest_close(m);
    return text;
}

static void test_order_does_not_matter(void **state) {
    (void)state;
    char *one = crawl_text(0), *other = crawl_text(1);
    assert_string_equal(one, other);
    assert_non_null(strstr(one, "hit\ta\t0\t1\thttp://example.com/1.jpg\thttp://example.com/1.jpg\t\tone\t"));
    assert_non_null(strstr(one, "hit\tb\t0\t2\t\tno address\t"));
    free(one);
    free(other);
}

int main(int argc, char **argv) {
    if (argc == 3 && !strcmp(argv[1], "--dump")) {
        iad_err err = IAD_ERR_NONE;
        iad_manifest *m = NULL;
        iad_status status = iad_manifest_open(argv[2], IAD_MANIFEST_READ, &m, &err);
        if (status == IAD_OK) status = dump(m, stdout, &err);
        if (status != IAD_OK) fprintf(stderr, "%s\n", err.msg);
        iad_manifest_close(m);
        return status != IAD_OK;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_order_does_not_matter)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
