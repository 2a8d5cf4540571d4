/* What models have said about pictures, e.g. on several machines that took a share of the pictures each. */
#include "manifests/merge_rows.h"

#define ANSWER_COLUMNS "unit,image_id,image_sha256,prompt_sha256,model,params,round,of_unit,state,detail,raw,request_id,served_model,finish," \
                       "prompt_tokens,completion_tokens,cached_tokens,predicted,cost,ms,attempts,colour,batch,run_id,at"

static const iad_merge_kind kinds[] = {
    {"annotate_prompt", -1, "SELECT 0,sha256,id,version,lang,mode,text FROM annotate_prompt ORDER BY sha256", "......",
     "INSERT INTO annotate_prompt(sha256,id,version,lang,mode,text) VALUES(?,?,?,?,?,?)", "SELECT 1 FROM annotate_prompt WHERE sha256=?", "a", -1},
    {"annotate_answer", -1, "SELECT id," ANSWER_COLUMNS " FROM annotate_answer ORDER BY id", ".i.....................r.",
     "INSERT INTO annotate_answer(" ANSWER_COLUMNS ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
     "SELECT 1,raw FROM annotate_answer WHERE unit=?", "a", 10},
    {"annotate_verdict", -1, "SELECT 0,unit,check_name,field,weight,detail FROM annotate_verdict ORDER BY unit,check_name,field", ".....",
     "INSERT INTO annotate_verdict(unit,check_name,field,weight,detail) VALUES(?,?,?,?,?)",
     "SELECT 1 FROM annotate_verdict WHERE unit=? AND check_name=? AND field=?", "abc", -1},
    {"annotate_review", -1, "SELECT 0,unit,verdict,reason,run_id,at FROM annotate_review ORDER BY unit", "...r.",
     "INSERT INTO annotate_review(unit,verdict,reason,run_id,at) VALUES(?,?,?,?,?)", "SELECT 1,verdict FROM annotate_review WHERE unit=?", "a", 1},
    {"annotate_trouble", -1, "SELECT 0,unit,image_id,model,class,detail,attempts,at FROM annotate_trouble ORDER BY unit", ".i.....",
     "INSERT INTO annotate_trouble(unit,image_id,model,class,detail,attempts,at) VALUES(?,?,?,?,?,?,?)",
     "SELECT 1 FROM annotate_trouble WHERE unit=?", "a", -1},
    {"annotate_batch", -1,
     "SELECT 0,name,model,requests,bytes,state,input_file,provider_id,output_file,error_file,detail,at FROM annotate_batch ORDER BY name",
     "...........", "INSERT INTO annotate_batch(name,model,requests,bytes,state,input_file,provider_id,output_file,error_file,detail,at)"
     " VALUES(?,?,?,?,?,?,?,?,?,?,?)", "SELECT 1 FROM annotate_batch WHERE name=?", "a", -1},
    {"annotate_batch_unit", -1,
     "SELECT 0,unit,batch,image_id,prompt_sha256,params,round,of_unit,predicted,colour FROM annotate_batch_unit ORDER BY unit",
     "..i......",
     "INSERT INTO annotate_batch_unit(unit,batch,image_id,prompt_sha256,params,round,of_unit,predicted,colour) VALUES(?,?,?,?,?,?,?,?,?)",
     "SELECT 1 FROM annotate_batch_unit WHERE unit=?", "a", -1}};

iad_status iad_merge_annotate(iad_merge_state *state, iad_err *err) {
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) IAD_TRY(iad_merge_table(state, &kinds[i], err));
    /* Trouble that has an answer by now is none. */
    return iad_query_exec(state->into, "DELETE FROM annotate_trouble WHERE unit IN(SELECT unit FROM annotate_answer)", err);
}
