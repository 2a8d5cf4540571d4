/* Rules that SQL can tell: each SELECT yields one row (item, what is wrong) per violation. */
#include "manifests/check_rules.h"

#define PICTURE(d, i) d ".name||'/'||" i ".path"
#define SET_NAME "d.name||'/'||c.name||', rule '||s.rule||', '||s.shots||' shots'"

/* Rows of a set's pictures, for all queries and for single ones alike: set_id, image_id, sha256, query_id (NULL). */
#define ANY_EXEMPLAR                                                                  \
    "(SELECT set_id,image_id,sha256,NULL AS query_id FROM exemplar UNION ALL"         \
    " SELECT set_id,image_id,sha256,query_id FROM exemplar_query)"
#define EXEMPLARS                                                                                              \
    " FROM " ANY_EXEMPLAR " e JOIN exemplar_set s ON s.id=e.set_id JOIN category c ON c.id=s.category_id"      \
    " JOIN dataset d ON d.id=c.dataset_id JOIN image i ON i.id=e.image_id"

static const iad_check_sql_rule rules[] = {
    {"picture-state", "a good picture has a size and pixel hashes, a bad one a reason",
     "SELECT " PICTURE("d", "i") ",CASE WHEN i.bad=1 THEN 'bad without a reason' WHEN i.width<1 OR i.height<1"
     " THEN 'no size' ELSE 'no pixel hash' END"
     " FROM image i JOIN dataset d ON d.id=i.dataset_id WHERE (i.bad=1 AND coalesce(i.bad_reason,'')='')"
     " OR (i.bad=0 AND (i.width<1 OR i.height<1 OR"
     " i.pixel_sha256 IS NULL OR i.phash IS NULL OR i.phash_turns IS NULL))"},
    {"picture-label", "a normal picture has no defect name; only normal, readable pictures outside the test part may"
                      " be exemplars",
     "SELECT " PICTURE("d", "i") ",CASE WHEN i.label='normal' AND i.defect IS NOT NULL"
     " THEN 'normal, but with the defect '||defect ELSE"
     " 'may be an exemplar, but is '||CASE WHEN i.bad=1 THEN 'unreadable' WHEN i.part='test'"
     " THEN 'in the test part' ELSE i.label END END"
     " FROM image i JOIN dataset d ON d.id=i.dataset_id WHERE (i.label='normal' AND i.defect IS NOT NULL)"
     " OR (i.exemplar_ok=1 AND (i.label<>'normal' OR"
     " i.bad=1 OR i.part='test'))"},
    {"picture-category", "a picture's category belongs to its data set",
     "SELECT " PICTURE("d", "i") ",'its category '||c.name||' is of another data set' FROM image i JOIN dataset d"
     " ON d.id=i.dataset_id"
     " JOIN category c ON c.id=i.category_id WHERE c.dataset_id<>i.dataset_id"},
    {"double", "dup_of names another picture that is itself no double",
     "SELECT " PICTURE("d", "i") ",CASE WHEN i.dup_of=i.id THEN 'a double of itself'"
     " ELSE 'a double of a double' END FROM image i JOIN dataset d ON"
     " d.id=i.dataset_id JOIN image o ON o.id=i.dup_of WHERE i.dup_of=i.id OR o.dup_of IS NOT NULL"},
    {"mask-size", "a mask has its picture's size",
     "SELECT " PICTURE("d", "i") ",'mask is '||m.width||'x'||m.height||', picture is '||i.width||'x'||i.height"
     " FROM image_mask x JOIN image i ON"
     " i.id=x.image_id JOIN mask m ON m.id=x.mask_id JOIN dataset d ON d.id=i.dataset_id WHERE i.bad=0"
     " AND (m.width<>i.width OR m.height<>i.height)"},
    {"mask-label", "a normal picture has no defect pixels, the mask of an anomalous one is not empty",
     "SELECT " PICTURE("d", "i") ",CASE WHEN i.label='normal' THEN 'normal, but its mask marks '||sum(m.area)||'"
     " pixels' ELSE 'anomalous, but its mask is"
     " empty' END FROM image_mask x JOIN image i ON i.id=x.image_id JOIN mask m ON m.id=x.mask_id JOIN dataset d"
     " ON d.id=i.dataset_id WHERE x.role='gt'"
     " AND i.label<>'unknown' GROUP BY i.id HAVING (sum(m.area)>0)=(i.label='normal')"},
    {"exemplar-normal", "an exemplar is normal, readable and may be one",
     "SELECT DISTINCT " SET_NAME ",i.path||' is '||CASE WHEN i.bad=1 THEN 'unreadable' WHEN i.label<>'normal'"
     " THEN i.label ELSE 'not to be an exemplar' END"
     EXEMPLARS " WHERE i.label<>'normal' OR i.exemplar_ok=0 OR i.bad=1"},
    {"exemplar-category", "an exemplar is of its set's category and view",
     "SELECT DISTINCT " SET_NAME ",i.path||' is of another category or view'" EXEMPLARS
     " WHERE i.category_id IS NOT s.category_id OR coalesce(i.view,'')<>s.view"},
    {"exemplar-test", "an exemplar is not in the test part",
     "SELECT DISTINCT " SET_NAME ",i.path||' is in the test part'" EXEMPLARS " LEFT JOIN split p"
     " ON p.image_id=i.id AND p.scheme=s.scheme"
     " WHERE CASE WHEN s.scheme='' THEN i.part ELSE coalesce(p.part,'none') END='test'"},
    {"exemplar-query", "an exemplar is not the query itself",
     "SELECT " SET_NAME ",i.path||' is its own exemplar'" EXEMPLARS " WHERE e.query_id=e.image_id"},
    {"exemplar-object", "an exemplar does not show an object that is judged (paired sets do so on purpose)",
     "SELECT DISTINCT " SET_NAME ",i.path||' shows object '||i.object_key||' like the test picture '||t.path" EXEMPLARS
     " JOIN image t ON t.category_id=s.category_id AND t.object_key=i.object_key AND t.id<>i.id"
     " AND (e.query_id IS NULL OR t.id=e.query_id)"
     " LEFT JOIN split p ON p.image_id=t.id AND p.scheme=s.scheme"
     " WHERE s.rule<>'paired' AND CASE WHEN s.scheme='' THEN t.part ELSE coalesce(p.part,'none') END='test'"},
    {"exemplar-changed", "an exemplar's file is still the one that was chosen",
     "SELECT DISTINCT " SET_NAME ",i.path||' has changed since it was chosen'" EXEMPLARS " WHERE e.sha256<>i.sha256"},
    {"exemplar-count", "a set has as many exemplars as shots (kagprompt may have fewer), ranks without gaps",
     "SELECT " SET_NAME ",count(*)||' exemplars'||CASE WHEN q IS NULL THEN ''"
     " ELSE ' for a query' END||', highest rank '||max(e.rank)"
     " FROM (SELECT set_id,rank,NULL AS q FROM exemplar UNION ALL SELECT set_id,rank,query_id FROM exemplar_query) e"
     " JOIN exemplar_set s ON s.id=e.set_id JOIN category c ON c.id=s.category_id JOIN dataset d"
     " ON d.id=c.dataset_id GROUP BY e.set_id,e.q"
     " HAVING max(e.rank)<>count(*)-1 OR (count(*)<>s.shots AND NOT (s.rule='kagprompt' AND count(*)<s.shots))"},
    {"exemplar-empty", "a set is not empty",
     "SELECT " SET_NAME ",'no exemplars' FROM exemplar_set s JOIN category c ON c.id=s.category_id JOIN dataset d"
     " ON d.id=c.dataset_id WHERE NOT EXISTS"
     "(SELECT 1 FROM exemplar WHERE set_id=s.id) AND NOT EXISTS(SELECT 1 FROM exemplar_query WHERE set_id=s.id)"},
    {"task-eval", "no training task shows a picture of a benchmark's data set (eval_overlap)",
     "SELECT DISTINCT 'task '||t.id||' ('||t.task||')','part train, but '||i.path||' is of '||d.name||' (overlaps"
     " '||d.eval_overlap||')' FROM task t"
     " JOIN task_image x ON x.task_id=t.id LEFT JOIN synth y ON y.id=x.synth_id JOIN image i"
     " ON i.id IN(x.image_id,y.dst_image,y.src_image,y.tex_image)"
     " JOIN dataset d ON d.id=i.dataset_id WHERE t.part<>'eval' AND d.eval_overlap<>''"},
    {"task-test", "no training task shows a picture of a test part",
     "SELECT DISTINCT 'task '||t.id||' ('||t.task||')','part train, but '||i.path||' is in the test part of '||d.name"
     " FROM task t JOIN task_image x ON"
     " x.task_id=t.id LEFT JOIN synth y ON y.id=x.synth_id JOIN image i"
     " ON i.id IN(x.image_id,y.dst_image,y.src_image,y.tex_image) JOIN dataset d ON"
     " d.id=i.dataset_id WHERE t.part<>'eval' AND t.stage>0 AND i.part='test' AND d.eval_overlap=''"},
    {"task-mask", "a stage-3 task names the mask of its anomalous query (none where the ground truth is a union of several,"
                  " or unknown, which localisation refuses)",
     "SELECT DISTINCT 'task '||t.id||' ('||t.task||')','stage 3, but no mask for its query' FROM task t JOIN task_image x"
     " ON x.task_id=t.id AND x.role='query' LEFT JOIN image i ON i.id=x.image_id LEFT JOIN synth y ON y.id=x.synth_id"
     " WHERE t.stage=3 AND t.mask_id IS NULL AND (y.kind='anomalous' OR (i.label<>'normal' AND"
     " CASE (SELECT count(*) FROM image_mask k WHERE k.image_id=i.id AND k.role='gt')"
     " WHEN 1 THEN 1 WHEN 0 THEN t.task='s3_localise' ELSE 0 END))"},
    {"task-query", "query_pos points at the picture with the role query, which detection and localisation need;"
                   " positions count from 0 without gaps",
     "SELECT 'task '||t.id||' ('||t.task||')',CASE WHEN t.query_pos IS NOT NULL AND NOT EXISTS(SELECT 1"
     " FROM task_image x WHERE x.task_id=t.id AND"
     " x.pos=t.query_pos AND x.role='query') THEN 'query_pos '||t.query_pos||' is no query'"
     " WHEN t.query_pos IS NULL AND t.stage=3 AND t.task IN('s3_detect','s3_localise') THEN 'no query'"
     " ELSE 'positions with gaps' END FROM task t WHERE (t.query_pos IS"
     " NOT NULL AND NOT EXISTS(SELECT 1 FROM task_image x WHERE x.task_id=t.id AND x.pos=t.query_pos"
     " AND x.role='query')) OR (t.query_pos IS NULL AND t.stage=3 AND t.task IN('s3_detect','s3_localise')) OR"
     " (SELECT coalesce(max(pos),-1)+1<>count(*) FROM task_image x WHERE x.task_id=t.id)"},
    {"task-shots", "detection and localisation show as many references as shots, then the query, and nothing else",
     "SELECT 'task '||id||' ('||task||')',shots||' shots, but the pictures are '||coalesce(roles,'none') FROM"
     " (SELECT t.id,t.task,t.shots,(SELECT group_concat(role,',') FROM (SELECT role FROM task_image WHERE task_id=t.id"
     " ORDER BY pos)) AS roles FROM task t WHERE t.stage=3 AND t.task IN('s3_detect','s3_localise'))"
     " WHERE roles IS NOT replace(hex(zeroblob(min(max(coalesce(shots,0),0),64))),'00','ref,')||'query'"},
    {"task-exemplar", "no reference picture of a stage-3 task is the query, shows its object, or is what it was made from",
     "SELECT DISTINCT 'task '||t.id||' ('||t.task||')',r.path||' is shown as a reference for '||q.path||', the same '||CASE"
     " WHEN r.id=q.id THEN 'picture' ELSE"
     " 'object' END FROM task t JOIN task_image xr ON xr.task_id=t.id AND xr.role='ref' LEFT JOIN synth z"
     " ON z.id=xr.synth_id JOIN image r ON r.id=coalesce(xr.image_id,z.dst_image) JOIN task_image xq ON"
     " xq.task_id=t.id AND xq.role='query' LEFT JOIN synth y ON y.id=xq.synth_id JOIN image q"
     " ON q.id=coalesce(xq.image_id,y.dst_image) WHERE t.stage=3 AND"
     " (r.id=q.id OR r.object_key=q.object_key)"},
    {"task-reference", "a reference picture of a stage-3 task is good",
     "SELECT 'task '||t.id||' ('||t.task||')',coalesce(i.path,'recipe '||y.id)||' is a reference, but '||"
     "coalesce(i.label,y.kind) FROM task t JOIN task_image x ON x.task_id=t.id AND x.role='ref'"
     " LEFT JOIN image i ON i.id=x.image_id LEFT JOIN synth y ON y.id=x.synth_id"
     " WHERE t.stage=3 AND (i.label<>'normal' OR i.bad=1 OR y.kind<>'null_edit')"},
    {"task-words", "questions of detection and localisation mark anomaly words and normal words",
     "SELECT 'task '||id||' ('||task||')','no '||CASE WHEN coalesce(anomaly_spans,'') IN('','[]') THEN 'anomaly' ELSE"
     " 'normal' END||' words are marked' FROM task WHERE stage=3 AND task IN('s3_detect','s3_localise')"
     " AND (coalesce(anomaly_spans,'') IN('','[]') OR coalesce(normal_spans,'') IN('','[]'))"},
    {"task-answer", "an answer of detection begins with Yes or No, in accord with yes_means and the query's label",
     "SELECT 'task '||id||' ('||task||')',CASE WHEN yes_means IS NULL THEN 'yes_means is unset' WHEN yes IS NULL"
     " THEN 'its answer begins with neither Yes nor No: '||substr(answer,1,40) ELSE 'answered '||CASE yes WHEN 1"
     " THEN 'Yes' ELSE 'No' END||' about a'||CASE good WHEN 1 THEN ' good' ELSE 'n anomalous' END||"
     "' picture, Yes meaning '||yes_means END FROM (SELECT t.id,t.task,t.answer,t.yes_means,CASE"
     " WHEN t.answer='Yes' OR t.answer GLOB 'Yes[^A-Za-z]*' THEN 1 WHEN t.answer='No' OR t.answer GLOB 'No[^A-Za-z]*'"
     " THEN 0 END AS yes,(SELECT CASE WHEN i.label='normal' OR y.kind='null_edit' THEN 1 WHEN i.label='anomalous'"
     " OR y.kind='anomalous' THEN 0 END FROM task_image x LEFT JOIN image i ON i.id=x.image_id LEFT JOIN synth y"
     " ON y.id=x.synth_id WHERE x.task_id=t.id AND x.pos=t.query_pos) AS good FROM task t WHERE t.stage=3"
     " AND t.task='s3_detect') WHERE yes_means IS NULL OR yes IS NULL OR"
     " yes<>CASE yes_means WHEN 'normal' THEN good ELSE 1-good END"},
    {"template-polarity", "the canonical templates of a kind of task agree on what Yes means",
     "SELECT 'task kind '||task,'canonical templates disagree on yes_means' FROM template WHERE canonical=1"
     " GROUP BY task HAVING"
     " count(DISTINCT coalesce(yes_means,''))>1"},
    {"task-polarity", "a task's yes_means is its template's",
     "SELECT 'task '||t.id||' ('||t.task||')','yes_means '||coalesce(t.yes_means,'unset')||', its template says"
     " '||coalesce(p.yes_means,'unset') FROM task t"
     " JOIN template p ON p.id=t.template_id WHERE t.yes_means IS NOT p.yes_means"},
    {"crawl-kept", "a hit that is kept led to a good picture, one that is a double names what is kept instead",
     "SELECT 'hit '||h.id||' ('||coalesce(h.raw_url,'?')||')',CASE h.verdict WHEN 'kept' THEN 'kept, but no good picture came of it'"
     " ELSE 'a double of nothing' END FROM crawl_hit h WHERE (h.verdict='duplicate' AND h.of_hit IS NULL) OR (h.verdict='kept' AND NOT EXISTS("
     "WITH RECURSIVE way(id,step) AS (SELECT h.url_id,0 UNION ALL SELECT u.target_id,way.step+1 FROM way JOIN crawl_url u ON u.id=way.id"
     " WHERE u.target_id IS NOT NULL AND way.step<16)"
     " SELECT 1 FROM way JOIN crawl_url u ON u.id=way.id JOIN crawl_picture p ON p.id=u.picture_id WHERE p.error IS NULL))"},
    {"crawl-url", "an address that is done has an outcome: an error, a picture, a redirect or, for a page, an answer",
     "SELECT u.url,'done without an outcome' FROM crawl_url u WHERE u.state='done' AND u.error IS NULL AND u.picture_id IS NULL"
     " AND u.target_id IS NULL AND u.kind='image'"},
    {"crawl-image", "a picture of the crawl and its row for the other tools are the same file",
     "SELECT d.name||'/'||i.path,'not the file that the crawl stored' FROM crawl_picture p JOIN image i ON i.id=p.image_id"
     " JOIN dataset d ON d.id=i.dataset_id WHERE i.sha256 IS NOT p.stored_sha256 OR i.path IS NOT p.path"},
    {"annotate-caption", "a caption that names an answer agrees with an answer of its picture that passed, and that nobody rejected",
     "SELECT " PICTURE("d", "i") ",'a caption of an answer that '||CASE WHEN a.unit IS NULL THEN 'is not there'"
     " WHEN r.verdict='reject' THEN 'was rejected'"
     " ELSE 'did not pass' END FROM caption c JOIN image i ON i.id=c.image_id JOIN dataset d ON d.id=i.dataset_id LEFT JOIN annotate_answer a"
     " ON a.image_id=i.id AND lower(hex(a.unit))=json_extract(c.params,'$.unit') LEFT JOIN annotate_review r ON r.unit=a.unit"
     " WHERE CASE WHEN json_valid(c.params) THEN json_extract(c.params,'$.unit') IS NOT NULL ELSE 0 END"
     " AND (a.unit IS NULL OR r.verdict='reject' OR (a.state<>'ok' AND r.verdict IS NULL))"},
    {"annotate-picture", "an answer is about the picture as it is",
     "SELECT " PICTURE("d", "i") ",'an answer is about other bytes than the picture has now' FROM annotate_answer a JOIN image i ON i.id=a.image_id"
     " JOIN dataset d ON d.id=i.dataset_id WHERE a.image_sha256<>i.sha256"},
    {"annotate-audit", "what judges an answer names one that is there",
     "SELECT 'answer '||a.id,'judges an answer that is not there' FROM annotate_answer a WHERE a.of_unit IS NOT NULL AND NOT EXISTS(SELECT 1"
     " FROM annotate_answer b WHERE b.unit=a.of_unit)"},
    {NULL, NULL, NULL}};

const iad_check_sql_rule *iad_check_sql_rules(void) {
    return rules;
}

iad_status iad_check_sql(iad_check_state *state, iad_err *err) {
    for (const iad_check_sql_rule *rule = rules; rule->name; rule++) {
        iad_query q;
        IAD_TRY(iad_query_open(&q, state->manifest, rule->name, rule->sql, err));
        iad_status status = IAD_OK;
        while (status == IAD_OK && iad_query_next(&q)) {
            const char *item = iad_query_col_text(&q, 0), *text = iad_query_col_text(&q, 1);
            status = iad_check_report(state, rule->name, item ? item : "?", text ? text : "?", err);
        }
        iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
        if (status != IAD_OK || closed != IAD_OK) return status != IAD_OK ? status : closed;
        state->counts->rules++;
    }
    return IAD_OK;
}
