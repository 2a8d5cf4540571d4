/* The four files of a trained tokenizer. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "runtime/token/bpe_train_internal.h"

const char *iad_bpe_added_name(int k, int *special) {
    static const char *const names[IAD_BPE_ADDED] = {
        "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>", "<|object_ref_end|>", "<|box_start|>", "<|box_end|>",
        "<|quad_start|>", "<|quad_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>", "<|image_pad|>", "<|video_pad|>",
        "<tool_call>", "</tool_call>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>", "<|fim_pad|>", "<|repo_name|>",
        "<|file_sep|>"};
    *special = k < 14;
    return names[k];
}

/* Template with the meaning of the published one, for readers that render text. */
static const char chat_template[] =
    "{% set count = namespace(images=0) %}"
    "{% if not messages or messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' }}{% endif %}"
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\\n' }}"
    "{% if m['content'] is string %}{{ m['content'] }}{% else %}{% for part in m['content'] %}"
    "{% if part['type'] == 'image' %}{% set count.images = count.images + 1 %}"
    "{% if add_vision_id %}{{ 'Picture ' + count.images | string + ': ' }}{% endif %}"
    "{{ '<|vision_start|><|image_pad|><|vision_end|>' }}{% else %}{{ part['text'] }}{% endif %}{% endfor %}{% endif %}"
    "{{ '<|im_end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

/* A token in byte characters; `json`: with quotes and escapes. */
static iad_status add_token(const iad_bpe_train *train, int32_t id, int json, iad_buf *out, iad_err *err) {
    if (json) IAD_TRY(iad_buf_add(out, "\"", 1, err));
    for (size_t i = train->tokens.offset[id]; i < train->tokens.offset[id + 1]; i++) {
        uint32_t c = iad_token_char_of(train->tokens.arena[i]);
        char text[2] = {(char)c, 0};
        if (c < 0x80) {
            if (json && (c == '"' || c == '\\')) IAD_TRY(iad_buf_add(out, "\\", 1, err));
            IAD_TRY(iad_buf_add(out, text, 1, err));
        } else {
            text[0] = (char)(0xC0 | c >> 6);
            text[1] = (char)(0x80 | (c & 63));
            IAD_TRY(iad_buf_add(out, text, 2, err));
        }
    }
    return json ? iad_buf_add(out, "\"", 1, err) : IAD_OK;
}

/* A text of ours in quotes; only these two signs need an escape. */
static iad_status add_quoted(const char *text, iad_buf *out, iad_err *err) {
    IAD_TRY(iad_buf_add(out, "\"", 1, err));
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') IAD_TRY(iad_buf_add(out, "\\", 1, err));
        IAD_TRY(iad_buf_add(out, text, 1, err));
    }
    return iad_buf_add(out, "\"", 1, err);
}

static iad_status add_vocab(const iad_bpe_train *train, iad_buf *out, iad_err *err) {
    IAD_TRY(iad_buf_add(out, "{", 1, err));
    for (size_t id = 0; id < train->tokens.n; id++) {
        if (id) IAD_TRY(iad_buf_add(out, ",", 1, err));
        IAD_TRY(add_token(train, (int32_t)id, 1, out, err));
        IAD_TRY(iad_buf_addf(out, err, ":%zu", id));
    }
    return iad_buf_add(out, "}", 1, err);
}

static iad_status add_added(const iad_bpe_train *train, int decoder, iad_buf *out, iad_err *err) {
    for (int k = 0; k < IAD_BPE_ADDED; k++) {
        int special;
        const char *name = iad_bpe_added_name(k, &special);
        size_t id = train->tokens.n + (size_t)k;
        IAD_TRY(decoder ? iad_buf_addf(out, err, "%s\"%zu\":{", k ? "," : "", id) : iad_buf_addf(out, err, "%s{\"id\":%zu,", k ? "," : "", id));
        IAD_TRY(iad_buf_addf(out, err,
                             "\"content\":\"%s\",\"single_word\":false,\"lstrip\":false,\"rstrip\":false,\"normalized\":false,\"special\":%s}",
                             name, special ? "true" : "false"));
    }
    return IAD_OK;
}

static iad_status make_tokenizer(const iad_bpe_train *train, iad_buf *out, iad_err *err) {
    iad_buf_reset(out);
    IAD_TRY(iad_buf_add_str(out, "{\"version\":\"1.0\",\"truncation\":null,\"padding\":null,\"added_tokens\":[", err));
    IAD_TRY(add_added(train, 0, out, err));
    IAD_TRY(iad_buf_add_str(out,
                            "],\"normalizer\":{\"type\":\"NFC\"},\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":["
                            "{\"type\":\"Split\",\"pattern\":{\"Regex\":",
                            err));
    IAD_TRY(add_quoted(IAD_PRETOK_QWEN2, out, err));
    IAD_TRY(iad_buf_add_str(out,
                            "},\"behavior\":\"Isolated\",\"invert\":false},"
                            "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"trim_offsets\":false,\"use_regex\":false}]},"
                            "\"post_processor\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"trim_offsets\":false,\"use_regex\":false},"
                            "\"decoder\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"trim_offsets\":false,\"use_regex\":false},"
                            "\"model\":{\"type\":\"BPE\",\"dropout\":null,\"unk_token\":null,\"continuing_subword_prefix\":\"\","
                            "\"end_of_word_suffix\":\"\",\"fuse_unk\":false,\"byte_fallback\":false,\"ignore_merges\":false,\"vocab\":",
                            err));
    IAD_TRY(add_vocab(train, out, err));
    IAD_TRY(iad_buf_add_str(out, ",\"merges\":[", err));
    for (size_t i = 0; i < train->n_rules; i++) {
        IAD_TRY(iad_buf_add_str(out, i ? ",[" : "[", err));
        IAD_TRY(add_token(train, train->rules[i].left, 1, out, err));
        IAD_TRY(iad_buf_add(out, ",", 1, err));
        IAD_TRY(add_token(train, train->rules[i].right, 1, out, err));
        IAD_TRY(iad_buf_add(out, "]", 1, err));
    }
    return iad_buf_add_str(out, "]}}\n", err);
}

static iad_status make_merges(const iad_bpe_train *train, iad_buf *out, iad_err *err) {
    iad_buf_reset(out);
    IAD_TRY(iad_buf_add_str(out, "#version: 0.2\n", err));
    for (size_t i = 0; i < train->n_rules; i++) {
        IAD_TRY(add_token(train, train->rules[i].left, 0, out, err));
        IAD_TRY(iad_buf_add(out, " ", 1, err));
        IAD_TRY(add_token(train, train->rules[i].right, 0, out, err));
        IAD_TRY(iad_buf_add(out, "\n", 1, err));
    }
    return IAD_OK;
}

static iad_status make_config(const iad_bpe_train *train, iad_buf *out, iad_err *err) {
    iad_buf_reset(out);
    IAD_TRY(iad_buf_add_str(out, "{\"add_bos_token\":false,\"add_prefix_space\":false,\"added_tokens_decoder\":{", err));
    IAD_TRY(add_added(train, 1, out, err));
    IAD_TRY(iad_buf_add_str(out, "},\"additional_special_tokens\":[", err));
    for (int k = 1; k < 14; k++) {
        int special;
        IAD_TRY(iad_buf_addf(out, err, "%s\"%s\"", k > 1 ? "," : "", iad_bpe_added_name(k, &special)));
    }
    IAD_TRY(iad_buf_add_str(out, "],\"bos_token\":null,\"chat_template\":", err));
    IAD_TRY(add_quoted(chat_template, out, err));
    return iad_buf_add_str(out,
                           ",\"clean_up_tokenization_spaces\":false,\"eos_token\":\"<|im_end|>\",\"errors\":\"replace\","
                           "\"model_max_length\":131072,\"pad_token\":\"<|endoftext|>\",\"split_special_tokens\":false,"
                           "\"tokenizer_class\":\"Qwen2Tokenizer\",\"unk_token\":null}\n",
                           err);
}

static iad_status write_file(const char *dir, const char *name, const iad_buf *out, iad_err *err) {
    char path[IAD_PATH_MAX];
    IAD_TRY(iad_path_join(path, sizeof path, dir, name, err));
    return iad_file_write(path, iad_buf_str(out), out->len, err);
}

static iad_status write_all(const iad_bpe_train *train, const char *dir, iad_buf *out, iad_err *err) {
    IAD_TRY(iad_dir_make(dir, err));
    IAD_TRY(make_tokenizer(train, out, err));
    IAD_TRY(write_file(dir, "tokenizer.json", out, err));
    iad_buf_reset(out);
    IAD_TRY(add_vocab(train, out, err));
    IAD_TRY(write_file(dir, "vocab.json", out, err));
    IAD_TRY(make_merges(train, out, err));
    IAD_TRY(write_file(dir, "merges.txt", out, err));
    IAD_TRY(make_config(train, out, err));
    return write_file(dir, "tokenizer_config.json", out, err);
}

iad_status iad_bpe_train_write(const iad_bpe_train *train, const char *dir, iad_err *err) {
    if (!train->done) return IAD_FAIL(err, IAD_ERR_ARG, "the tokenizer is not trained yet");
    iad_buf out;
    iad_buf_init(&out, IAD_TOKEN_MAX_FILE);
    iad_status status = write_all(train, dir, &out, err);
    iad_buf_deinit(&out);
    return status;
}
