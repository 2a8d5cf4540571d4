/* A tiny sentence model: weights by a formula that tests/tools/make_words_fixture.py knows, too, and the files around them. */
#ifndef IAD_WORDS_FIXTURE_H
#define IAD_WORDS_FIXTURE_H

#include "tests/unit/iad_test.h"

#include <ftw.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "bench/words/sbertconfig.h"
#include "runtime/tensor/nametable.h"
#include "runtime/tensor/stwriter.h"

enum { FIX_VOCAB = 40, FIX_DIM = 24, FIX_LAYERS = 2, FIX_HEADS = 3, FIX_FF = 40, FIX_BERT_POS = 30, FIX_MPNET_POS = 32, FIX_MAX_TENSORS = 64 };

/* Element i of a tensor. */
static inline float fix_value(const char *name, uint64_t i) {
    uint64_t z = (i + iad_fnv1a(name)) * 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    z ^= z >> 31;
    double x = ((double)(z >> 40) / 16777216.0 - 0.5) * 0.6;
    return (float)(x + (strstr(name, "LayerNorm.weight") ? 1 : 0));
}

typedef struct fix_tensor {
    char name[100];
    int64_t rows, cols; /* rows 0: a vector */
} fix_tensor;

static inline void fix_add(fix_tensor *list, size_t *n, const char *name, int64_t rows, int64_t cols) {
    assert_true(*n < FIX_MAX_TENSORS);
    snprintf(list[*n].name, sizeof list[*n].name, "%s", name);
    list[*n].rows = rows;
    list[(*n)++].cols = cols;
}

static inline void fix_linear(fix_tensor *list, size_t *n, int layer, const char *name, int64_t rows, int64_t cols) {
    char full[100];
    snprintf(full, sizeof full, "encoder.layer.%d.%s.weight", layer, name);
    fix_add(list, n, full, rows, cols);
    snprintf(full, sizeof full, "encoder.layer.%d.%s.bias", layer, name);
    fix_add(list, n, full, 0, rows ? rows : cols);
}

static inline size_t fix_tensors(int mpnet, fix_tensor *list) {
    static const char *const bert[] = {"attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense",
                                       "attention.output.LayerNorm"};
    static const char *const mpnet_names[] = {"attention.attn.q", "attention.attn.k", "attention.attn.v", "attention.attn.o", "attention.LayerNorm"};
    size_t n = 0;
    fix_add(list, &n, "embeddings.word_embeddings.weight", FIX_VOCAB, FIX_DIM);
    fix_add(list, &n, "embeddings.position_embeddings.weight", mpnet ? FIX_MPNET_POS : FIX_BERT_POS, FIX_DIM);
    if (mpnet) fix_add(list, &n, "encoder.relative_attention_bias.weight", 32, FIX_HEADS);
    else fix_add(list, &n, "embeddings.token_type_embeddings.weight", 2, FIX_DIM);
    fix_add(list, &n, "embeddings.LayerNorm.weight", 0, FIX_DIM);
    fix_add(list, &n, "embeddings.LayerNorm.bias", 0, FIX_DIM);
    for (int i = 0; i < FIX_LAYERS; i++) {
        const char *const *names = mpnet ? mpnet_names : bert;
        for (int k = 0; k < 4; k++) fix_linear(list, &n, i, names[k], FIX_DIM, FIX_DIM);
        fix_linear(list, &n, i, names[4], 0, FIX_DIM);
        fix_linear(list, &n, i, "intermediate.dense", FIX_FF, FIX_DIM);
        fix_linear(list, &n, i, "output.dense", FIX_DIM, FIX_FF);
        fix_linear(list, &n, i, "output.LayerNorm", 0, FIX_DIM);
    }
    return n;
}

/* prefix: before every name in the file; the values are those of the name without it. skip: a tensor to leave out, or NULL. */
static inline void fix_weights(const char *dir, int mpnet, const char *prefix, const char *skip) {
    iad_err err = IAD_ERR_NONE;
    fix_tensor list[FIX_MAX_TENSORS];
    size_t n = fix_tensors(mpnet, list);
    iad_st_writer *writer;
    assert_ok(iad_st_writer_new_dir(dir, 0, &writer, &err));
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < n; i++) {
            char name[sizeof list->name + 32];
            int64_t shape[2] = {list[i].rows ? list[i].rows : list[i].cols, list[i].cols};
            snprintf(name, sizeof name, "%.30s%.99s", prefix, list[i].name);
            if (skip && !strcmp(skip, list[i].name)) continue;
            if (pass == 0) assert_ok(iad_st_writer_declare(writer, name, IAD_F32, list[i].rows ? 2 : 1, shape, &err));
            for (int64_t k = 0; pass == 1 && k < (list[i].rows ? list[i].rows : 1) * list[i].cols; k++) {
                float value = fix_value(list[i].name, (uint64_t)k);
                assert_ok(iad_st_writer_write(writer, &value, sizeof value, &err));
            }
        }
        if (pass == 0) assert_ok(iad_st_writer_begin(writer, &err));
    }
    assert_ok(iad_st_writer_finish(writer, &err));
    iad_st_writer_free(writer);
}

static inline void fix_write(const char *dir, const char *name, const char *text) {
    iad_err err = IAD_ERR_NONE;
    char path[IAD_PATH_MAX];
    assert_ok(iad_path_join(path, sizeof path, dir, name, &err));
    assert_ok(iad_file_write(path, text, strlen(text), &err));
}

static inline const char *fix_config_text(int mpnet) {
    return mpnet ? "{\"model_type\": \"mpnet\", \"vocab_size\": 40, \"hidden_size\": 24, \"num_hidden_layers\": 2, \"num_attention_heads\": 3, "
                   "\"intermediate_size\": 40, \"max_position_embeddings\": 32, \"relative_attention_num_buckets\": 32, \"layer_norm_eps\": 1e-6}"
                 : "{\"model_type\": \"bert\", \"vocab_size\": 40, \"hidden_size\": 24, \"num_hidden_layers\": 2, \"num_attention_heads\": 3, "
                   "\"intermediate_size\": 40, \"max_position_embeddings\": 30, \"type_vocab_size\": 2, \"layer_norm_eps\": 1e-6}";
}

/* A whole folder: 40 pieces, max_seq_length 12, mean pooling, normalised. */
static inline void fix_folder(const char *dir, int mpnet) {
    static const char bert_vocab[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n";
    static const char mpnet_vocab[] = "<s>\n<pad>\n</s>\n[UNK]\n<mask>\n";
    static const char rest[] = "scratch\n##es\nthe\non\nmetal\na\nb\nc\n##b\n##c\nlong\nhole\n.\n,\n";
    char text[sizeof bert_vocab + sizeof rest];
    snprintf(text, sizeof text, "%s%s", mpnet ? mpnet_vocab : bert_vocab, rest);
    fix_weights(dir, mpnet, "", NULL);
    fix_write(dir, "config.json", fix_config_text(mpnet));
    fix_write(dir, "vocab.txt", text);
    fix_write(dir, "sentence_bert_config.json", "{\"max_seq_length\": 12, \"do_lower_case\": false}");
    fix_write(dir, "modules.json",
              "[{\"idx\": 0, \"name\": \"0\", \"path\": \"\", \"type\": \"sentence_transformers.models.Transformer\"},"
              "{\"idx\": 1, \"name\": \"1\", \"path\": \"1_Pooling\", \"type\": \"sentence_transformers.models.Pooling\"},"
              "{\"idx\": 2, \"name\": \"2\", \"path\": \"2_Normalize\", \"type\": \"sentence_transformers.models.Normalize\"}]");
    fix_write(dir, "1_Pooling/config.json", "{\"word_embedding_dimension\": 24, \"pooling_mode_mean_tokens\": true}");
}

static inline int fix_drop(const char *path, const struct stat *info, int kind, struct FTW *place) {
    (void)info, (void)kind, (void)place;
    return remove(path);
}

/* A scratch folder; fix_remove deletes it. */
static inline void fix_dir(char dir[64]) {
    snprintf(dir, 64, "%s", "/tmp/iad-words-XXXXXX");
    assert_non_null(mkdtemp(dir));
}
static inline void fix_remove(const char *dir) { nftw(dir, fix_drop, 16, FTW_DEPTH | FTW_PHYS); }

#endif
