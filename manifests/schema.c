#include "manifests/schema.h"

#include <stdio.h>

#include "manifests/query.h"

/* Version 1.
 *
 * Conventions. 64-bit seeds and perceptual hashes are unsigned numbers stored by their bit pattern in SQLite's signed
 * INT. SHA-256 is a BLOB of 32 bytes. Times are UTC, ISO 8601. Boxes are pixels of the original picture, x1 and y1
 * exclusive. JSON is canonical: sorted keys, no white space.
 *
 * Ground truth. A normal picture has no mask row: its mask is empty by definition, so the thousands of normals need no
 * shared empty mask. An anomalous picture without a row of role 'gt' has an UNKNOWN mask; pixel metrics must leave it
 * out, never read it as empty. */
static const char step_1[] =
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;"

    "CREATE TABLE run("
    " id INTEGER PRIMARY KEY, tool TEXT NOT NULL, version TEXT NOT NULL, argv TEXT NOT NULL, config TEXT,"
    " seed INT NOT NULL,"
    " started TEXT NOT NULL, ended TEXT,"
    " status TEXT NOT NULL CHECK(status IN('started','ok','partial','failed','interrupted')),"
    " counts TEXT) STRICT;"

    /* root: relative to the manifest's folder, or absolute. eval_overlap: comma list of benchmarks whose test pictures
     * are in here. */
    "CREATE TABLE dataset("
    " id INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL, part TEXT, version TEXT, adapter TEXT, root TEXT NOT NULL,"
    " licence TEXT NOT NULL, licence_url TEXT, redistributable INT NOT NULL CHECK(redistributable IN(0,1)),"
    " commercial INT NOT NULL CHECK(commercial IN(0,1)), citation TEXT,"
    " origin TEXT CHECK(origin IN('real','rendered','web','generated')), eval_overlap TEXT NOT NULL DEFAULT '') STRICT;"

    /* aligned: the object always stands in the same place and pose; fg_*: how synth finds the object. */
    "CREATE TABLE category("
    " id INTEGER PRIMARY KEY, dataset_id INT NOT NULL REFERENCES dataset(id), name TEXT NOT NULL,"
    " display TEXT NOT NULL,"
    " kind TEXT CHECK(kind IN('object','texture','multi','logical')), grey INT CHECK(grey IN(0,1)),"
    " aligned INT CHECK(aligned IN(0,1)), fg_method TEXT, fg_params TEXT, description TEXT,"
    " UNIQUE(dataset_id,name)) STRICT;"

    /* path: relative to dataset.root. phash: after cutting 8 % of each border; phash_turns: the same of the picture
     * turned by 90, 180 and 270 degrees, 3 x 8 bytes little endian. A bad picture cannot be decoded: it has a file hash
     * and a reason only. */
    "CREATE TABLE image("
    " id INTEGER PRIMARY KEY, dataset_id INT NOT NULL REFERENCES dataset(id), category_id INT REFERENCES category(id),"
    " path TEXT NOT NULL, sha256 BLOB NOT NULL CHECK(length(sha256)=32),"
    " pixel_sha256 BLOB CHECK(length(pixel_sha256)=32), phash INT, phash_turns BLOB CHECK(length(phash_turns)=24),"
    " bytes INT, mtime_ns INT, width INT NOT NULL, height INT NOT NULL, channels INT, depth INT, format TEXT,"
    " source_split TEXT, part TEXT NOT NULL CHECK(part IN('none','train','val','test')),"
    " label TEXT NOT NULL CHECK(label IN('normal','anomalous','unknown')), defect TEXT, object_key TEXT, view TEXT,"
    " light TEXT,"
    " exemplar_ok INT NOT NULL DEFAULT 0 CHECK(exemplar_ok IN(0,1)), source_url TEXT, licence TEXT,"
    " dup_of INT REFERENCES image(id), bad INT NOT NULL DEFAULT 0 CHECK(bad IN(0,1)), bad_reason TEXT, note TEXT,"
    " UNIQUE(dataset_id,path)) STRICT;"
    "CREATE INDEX image_by_category ON image(category_id,part,path);"
    "CREATE INDEX image_by_sha256 ON image(sha256);"
    "CREATE INDEX image_by_pixels ON image(pixel_sha256);"
    "CREATE INDEX image_by_dup ON image(dup_of) WHERE dup_of IS NOT NULL;"

    /* Boxes that somebody drew. Boxes of mask components are in mask.boxes. */
    "CREATE TABLE image_box("
    " image_id INT NOT NULL REFERENCES image(id), pos INT NOT NULL, x0 REAL NOT NULL, y0 REAL NOT NULL,"
    " x1 REAL NOT NULL,"
    " y1 REAL NOT NULL, name TEXT, PRIMARY KEY(image_id,pos)) STRICT, WITHOUT ROWID;"

    /* sha256: of size, pixels, value map and quality, not of the PNG, so that the encoder's version does not matter. */
    "CREATE TABLE mask("
    " id INTEGER PRIMARY KEY, sha256 BLOB UNIQUE NOT NULL CHECK(length(sha256)=32), width INT NOT NULL,"
    " height INT NOT NULL,"
    " png BLOB NOT NULL, value_map TEXT, area INT NOT NULL, n_components INT NOT NULL, boxes TEXT NOT NULL,"
    " quality TEXT NOT NULL CHECK(quality IN('exact','coarse','box','auto'))) STRICT;"
    "CREATE TABLE image_mask("
    " image_id INT NOT NULL REFERENCES image(id), role TEXT NOT NULL CHECK(role IN('gt','part','foreground')),"
    " mask_id INT NOT NULL REFERENCES mask(id), PRIMARY KEY(image_id,role,mask_id)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX image_mask_by_mask ON image_mask(mask_id);"

    "CREATE TABLE split("
    " scheme TEXT NOT NULL, image_id INT NOT NULL REFERENCES image(id),"
    " part TEXT NOT NULL CHECK(part IN('none','train','val','test')),"
    " PRIMARY KEY(scheme,image_id)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX split_by_image ON split(image_id);"

    /* exemplar: for every query without rows of its own in exemplar_query (paired rules). sha256: the file as it was
     * when chosen. */
    "CREATE TABLE exemplar_set("
    " id INTEGER PRIMARY KEY, category_id INT NOT NULL REFERENCES category(id), view TEXT NOT NULL,"
    " scheme TEXT NOT NULL,"
    " rule TEXT NOT NULL, shots INT NOT NULL, seed INT NOT NULL, nested INT NOT NULL CHECK(nested IN(0,1)), note TEXT,"
    " UNIQUE(category_id,view,scheme,rule,shots,seed)) STRICT;"
    "CREATE TABLE exemplar("
    " set_id INT NOT NULL REFERENCES exemplar_set(id), rank INT NOT NULL, image_id INT NOT NULL REFERENCES image(id),"
    " sha256 BLOB NOT NULL CHECK(length(sha256)=32), PRIMARY KEY(set_id,rank)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX exemplar_by_image ON exemplar(image_id);"
    "CREATE TABLE exemplar_query("
    " set_id INT NOT NULL REFERENCES exemplar_set(id), query_id INT NOT NULL REFERENCES image(id), rank INT NOT NULL,"
    " image_id INT NOT NULL REFERENCES image(id), sha256 BLOB NOT NULL CHECK(length(sha256)=32),"
    " PRIMARY KEY(set_id,query_id,rank)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX exemplar_query_by_query ON exemplar_query(query_id);"
    "CREATE INDEX exemplar_query_by_image ON exemplar_query(image_id);"

    "CREATE TABLE caption("
    " id INTEGER PRIMARY KEY, image_id INT NOT NULL REFERENCES image(id),"
    " aspect TEXT NOT NULL CHECK(aspect IN('overall','material','structure','surface','defect')), lang TEXT NOT NULL,"
    " text TEXT NOT NULL, model TEXT, prompt_sha256 BLOB CHECK(length(prompt_sha256)=32), params TEXT,"
    " verified INT NOT NULL DEFAULT 0) STRICT;"
    "CREATE INDEX caption_by_image ON caption(image_id,aspect,lang);"

    /* One row = one reproducible picture: pixels are made again from it, out_* only where they were also written to a
     * file. */
    "CREATE TABLE synth("
    " id INTEGER PRIMARY KEY, recipe_sha256 BLOB UNIQUE NOT NULL CHECK(length(recipe_sha256)=32),"
    " dst_image INT NOT NULL REFERENCES image(id), src_image INT REFERENCES image(id),"
    " tex_image INT REFERENCES image(id),"
    " generator TEXT NOT NULL, generator_version TEXT NOT NULL, preset TEXT, params TEXT NOT NULL, seed INT NOT NULL,"
    " attempts INT, work_w INT, work_h INT, blend TEXT, opacity REAL,"
    " kind TEXT NOT NULL CHECK(kind IN('anomalous','null_edit')), mask_geom INT REFERENCES mask(id),"
    " mask_vis INT REFERENCES mask(id),"
    " fg_mask INT REFERENCES mask(id), area_frac REAL, delta_mean REAL, delta_max REAL, defect TEXT,"
    " label_conf REAL NOT NULL DEFAULT 1, out_pixel_sha256 BLOB, out_path TEXT, out_codec TEXT) STRICT;"
    "CREATE INDEX synth_by_dst ON synth(dst_image);"

    /* yes_means: what the answer "Yes" says about the query. */
    "CREATE TABLE template("
    " id INTEGER PRIMARY KEY, task TEXT NOT NULL, lang TEXT NOT NULL, text TEXT NOT NULL, answer_form TEXT,"
    " yes_means TEXT CHECK(yes_means IN('normal','anomalous')), canonical INT NOT NULL DEFAULT 0 CHECK(canonical"
    " IN(0,1)),"
    " version INT NOT NULL DEFAULT 1, UNIQUE(task,text)) STRICT;"

    /* stage 0: questions of others (benchmarks, instruction data). *_spans: JSON [[start,end,"word"],...] in bytes of
     * the question. */
    "CREATE TABLE task("
    " id INTEGER PRIMARY KEY, dataset_id INT REFERENCES dataset(id), category_id INT REFERENCES category(id),"
    " stage INT NOT NULL CHECK(stage BETWEEN 0 AND 3), task TEXT NOT NULL, shots INT NOT NULL DEFAULT 0,"
    " template_id INT REFERENCES template(id), seed INT NOT NULL DEFAULT 0, question TEXT NOT NULL,"
    " answer TEXT NOT NULL, turns TEXT,"
    " yes_means TEXT CHECK(yes_means IN('normal','anomalous')), query_pos INT, mask_id INT REFERENCES mask(id),"
    " anomaly_spans TEXT, normal_spans TEXT, boxes TEXT, weight REAL NOT NULL DEFAULT 1,"
    " part TEXT NOT NULL CHECK(part IN('train','eval')), external_id TEXT, run_id INT REFERENCES run(id),"
    " UNIQUE(dataset_id,task,external_id)) STRICT;"
    "CREATE INDEX task_by_kind ON task(stage,task,part);"
    "CREATE TABLE task_image("
    " task_id INT NOT NULL REFERENCES task(id), pos INT NOT NULL, image_id INT REFERENCES image(id),"
    " synth_id INT REFERENCES synth(id),"
    " role TEXT NOT NULL CHECK(role IN('ref','query','group')), jitter TEXT, PRIMARY KEY(task_id,pos),"
    " CHECK((image_id IS NULL)<>(synth_id IS NULL))) STRICT, WITHOUT ROWID;"
    "CREATE INDEX task_image_by_image ON task_image(image_id);"
    "CREATE INDEX task_image_by_synth ON task_image(synth_id);";

/* Version 2: what a crawl has seen. A hit is one result of one search page; a url is an address, fetched at most once with success; a picture is
 * what came of it, by the hash of its bytes. Rows are never deleted: what was refused stays with its reason.
 *
 * Natural keys, by which two manifests are joined: goal (category), query (category, engine, variant), page (query, number), hit (page, rank),
 * url (url), picture (sha256), host (origin). */
static const char step_2[] =
    /* target: pictures wanted, 0: all. min_side: pixels of the shorter side. */
    "CREATE TABLE crawl_goal("
    " category_id INTEGER PRIMARY KEY REFERENCES category(id), target INT NOT NULL, min_side INT NOT NULL, overlap TEXT NOT NULL DEFAULT '',"
    " state TEXT NOT NULL CHECK(state IN('open','done','short')), kept INT NOT NULL DEFAULT 0) STRICT;"
    /* next_at: where the next page begins, as the engine counts. barren: pages in a row that brought next to nothing new. */
    "CREATE TABLE crawl_query("
    " id INTEGER PRIMARY KEY, category_id INT NOT NULL REFERENCES category(id), engine TEXT NOT NULL, variant INT NOT NULL,"
    " text TEXT NOT NULL, lang TEXT NOT NULL, filters TEXT NOT NULL, next_at INT NOT NULL, pages INT NOT NULL DEFAULT 0,"
    " barren INT NOT NULL DEFAULT 0,"
    " state TEXT NOT NULL CHECK(state IN('todo','active','done','blocked')), last_error TEXT,"
    " UNIQUE(category_id,engine,variant)) STRICT;"
    /* turn: the page's place among all pages of its category. response: file of the answer as it came, gzip. */
    "CREATE TABLE crawl_page("
    " id INTEGER PRIMARY KEY, query_id INT NOT NULL REFERENCES crawl_query(id), number INT NOT NULL, turn INT NOT NULL, start_at INT NOT NULL,"
    " http INT, bytes INT, hits INT NOT NULL, fresh INT NOT NULL, fetched TEXT, response TEXT, UNIQUE(query_id,number)) STRICT;"
    /* sha256: as received. leak_hash: 4 x 8 bytes, little endian. signature: by which copies are found, deflated; only of
     * good pictures. error: why it is not kept whatever the
     * category. path, stored_*: the file that is kept, which may be encoded anew. image_id: its row for the other tools. */
    "CREATE TABLE crawl_picture("
    " id INTEGER PRIMARY KEY, sha256 BLOB UNIQUE NOT NULL CHECK(length(sha256)=32), bytes INT NOT NULL, format TEXT, width INT, height INT,"
    " channels INT, depth INT, orientation INT, animated INT, warnings INT, maker TEXT, model TEXT, software TEXT, artist TEXT, copyright TEXT,"
    " pixel_sha256 BLOB CHECK(length(pixel_sha256)=32), leak_hash BLOB CHECK(length(leak_hash)=32), signature BLOB, quality INT,"
    " white_border REAL, sharpness REAL, colours INT, error TEXT, detail TEXT, path TEXT, stored_sha256 BLOB, stored_bytes INT,"
    " stored_width INT, stored_height INT, image_id INT REFERENCES image(id)) STRICT;"
    "CREATE INDEX crawl_picture_by_image ON crawl_picture(image_id) WHERE image_id IS NOT NULL;"
    /* active: asked for. received: its bytes lie in the spool, not yet judged. done: decided for good, with an error, a picture or the address
     * that it redirects to. hops: redirects that led here. */
    "CREATE TABLE crawl_url("
    " id INTEGER PRIMARY KEY, url TEXT UNIQUE NOT NULL, host TEXT NOT NULL,"
    " kind TEXT NOT NULL CHECK(kind IN('image','page')),"
    " state TEXT NOT NULL CHECK(state IN('todo','active','received','done')), error TEXT, detail TEXT, tries INT NOT NULL DEFAULT 0,"
    " http INT, target_id INT REFERENCES crawl_url(id), hops INT NOT NULL DEFAULT 0, content_type TEXT, content_length INT, etag TEXT,"
    " last_modified TEXT, optout TEXT, unverified INT NOT NULL DEFAULT 0, address TEXT, bytes INT, fetched TEXT, ms INT,"
    " picture_id INT REFERENCES crawl_picture(id)) STRICT;"
    "CREATE INDEX crawl_url_by_state ON crawl_url(state) WHERE state IN('active','received');"
    "CREATE INDEX crawl_url_by_picture ON crawl_url(picture_id) WHERE picture_id IS NOT NULL;"
    "CREATE INDEX crawl_url_by_target ON crawl_url(target_id) WHERE target_id IS NOT NULL;"
    "CREATE INDEX crawl_url_by_host ON crawl_url(host);"
    "CREATE INDEX crawl_url_optout ON crawl_url(host) WHERE error='optout';"
    /* width, height, format: as the engine claims. engine_key: the engine's own name of the picture. of_hit: the hit that is kept instead. */
    "CREATE TABLE crawl_hit("
    " id INTEGER PRIMARY KEY, page_id INT NOT NULL REFERENCES crawl_page(id), rank INT NOT NULL, category_id INT NOT NULL REFERENCES category(id),"
    " url_id INT REFERENCES crawl_url(id), raw_url TEXT, page_url TEXT, page_url_id INT REFERENCES crawl_url(id), thumb_url TEXT, title TEXT,"
    " site TEXT, width INT, height INT, format TEXT, engine_key TEXT, licence TEXT, licence_url TEXT, creator TEXT,"
    " thumbnail INT NOT NULL DEFAULT 0, advert INT NOT NULL DEFAULT 0,"
    " verdict TEXT NOT NULL CHECK(verdict IN('new','kept','duplicate','rejected','failed')), reason TEXT,"
    " of_hit INT REFERENCES crawl_hit(id), alike INT REFERENCES crawl_hit(id), UNIQUE(page_id,rank)) STRICT;"
    "CREATE INDEX crawl_hit_by_category ON crawl_hit(category_id);"
    "CREATE INDEX crawl_hit_by_url ON crawl_hit(url_id);"
    /* robots: the rules that are meant for us, as robots.txt lines. robots_at: seconds since 1970. */
    "CREATE TABLE crawl_host("
    " origin TEXT PRIMARY KEY, domain TEXT NOT NULL, robots TEXT, robots_http INT, robots_error TEXT, robots_at INT, failures INT NOT NULL DEFAULT 0,"
    " parked TEXT) STRICT, WITHOUT ROWID;"
    "CREATE TABLE crawl_engine("
    " name TEXT PRIMARY KEY, strikes INT NOT NULL DEFAULT 0, resume_at INT NOT NULL DEFAULT 0, last_error TEXT) STRICT, WITHOUT ROWID;"
    /* What people refused. */
    "CREATE TABLE crawl_rejection("
    " sha256 BLOB PRIMARY KEY CHECK(length(sha256)=32), reason TEXT NOT NULL, run_id INT REFERENCES run(id), at TEXT NOT NULL)"
    " STRICT, WITHOUT ROWID;";

/* Version 3: what a vision-language model has said about pictures. Answers are never changed or deleted. A unit is the SHA-256 of picture, prompt,
 * model, parameters and round (a further try after an answer that failed its checks): one unit is asked once. Texts that passed are ordinary caption
 * rows; their params name the unit.
 *
 * Natural keys: prompt (sha256), answer, review, trouble (unit), verdict (unit, check, field), batch (name). */
static const char step_3[] =
    /* text: the prompt's whole file. */
    "CREATE TABLE annotate_prompt("
    " sha256 BLOB PRIMARY KEY CHECK(length(sha256)=32), id TEXT NOT NULL, version INT NOT NULL, lang TEXT NOT NULL, mode TEXT NOT NULL,"
    " text TEXT NOT NULL) STRICT, WITHOUT ROWID;"
    /* of_unit: the answer that this one judges (audit). state: ok passed the checks, rejected did not, filtered: the provider's content filter,
     * unusable: the picture cannot be sent. raw: the response as it came. predicted: tokens foreseen before sending. cost: in the price's currency.
     * colour: of the picture's middle, "" when it has none. */
    "CREATE TABLE annotate_answer("
    " id INTEGER PRIMARY KEY, unit BLOB UNIQUE NOT NULL CHECK(length(unit)=32), image_id INT NOT NULL REFERENCES image(id),"
    " image_sha256 BLOB NOT NULL CHECK(length(image_sha256)=32), prompt_sha256 BLOB NOT NULL REFERENCES annotate_prompt(sha256), model TEXT NOT NULL,"
    " params TEXT NOT NULL, round INT NOT NULL, of_unit BLOB CHECK(length(of_unit)=32),"
    " state TEXT NOT NULL CHECK(state IN('ok','rejected','filtered','unusable')), detail TEXT, raw TEXT, request_id TEXT, served_model TEXT, finish "
    "TEXT,"
    " prompt_tokens INT NOT NULL DEFAULT 0, completion_tokens INT NOT NULL DEFAULT 0, cached_tokens INT NOT NULL DEFAULT 0,"
    " predicted INT NOT NULL DEFAULT 0, cost REAL NOT NULL DEFAULT 0, ms INT NOT NULL DEFAULT 0, attempts INT NOT NULL DEFAULT 1, colour TEXT NOT "
    "NULL DEFAULT '',"
    " batch TEXT, run_id INT REFERENCES run(id), at TEXT NOT NULL) STRICT;"
    "CREATE INDEX annotate_answer_by_image ON annotate_answer(image_id);"
    "CREATE INDEX annotate_answer_by_of ON annotate_answer(of_unit) WHERE of_unit IS NOT NULL;"
    /* Checks that an answer failed or that note something about it. weight: fail, or note (the answer stands). */
    "CREATE TABLE annotate_verdict("
    " unit BLOB NOT NULL, check_name TEXT NOT NULL, field TEXT NOT NULL, weight TEXT NOT NULL CHECK(weight IN('fail','note')), detail TEXT NOT NULL,"
    " PRIMARY KEY(unit,check_name,field)) STRICT, WITHOUT ROWID;"
    /* What people said. */
    "CREATE TABLE annotate_review("
    " unit BLOB PRIMARY KEY CHECK(length(unit)=32), verdict TEXT NOT NULL CHECK(verdict IN('accept','reject')), reason TEXT NOT NULL,"
    " run_id INT REFERENCES run(id), at TEXT NOT NULL) STRICT, WITHOUT ROWID;"
    /* Units without an answer yet, for a reason that passes. */
    "CREATE TABLE annotate_trouble("
    " unit BLOB PRIMARY KEY CHECK(length(unit)=32), image_id INT NOT NULL REFERENCES image(id), model TEXT NOT NULL, class TEXT NOT NULL, detail "
    "TEXT NOT NULL,"
    " attempts INT NOT NULL, at TEXT NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE INDEX annotate_trouble_by_image ON annotate_trouble(image_id);"
    /* name: of the file of requests. *_file, provider_id: the provider's names. */
    "CREATE TABLE annotate_batch("
    " name TEXT PRIMARY KEY, model TEXT NOT NULL, requests INT NOT NULL, bytes INT NOT NULL,"
    " state TEXT NOT NULL CHECK(state IN('made','uploaded','submitted','done','failed','collected')),"
    " input_file TEXT, provider_id TEXT, output_file TEXT, error_file TEXT, detail TEXT, at TEXT NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE annotate_batch_unit("
    " unit BLOB PRIMARY KEY CHECK(length(unit)=32), batch TEXT NOT NULL REFERENCES annotate_batch(name), image_id INT NOT NULL REFERENCES image(id),"
    " prompt_sha256 BLOB NOT NULL REFERENCES annotate_prompt(sha256), params TEXT NOT NULL, round INT NOT NULL, of_unit BLOB, predicted INT NOT NULL,"
    " colour TEXT NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE INDEX annotate_batch_unit_by_batch ON annotate_batch_unit(batch);"
    "CREATE INDEX annotate_batch_unit_by_image ON annotate_batch_unit(image_id);";

/* steps[v - 1] leads from version v - 1 to v. A released step is never edited; a change is a new step. */
static const char *const steps[IAD_SCHEMA_VERSION] = {step_1, step_2, step_3};

const char *iad_schema_sql(int version) {
    return version >= 1 && version <= IAD_SCHEMA_VERSION ? steps[version - 1] : NULL;
}

static iad_status run_sql(sqlite3 *db, const char *sql, const char *name, const char *what, iad_err *err) {
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) return iad_query_fail(db, name, what, err);
    return IAD_OK;
}

iad_status iad_schema_migrate(sqlite3 *db, const char *name, int from, iad_err *err) {
    IAD_TRY(run_sql(db, "BEGIN IMMEDIATE", name, "starting to write the schema", err));
    /* Two programs may open the same fresh file at once: only what is read under the write lock counts. */
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW)
        from = sqlite3_column_int(stmt, 0);
    sqlite3_finalize(stmt);
    iad_status status = IAD_OK;
    for (int version = from + 1; status == IAD_OK && version <= IAD_SCHEMA_VERSION; version++) {
        char mark[256];
        snprintf(mark, sizeof mark,
                 "PRAGMA application_id = %d; PRAGMA user_version = %d;"
                 "INSERT INTO meta(key,value) VALUES('schema_version','%d') ON CONFLICT(key) DO UPDATE SET"
                 " value=excluded.value",
                 IAD_SCHEMA_APP_ID, version, version);
        status = run_sql(db, steps[version - 1], name, "writing the schema", err);
        if (status == IAD_OK) status = run_sql(db, mark, name, "writing the schema's version", err);
    }
    if (status == IAD_OK) status = run_sql(db, "COMMIT", name, "writing the schema", err);
    if (status != IAD_OK && !sqlite3_get_autocommit(db)) sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return status;
}
