/* The rows of a crawl, e.g. of several machines that took a share of the categories each. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "manifests/merge_rows.h"

#define URL_COLUMNS "url,host,kind,state,error,detail,tries,http,hops,content_type,content_length,etag,last_modified,optout,unverified,address," \
                    "bytes,fetched,ms,picture_id"
#define HIT_COLUMNS "page_id,rank,category_id,url_id,raw_url,page_url,page_url_id,thumb_url,title,site,width,height,format,engine_key,licence," \
                    "licence_url,creator,thumbnail,advert,verdict,reason"
#define PICTURE_COLUMNS "sha256,bytes,format,width,height,channels,depth,orientation,animated,warnings,maker,model,software,artist,copyright," \
                        "pixel_sha256,leak_hash,signature,quality,white_border,sharpness,colours,error,detail,path,stored_sha256,stored_bytes," \
                        "stored_width,stored_height,image_id"

/* References to rows of the same table come in a second step. */
static const iad_merge_kind kinds[] = {
    {"crawl_goal", -1, "SELECT category_id,category_id,target,min_side,overlap,state,kept FROM crawl_goal ORDER BY category_id", "c.....",
     "INSERT INTO crawl_goal(category_id,target,min_side,overlap,state,kept) VALUES(?,?,?,?,?,?)",
     "SELECT category_id FROM crawl_goal WHERE category_id=?", "a", -1},
    {"crawl_query", IAD_MAP_QUERY,
     "SELECT id,category_id,engine,variant,text,lang,filters,next_at,pages,barren,state,last_error FROM crawl_query ORDER BY id", "c..........",
     "INSERT INTO crawl_query(category_id,engine,variant,text,lang,filters,next_at,pages,barren,state,last_error) VALUES(?,?,?,?,?,?,?,?,?,?,?)",
     "SELECT id,text FROM crawl_query WHERE category_id=? AND engine=? AND variant=?", "abc", 3},
    {"crawl_page", IAD_MAP_PAGE, "SELECT id,query_id,number,turn,start_at,http,bytes,hits,fresh,fetched,response FROM crawl_page ORDER BY id",
     "q.........", "INSERT INTO crawl_page(query_id,number,turn,start_at,http,bytes,hits,fresh,fetched,response) VALUES(?,?,?,?,?,?,?,?,?,?)",
     "SELECT id FROM crawl_page WHERE query_id=? AND number=?", "ab", -1},
    {"crawl_picture", IAD_MAP_PICTURE, "SELECT id," PICTURE_COLUMNS " FROM crawl_picture ORDER BY id", ".............................i",
     "INSERT INTO crawl_picture(" PICTURE_COLUMNS ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
     "SELECT id,pixel_sha256 FROM crawl_picture WHERE sha256=?", "a", 15},
    {"crawl_url", IAD_MAP_URL, "SELECT id," URL_COLUMNS " FROM crawl_url ORDER BY id", "...................f",
     "INSERT INTO crawl_url(" URL_COLUMNS ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)", "SELECT id FROM crawl_url WHERE url=?", "a", -1},
    {"crawl_hit", IAD_MAP_HIT, "SELECT id," HIT_COLUMNS " FROM crawl_hit ORDER BY id", "p.cu..u..............",
     "INSERT INTO crawl_hit(" HIT_COLUMNS ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
     "SELECT id FROM crawl_hit WHERE page_id=? AND rank=?", "ab", -1},
    {"crawl_host", -1, "SELECT 0,origin,domain,robots,robots_http,robots_error,robots_at,failures,parked FROM crawl_host ORDER BY origin",
     "........", "INSERT INTO crawl_host(origin,domain,robots,robots_http,robots_error,robots_at,failures,parked) VALUES(?,?,?,?,?,?,?,?)",
     "SELECT 1 FROM crawl_host WHERE origin=?", "a", -1},
    {"crawl_engine", -1, "SELECT 0,name,strikes,resume_at,last_error FROM crawl_engine ORDER BY name", "....",
     "INSERT INTO crawl_engine(name,strikes,resume_at,last_error) VALUES(?,?,?,?)", "SELECT 1 FROM crawl_engine WHERE name=?", "a", -1},
    {"crawl_rejection", -1, "SELECT 0,sha256,reason,run_id,at FROM crawl_rejection ORDER BY sha256", "..r.",
     "INSERT INTO crawl_rejection(sha256,reason,run_id,at) VALUES(?,?,?,?)", "SELECT 1 FROM crawl_rejection WHERE sha256=?", "a", -1}};

/* Runs `update` here for every row of `select` there; kinds as in iad_merge_copy, one letter per parameter. */
static iad_status second_step(iad_merge_state *state, const char *table, const char *select, const char *letters, const char *update, iad_err *err) {
    iad_query row;
    IAD_TRY(iad_query_open(&row, state->from, table, select, err));
    iad_status status = IAD_OK;
    while (status == IAD_OK && iad_query_next(&row)) {
        iad_query q;
        status = iad_query_open(&q, state->into, table, update, err);
        if (status != IAD_OK) break;
        for (int i = 0; letters[i]; i++) {
            const char *map = letters[i] == '.' ? NULL : strchr(IAD_MERGE_LETTERS, letters[i]);
            if (map) iad_query_id(&q, iad_merge_map_get(state, (int)(map - IAD_MERGE_LETTERS), iad_query_col_i64(&row, i)));
            else if (sqlite3_bind_value(q.stmt, q.next++, sqlite3_column_value(row.stmt, i)) != SQLITE_OK) q.status = IAD_NOMEM(&q.err, "a row");
        }
        status = iad_query_run(&q, NULL, err);
        if (status == IAD_OK && iad_query_changes(state->into)) state->counts->added++;
    }
    iad_status closed = iad_query_close(&row, status == IAD_OK ? err : NULL);
    return status != IAD_OK ? status : closed;
}

iad_status iad_merge_crawl(iad_merge_state *state, iad_err *err) {
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) IAD_TRY(iad_merge_table(state, &kinds[i], err));
    IAD_TRY(second_step(state, "crawl_url",
                        "SELECT error,detail,tries,http,content_type,content_length,etag,last_modified,optout,address,bytes,fetched,ms,picture_id,id"
                        " FROM crawl_url WHERE state='done' ORDER BY id",
                        ".............fu",
                        "UPDATE crawl_url SET state='done',error=?,detail=?,tries=?,http=?,content_type=?,content_length=?,etag=?,last_modified=?,"
                        "optout=?,address=?,bytes=?,fetched=?,ms=?,picture_id=? WHERE id=? AND state<>'done'",
                        err));
    IAD_TRY(second_step(state, "crawl_url", "SELECT target_id,id FROM crawl_url WHERE target_id IS NOT NULL ORDER BY id", "uu",
                        "UPDATE crawl_url SET target_id=? WHERE id=? AND target_id IS NULL", err));
    return second_step(state, "crawl_hit", "SELECT of_hit,alike,id FROM crawl_hit WHERE of_hit IS NOT NULL OR alike IS NOT NULL ORDER BY id", "hhh",
                       "UPDATE crawl_hit SET of_hit=?,alike=? WHERE id=? AND of_hit IS NULL AND alike IS NULL", err);
}
