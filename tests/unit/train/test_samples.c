/* One record as a sample: the prompt and the map's words are those of inference, marked words land on their tokens in both languages, boxes, masks,
 * targets, compression; costs against the train page. */
#include "tests/unit/train/loader_fixture.h"

#include "base/json.h"
#include "runtime/engine/engine.h"
#include "synth/recipe/recipe.h"
#include "train/data/samplecost.h"
#include "train/data/samplemake.h"
#include "train/data/sampleprint.h"
#include "train/data/sampletext.h"

static corpus shared;
static iad_loader *loader;
static iadgpt_engine *engine;
static iad_manifest *manifest;

static int open_shared(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    corpus_open(&shared, "samples");
    /* handmade records beside the drawn ones */
    corpus_exec(&shared, "INSERT INTO task(id,dataset_id,category_id,stage,task,question,answer,turns,query_pos,part,external_id,weight)"
                         " SELECT 900001,i.dataset_id,i.category_id,3,'s3_reason','Image 1: <image>'||char(10)||'Why?','"
                         " Because.','[{\"from\":\"human\",\"value\":\"x\"},{\"from\":\"gpt\",\"value\":\"y\"},"
                         "{\"from\":\"human\",\"value\":\"And then?\"},{\"from\":\"gpt\",\"value\":\"Nothing.\"}]',0,'train','hand/1',0.5 FROM"
                         " image i WHERE i.path LIKE 'tile/train/good/000%'");
    corpus_exec(&shared, "INSERT INTO task_image(task_id,pos,image_id,role) SELECT 900001,0,id,'query' FROM image WHERE path LIKE"
                         " 'tile/train/good/000%'");
    iad_loader_options options = corpus_options(&shared, 3);
    options.threads = 1;
    loader = corpus_loader(&shared, &options);
    engine = fixture_open(shared.model, "cpu", "f32");
    assert_ok(iad_manifest_open(shared.db, IAD_MANIFEST_READ, &manifest, &err));
    return 0;
}

static int close_shared(void **state) {
    (void)state;
    iad_manifest_close(manifest);
    iadgpt_engine_close(engine);
    iad_loader_free(loader);
    corpus_close(&shared);
    return 0;
}

static iad_sample sample_of(int64_t task) {
    iad_err err = IAD_ERR_NONE;
    iad_sample s;
    assert_ok(iad_loader_sample(loader, task, &s, &err));
    return s;
}

static void decoded(const int32_t *ids, size_t n, iad_buf *out) {
    iad_err err = IAD_ERR_NONE;
    iad_buf_reset(out);
    assert_ok(iad_tokenizer_decode(engine->tokenizer, ids, n, 0, out, &err));
}

/* Question, answer and spans of a record. */
typedef struct texts {
    char *question, *answer, *task;
    json_t *spans[2];
    int query, shots;
} texts;

static char *column_text(iad_query *q, int i) { return iad_query_col_null(q, i) ? NULL : iad_strdup(iad_query_col_text(q, i)); }

static texts texts_of(int64_t task) {
    iad_err err = IAD_ERR_NONE;
    iad_query q;
    texts t = {0};
    assert_ok(iad_query_open(&q, manifest, "task", "SELECT question,answer,task,anomaly_spans,normal_spans,query_pos,shots FROM task WHERE id=?",
                             &err));
    iad_query_i64(&q, task);
    assert_int_equal(iad_query_next(&q), 1);
    t.question = column_text(&q, 0);
    t.answer = column_text(&q, 1);
    t.task = column_text(&q, 2);
    for (int i = 0; i < 2; i++)
        if (!iad_query_col_null(&q, 3 + i)) t.spans[i] = json_loads(iad_query_col_text(&q, 3 + i), 0, NULL);
    t.query = iad_query_col_null(&q, 5) ? -1 : (int)iad_query_col_i64(&q, 5);
    t.shots = (int)iad_query_col_i64(&q, 6);
    assert_ok(iad_query_close(&q, &err));
    return t;
}

static void texts_free(texts *t) {
    free(t->question);
    free(t->answer);
    free(t->task);
    json_decref(t->spans[0]);
    json_decref(t->spans[1]);
}

/* ---- inference ---- */

static void test_as_inference(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    int64_t ids[256];
    int n = corpus_ids(&shared, "SELECT t.id FROM task t JOIN template p ON p.id=t.template_id WHERE t.stage=3 AND t.task='s3_detect' AND"
                                " t.part='train' AND p.canonical=1", ids, 256);
    int shots_seen[5] = {0};
    assert_true(n > 10);
    for (int i = 0; i < n; i++) {
        iad_sample s = sample_of(ids[i]);
        int k = s.n_picture - 1;
        iad_token_scratch *scratch;
        iad_request request;
        iad_inspect_prompt prompt;
        iadgpt_settings settings;
        size_t *position;
        int *row_class, n_word;
        float *weight;
        assert_ok(iad_token_scratch_new(&scratch, &err));
        iadgpt_settings_defaults(&settings);
        assert_ok(iad_request_init(&request, engine, &settings, &err));
        assert_ok(iad_inspect_prompt_init(&prompt, engine, scratch, &request, k, &err));
        assert_ok(iad_inspect_words(engine, &prompt, iad_request_question(&request, k), &position, &row_class, &weight, &n_word, &err));
        /* token for token, picture for picture, word for word */
        assert_true((size_t)s.n_id > prompt.tokens.tokens.n);
        assert_memory_equal(s.ids, prompt.tokens.tokens.ids, prompt.tokens.tokens.n * sizeof *s.ids);
        assert_int_equal(s.query, k);
        assert_int_equal(s.pictures[k].position, prompt.query);
        assert_int_equal(s.n_word, n_word);
        assert_true(n_word >= 3);
        for (int w = 0; w < n_word; w++) {
            assert_int_equal(s.words[w].position, position[w]);
            assert_int_equal(s.words[w].row_class, row_class[w]);
            assert_memory_equal(&s.words[w].weight, &weight[w], sizeof *weight);
        }
        for (int p = 0; p <= k; p++) { /* the same patches for a picture that needs no work size, and the same compression */
            iad_resize_record size;
            assert_ok(iad_preprocess_size(96, 96, &request.image, &size, &err));
            assert_memory_equal(&s.pictures[p].patches.size, &size, sizeof size);
            assert_int_equal(s.pictures[p].reference, p > 0 && p < k ? 0 : -1);
        }
        assert_close(request.retention, shared.config.paper.retention, 0);
        shots_seen[k]++;
        free(position);
        free(row_class);
        free(weight);
        iad_inspect_prompt_deinit(&prompt);
        iad_request_deinit(&request);
        iad_token_scratch_free(scratch);
        iad_sample_deinit(&s);
    }
    assert_true(shots_seen[1] > 0 && shots_seen[2] > 0 && shots_seen[4] > 0);
}

/* ---- texts ---- */

/* Targets are the answer with its end, nothing else: and what the rows before them stand for is the answer's own tokens. */
static void check_targets(const iad_sample *s, const char *answer_text) {
    iad_buf text;
    iad_buf_init(&text, 1 << 20);
    int64_t first = -1, last = -1, n = 0;
    for (int64_t i = 0; i < s->n_id; i++) {
        if (s->target[i] < 0) continue;
        if (first < 0) first = i;
        last = i;
        n++;
        assert_int_equal(s->target[i], s->ids[i + 1]);
        for (int p = 0; p < s->n_picture; p++) assert_int_not_equal(s->pictures[p].position, i);
    }
    assert_int_equal(n, s->n_target);
    assert_int_equal(n, last - first + 1);
    decoded(s->ids + first + 1, (size_t)(n - 1), &text);
    if (!strstr(answer_text, "<box:")) assert_string_equal(iad_buf_str(&text), answer_text);
    else assert_non_null(strstr(iad_buf_str(&text), "\"bbox_2d\": ["));
    assert_null(strstr(iad_buf_str(&text), "<box:"));
    assert_int_equal(s->target[last], engine->ids.im_end);
    decoded(s->ids, (size_t)first + 1, &text);
    assert_true(text.len > 22 && strcmp(iad_buf_str(&text) + text.len - 22, "<|im_start|>assistant\n") == 0);
    decoded(s->ids + last + 2, (size_t)(s->n_id - last - 2), &text);
    assert_string_equal(iad_buf_str(&text), "\n");
    iad_buf_deinit(&text);
}

/* The rows of the words: each place has all its tokens, which together cover the word; a class adds up to 1 / layers. */
static void check_words(const iad_sample *s, const texts *t) {
    double sum[2] = {0, 0};
    int row = 0;
    iad_buf text;
    iad_buf_init(&text, 1 << 20);
    for (int c = 0; c < 2; c++)
        for (size_t i = 0; i < json_array_size(t->spans[c]); i++) {
            const char *word = json_string_value(json_array_get(json_array_get(t->spans[c], i), 2));
            int n = 0;
            float share = s->words[row].weight;
            while (row + n < s->n_word && s->words[row + n].row_class == c &&
                   (n == 0 || s->words[row + n].position == s->words[row + n - 1].position + 1)) {
                decoded(s->ids + s->words[row].position, (size_t)(s->words[row + n].position - s->words[row].position + 1), &text);
                n++;
                if (strstr(iad_buf_str(&text), word)) break;
            }
            assert_true(n > 0 && strstr(iad_buf_str(&text), word) != NULL);
            decoded(s->ids + s->words[row].position + 1, (size_t)(n - 1), &text); /* no token too many in front */
            assert_null(strstr(iad_buf_str(&text), word));
            for (int k = 0; k < n; k++) {
                assert_close(s->words[row + k].weight, share, 0);
                assert_true(s->words[row + k].position > s->pictures[s->query].position);
                sum[c] += s->words[row + k].weight;
            }
            row += n;
        }
    assert_int_equal(row, s->n_word);
    for (int c = 0; c < 2; c++) assert_close(sum[c], 1.0 / shared.config.paper.n_map_layers, 1e-6);
    iad_buf_deinit(&text);
}

static void test_all_records(void **state) {
    (void)state;
    int64_t ids[4096];
    int n = corpus_ids(&shared, "SELECT id FROM task WHERE part='train' AND turns IS NULL ORDER BY id", ids, 4096), with_words = 0, chinese = 0,
        boxes = 0, good = 0, bad = 0;
    assert_true(n > 100 && n < 4096);
    for (int i = 0; i < n; i++) {
        iad_sample s = sample_of(ids[i]);
        texts t = texts_of(ids[i]);
        check_targets(&s, t.answer);
        int maps = strcmp(t.task, "s3_detect") == 0 || strcmp(t.task, "s3_localise") == 0;
        assert_int_equal(s.n_word > 0, maps);
        assert_int_equal(s.mask != NULL, maps);
        assert_int_equal(s.query, t.query);
        assert_int_equal(s.ids[0], engine->ids.im_start);
        for (int p = 0; p < s.n_picture; p++) {
            assert_int_equal(s.ids[s.pictures[p].position], engine->ids.image_pad);
            assert_int_equal(s.ids[s.pictures[p].position - 1], engine->ids.vision_start);
            assert_int_equal(s.ids[s.pictures[p].position + 1], engine->ids.vision_end);
            assert_int_equal(s.pictures[p].reference, t.task[1] == '3' && p > 0 && p != t.query ? 0 : -1);
        }
        boxes += strstr(t.question, "<box:") || strstr(t.answer, "<box:");
        if (maps) {
            double sum = 0;
            check_words(&s, &t);
            with_words++;
            chinese += json_array_size(t.spans[0]) && (unsigned char)json_string_value(json_array_get(json_array_get(t.spans[0], 0), 2))[0] >= 0x80;
            assert_int_equal(s.mask_h, 2 * s.pictures[s.query].patches.gh / 2);
            assert_int_equal(s.mask_w, 2 * s.pictures[s.query].patches.gw / 2);
            for (int k = 0; k < s.mask_h * s.mask_w; k++) {
                assert_true(s.mask[k] >= 0 && s.mask[k] <= 1);
                sum += s.mask[k];
            }
            if (strcmp(t.task, "s3_detect") == 0) assert_int_equal(sum > 0, strncmp(t.answer, "No", 2) == 0);
            good += sum == 0;
            bad += sum > 0;
        }
        texts_free(&t);
        iad_sample_deinit(&s);
    }
    assert_true(with_words > 40 && chinese > 10 && boxes > 10 && good > 10 && bad > 10);
}

/* A dialogue: two answers are predicted, an answer's leading blank does not melt into the prompt. */
static void test_turns(void **state) {
    (void)state;
    iad_buf text;
    iad_buf_init(&text, 1 << 20);
    iad_sample s = sample_of(900001);
    decoded(s.ids, (size_t)s.n_id, &text);
    assert_string_equal(iad_buf_str(&text), "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\nImage 1: <|vision_start|>"
                                            "<|image_pad|><|vision_end|>\nWhy?<|im_end|>\n"
                                            "<|im_start|>assistant\n Because.<|im_end|>\n<|im_start|>user\nAnd then?<|im_end|>\n<|im_start|>"
                                            "assistant\nNothing.<|im_end|>\n");
    int32_t predicted[64];
    size_t n = 0;
    for (int64_t i = 0; i < s.n_id; i++)
        if (s.target[i] >= 0) predicted[n++] = s.target[i];
    decoded(predicted, n, &text);
    assert_string_equal(iad_buf_str(&text), " Because.<|im_end|>Nothing.<|im_end|>");
    assert_int_equal(s.n_target, n);
    assert_close(s.weight, 0.5, 0);
    assert_true(s.mask == NULL && s.n_word == 0);
    iad_sample_deinit(&s);
    iad_buf_deinit(&text);
}

/* Boxes are numbers of the resized picture: 96 x 96 becomes 84 high and 112 wide. */
static void test_boxes(void **state) {
    (void)state;
    int64_t ids[8];
    int n = corpus_ids(&shared, "SELECT id FROM task WHERE task='s3_localise' AND part='train' AND answer LIKE '%<box:0>%' ORDER BY id", ids, 8);
    assert_true(n > 0);
    for (int i = 0; i < n; i++) {
        iad_err err = IAD_ERR_NONE;
        iad_query q;
        int box[4], got[4];
        assert_ok(iad_query_open(&q, manifest, "task", "SELECT json_extract(boxes,'$[0].bbox_2d[0]'),"
                                                       "json_extract(boxes,'$[0].bbox_2d[1]'),json_extract(boxes,'$[0].bbox_2d[2]'),"
                                                       "json_extract(boxes,'$[0].bbox_2d[3]') FROM task WHERE id=?", &err));
        iad_query_i64(&q, ids[i]);
        assert_int_equal(iad_query_next(&q), 1);
        for (int k = 0; k < 4; k++) box[k] = (int)iad_query_col_i64(&q, k);
        assert_ok(iad_query_close(&q, &err));
        iad_sample s = sample_of(ids[i]);
        iad_buf text;
        iad_buf_init(&text, 1 << 20);
        decoded(s.ids, (size_t)s.n_id, &text);
        const char *answer = strstr(iad_buf_str(&text), "<|im_start|>assistant\n");
        assert_non_null(answer);
        const char *at = strstr(answer, "\"bbox_2d\": [");
        assert_non_null(at);
        assert_int_equal(sscanf(at, "\"bbox_2d\": [%d, %d, %d, %d]", &got[0], &got[1], &got[2], &got[3]), 4);
        for (int k = 0; k < 4; k++) assert_close(got[k], box[k] * (k % 2 ? 84.0 / 96 : 112.0 / 96), 1);
        iad_buf_deinit(&text);
        iad_sample_deinit(&s);
    }
}

/* ---- maps that cannot be supervised ---- */

/* A word in front of the query's picture cannot look at it: the record is broken, and says why. */
static void test_word_before_query(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_sample s;
    corpus_exec(&shared, "INSERT INTO task(id,dataset_id,category_id,stage,task,question,answer,query_pos,part,external_id,"
                         "anomaly_spans,normal_spans) SELECT 900002,dataset_id,category_id,3,'s3_detect',"
                         "'A defect, or normal? <image>','Yes.',0,'train','hand/2',"
                         "'[[2,8,\"defect\"]]','[[13,19,\"normal\"]]' FROM image WHERE path LIKE 'tile/train/good/000%'");
    corpus_exec(&shared, "INSERT INTO task_image(task_id,pos,image_id,role) SELECT 900002,0,id,'query' FROM image"
                         " WHERE path LIKE 'tile/train/good/000%'");
    assert_fails(IAD_ERR_FORMAT, iad_loader_sample(loader, 900002, &s, &err));
    assert_non_null(strstr(err.msg, "task 900002 (s3_detect): "));
    assert_non_null(strstr(err.msg, "before the query"));
    assert_fails(IAD_ERR_NOT_FOUND, iad_loader_sample(loader, 900003, &s, &err));
}

/* A model that compresses its query has no map of it. */
static void test_compressed_query(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_loader *other;
    iad_sample s;
    int64_t id = 0;
    iad_loader_options options = corpus_options(&shared, 3);
    iad_model_config config = shared.config;
    config.paper.compress_query = 1;
    assert_int_equal(corpus_ids(&shared, "SELECT id FROM task WHERE task='s3_detect' AND part='train' AND shots=2 ORDER BY id LIMIT 1", &id, 1), 1);
    assert_ok(iad_loader_new(&options, &config, &other, &err));
    assert_ok(iad_loader_sample(other, id, &s, &err));
    assert_true(s.pictures[0].reference == -1 && s.pictures[1].reference == 0 && s.pictures[2].reference == 0);
    assert_true(s.mask == NULL && s.n_word == 0 && s.mask_h == 0);
    iad_sample_deinit(&s);
    iad_loader_free(other);
    options.compress = 0; /* all tokens stay, and the map is there */
    assert_ok(iad_loader_new(&options, &config, &other, &err));
    assert_ok(iad_loader_sample(other, id, &s, &err));
    for (int i = 0; i < 3; i++) assert_int_equal(s.pictures[i].reference, -1);
    assert_true(s.mask != NULL && s.n_word > 0);
    iad_sample_deinit(&s);
    iad_loader_free(other);
}

/* An anomalous query that nobody drew a mask for: the answer is learnt, the map is not. Changes the corpus: stands last. */
static void test_unknown_mask(void **state) {
    (void)state;
    int64_t id = 0;
    assert_int_equal(corpus_ids(&shared, "SELECT t.id FROM task t JOIN task_image x ON x.task_id=t.id AND x.role='query' JOIN image i ON"
                                         " i.id=x.image_id"
                                         " WHERE t.task='s3_detect' AND t.part='eval' AND i.label='anomalous' ORDER BY t.id LIMIT 1", &id, 1), 1);
    iad_sample s = sample_of(id);
    assert_true(s.mask != NULL && s.n_word > 0);
    iad_sample_deinit(&s);
    corpus_exec(&shared, "DELETE FROM image_mask");
    s = sample_of(id);
    assert_true(s.mask == NULL && s.words == NULL && s.n_word == 0 && s.n_target > 0);
    iad_sample_deinit(&s);
}

/* ---- spans, step by step ---- */

static void check_one_question(const char *question, const char *const *words, const int *classes, size_t n) {
    iad_err err = IAD_ERR_NONE;
    iad_token_scratch *scratch;
    iad_token_writer writer;
    iad_word_spans spans = {0};
    iad_map_words rows = {0};
    iad_buf text;
    iad_buf_init(&text, 1 << 16);
    assert_ok(iad_token_scratch_new(&scratch, &err));
    for (int c = 0; c < 2; c++) {
        iad_buf_reset(&text);
        for (size_t i = 0; i < n; i++) {
            if (classes[i] != c) continue;
            const char *at = strstr(question, words[i]);
            assert_non_null(at);
            assert_ok(iad_buf_addf(&text, &err, "%s[%zu,%zu,\"x\"]", text.len ? "," : "[", (size_t)(at - question),
                                   (size_t)(at - question) + strlen(words[i])));
        }
        if (text.len) assert_ok(iad_buf_add_str(&text, "]", &err));
        assert_ok(iad_word_spans_parse(text.len ? iad_buf_str(&text) : NULL, c, question, &spans, &err));
    }
    assert_ok(iad_token_writer_init(&writer, engine->tokenizer, scratch, 3, &err));
    assert_ok(iad_token_writer_question(&writer, question, &spans, &shared.config.paper, &rows, &err));
    assert_int_equal(rows.n_place[0] + rows.n_place[1], n);
    int row = 0;
    for (size_t s = 0; s < spans.n; s++) {
        int first = row;
        float share = 0;
        while (row < rows.n && share < 0.9999f) share += rows.weight[row++];
        decoded(writer.ids.ids + rows.position[first], (size_t)(row - first), &text);
        size_t length = spans.place[2 * s + 1] - spans.place[2 * s];
        char word[64];
        snprintf(word, sizeof word, "%.*s", (int)length, question + spans.place[2 * s]);
        assert_non_null(strstr(iad_buf_str(&text), word));
        assert_true(text.len <= length + 8); /* at most neighbours that share a token */
        assert_int_equal(rows.row_class[first], spans.row_class[s]);
    }
    assert_int_equal(row, rows.n);
    iad_map_words_deinit(&rows);
    iad_word_spans_deinit(&spans);
    iad_token_writer_deinit(&writer);
    iad_token_scratch_free(scratch);
    iad_buf_deinit(&text);
}

static void test_spans(void **state) {
    (void)state;
    check_one_question("<image><image>Is there a defect here? Is it normal?", (const char *const[]){"defect", "normal"}, (const int[]){0, 1}, 2);
    check_one_question("Image 1: <image>\nImage 2: <image>\nimperfections and unblemished", (const char *const[]){"imperfections", "unblemished"},
                       (const int[]){0, 1}, 2);
    check_one_question("<image>请查找*缺陷*或异常区域。它是正常的吗？",
                       (const char *const[]){"缺陷", "异常", "正常"}, (const int[]){0, 0, 1}, 3);
    check_one_question("Before <image> abnormal,<image>normal.", (const char *const[]){"abnormal", "normal."}, (const int[]){0, 1}, 2);

    iad_err err = IAD_ERR_NONE;
    iad_word_spans spans = {0};
    static const char *const bad[] = {"{}", "[1]", "[[0]]", "[[3,3,\"\"]]", "[[-1,2,\"\"]]", "[[0,99,\"\"]]", "[[0,1,\"\"]", "[[0.5,1,\"\"]]"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_fails(IAD_ERR_FORMAT, iad_word_spans_parse(bad[i], 0, "a normal text", &spans,
                                                                                                            &err));
    iad_word_spans_deinit(&spans);
}

static void test_broken_questions(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_token_scratch *scratch;
    iad_token_writer writer;
    iad_map_words rows = {0};
    iad_word_spans spans = {0};
    assert_ok(iad_token_scratch_new(&scratch, &err));
    assert_ok(iad_token_writer_init(&writer, engine->tokenizer, scratch, 1, &err));
    assert_fails(IAD_ERR_FORMAT, iad_token_writer_question(&writer, "<image><image>?", NULL, &shared.config.paper, NULL, &err));
    assert_fails(IAD_ERR_FORMAT, iad_token_writer_answer(&writer, "see <image>", &err));
    assert_ok(iad_word_spans_parse("[[0,9,\"\"]]", 0, "no<image>rmal", &spans, &err));
    assert_fails(IAD_ERR_FORMAT, iad_token_writer_question(&writer, "no<image>rmal", &spans, &shared.config.paper, &rows, &err));
    iad_word_spans_deinit(&spans);
    iad_map_words_deinit(&rows);
    iad_token_writer_deinit(&writer);
    iad_token_scratch_free(scratch);
}

/* ---- masks ---- */

static void test_mask_average(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_image mask;
    float cells[12];
    assert_ok(iad_image_init(&mask, 6, 4, 1, &err)); /* 6 wide, 4 high */
    mask.px[0] = 255;                                 /* (0, 0) */
    mask.px[1 * 6 + 5] = 1;                           /* (5, 1) */
    for (int x = 0; x < 6; x++) mask.px[3 * 6 + x] = 255;
    iad_sample_mask_average(&mask, 2, 3, cells); /* cells of 2 x 2 */
    const float even[6] = {0.25f, 0, 0.25f, 0.5f, 0.5f, 0.5f};
    for (int i = 0; i < 6; i++) assert_close(cells[i], even[i], 1e-7);
    iad_sample_mask_average(&mask, 3, 4, cells); /* cells of 1.5 wide, 4/3 high: a pixel may belong to several */
    assert_close(cells[0], 1 / 2.0, 1e-6);
    assert_close(cells[3], 1.0 / 3 / 2, 1e-6);
    assert_close(cells[7], 2.0 / 3 / 2, 1e-6);
    for (int i = 8; i < 12; i++) assert_close(cells[i], 0.75, 1e-6);
    double sum = 0;
    for (int i = 0; i < 12; i++) sum += cells[i] * 2;
    assert_close(sum, 8, 1e-5); /* area stays */
    iad_image_deinit(&mask);
}

/* ---- print ---- */

static void test_print(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_buf text;
    int64_t id = 0;
    iad_buf_init(&text, 1 << 20);
    assert_int_equal(corpus_ids(&shared, "SELECT t.id FROM task t JOIN template p ON p.id=t.template_id WHERE t.task='s3_detect' AND t.part='train'"
                                         " AND p.canonical=1 AND t.shots=2"
                                         " AND t.answer LIKE 'No%' ORDER BY t.id LIMIT 1", &id, 1), 1);
    iad_sample s = sample_of(id);
    assert_ok(iad_sample_print(&s, &shared.config, engine->tokenizer, -1, &text, &err));
    const char *t = iad_buf_str(&text);
    static const char *const parts[] = {"picture 2: 96 x 96 as 112 x 84, 4 x 3 tokens, ", "kept against picture 1", "picture 3 (query)",
                                        "<|vision_start|><picture 1><|vision_end|>",
                                        "** defect**", "** abnormal**", "++ normal++", "assistant\n[[No", "<|im_end|>]]", "anomaly, weight ",
                                            "mask of 8 x 6 cells\n|"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strstr(t, parts[i])) fail_msg("\"%s\" is not in\n%s", parts[i], t);
    assert_true(strpbrk(strstr(t, "mask of"), "@%#*+=-:.") != NULL);
    iad_sample_deinit(&s);
    s = sample_of(900001);
    iad_buf_reset(&text);
    assert_ok(iad_sample_print(&s, &shared.config, engine->tokenizer, 0.5, &text, &err));
    assert_non_null(strstr(iad_buf_str(&text), "no map is supervised"));
    assert_non_null(strstr(iad_buf_str(&text), "[[ Because.<|im_end|>]]"));
    iad_sample_deinit(&s);
    iad_buf_deinit(&text);
}

/* ---- costs ---- */

static iad_sample shape(int pictures, int64_t text, int64_t supervised, int compressed) {
    iad_sample s = {.n_picture = pictures, .n_id = text + pictures, .n_target = supervised, .pictures = iad_calloc((size_t)pictures,
                                                                                                                   sizeof *s.pictures)};
    for (int i = 0; i < pictures; i++)
        s.pictures[i] = (iad_sample_picture){.patches = {.gh = 32, .gw = 32, .n_row = 1024, .n_col = 1176}, .reference = compressed && i > 0 &&
                                             i + 1 < pictures ? 0 : -1};
    return s;
}

/* The table of the train page (448 x 448, the 7B model), TFLOP. */
static void test_costs(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_model_config config;
    assert_ok(iad_newmodel_config("7b", &config, &err));
    static const struct { int pictures, compressed, trained; int64_t text, supervised, rows; double tflop; } rows[] = {
        {1, 0, 1, 152, 120, 408, 20.5}, {5, 1, 0, 120, 2, 785, 38.1}, {5, 1, 1, 120, 2, 785, 51.4}, {5, 0, 0, 120, 2, 1400, 63.0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        iad_sample s = shape(rows[i].pictures, rows[i].text, rows[i].supervised, rows[i].compressed);
        assert_int_equal(iad_sample_rows(&s, 2, 0.2), rows[i].rows);
        double tflop = iad_sample_cost(&s, &config, 0.2, rows[i].trained) / 1e12;
        if (tflop < 0.97 * rows[i].tflop || tflop > 1.03 * rows[i].tflop) fail_msg("row %zu: %.2f TFLOP, the page has %.1f", i, tflop, rows[i].tflop);
        iad_sample_deinit(&s);
    }
    iad_sample s = shape(3, 10, 1, 1);
    assert_int_equal(iad_sample_picture_rows(&s.pictures[1], 2, 0.001), 1); /* floor(0.256 + 0.5) = 0: one stays */
    assert_int_equal(iad_sample_picture_rows(&s.pictures[1], 2, 0.2), 51);
    assert_int_equal(iad_sample_picture_rows(&s.pictures[1], 2, 1), 256);
    iad_sample_deinit(&s);
    iad_sample_deinit(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_as_inference), cmocka_unit_test(test_all_records),      cmocka_unit_test(test_turns),
                                       cmocka_unit_test(test_boxes),        cmocka_unit_test(test_spans),
                                           cmocka_unit_test(test_broken_questions),
                                       cmocka_unit_test(test_mask_average), cmocka_unit_test(test_print),            cmocka_unit_test(test_costs),
                                       cmocka_unit_test(test_word_before_query), cmocka_unit_test(test_compressed_query),
                                       cmocka_unit_test(test_unknown_mask)};
    return cmocka_run_group_tests_name("samples", tests, open_shared, close_shared);
}
