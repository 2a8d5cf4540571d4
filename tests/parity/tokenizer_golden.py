#!/usr/bin/env python3
"""Golden hashes of token ids and decoded texts, made by Hugging Face tokenizers.

  tokenizer_golden.py vocab OUTDIR        the Qwen vocabulary as tokenizer.json, vocab.json, merges.txt, tokenizer_config.json
                                          (from the file that the dashscope package carries; it must not be shipped)
  tokenizer_golden.py golden DIR OUTFILE  one line per 100 strings: hash of the ids with added tokens off, with them on,
                                          and of the text decoded from the second ids backwards
Needs: tokenizers; for `vocab` also dashscope (only its file is read).
The C side: tests/unit/token/test_token_golden.c; the strings: token_strings.py.
"""
import base64
import importlib.util
import json
import os
import struct
import sys

import token_strings as ts

REGEX = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
ADDED = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>", "<|object_ref_end|>", "<|box_start|>",
         "<|box_end|>", "<|quad_start|>", "<|quad_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>", "<|image_pad|>",
         "<|video_pad|>", "<tool_call>", "</tool_call>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>", "<|fim_pad|>",
         "<|repo_name|>", "<|file_sep|>"]
# Known ids of the real vocabulary: the check that it was rebuilt rightly.
CHECKS = {"Hello world": [9707, 1879], "I'm fine, don't 12345  x\n\n  y\t\tz": [40, 2776, 6915, 11, 1513, 944, 220, 16, 17, 18, 19,
          20, 220, 856, 271, 220, 379, 197, 20832], "x \n y": [87, 715, 379], "A\r\nB": [32, 319, 33], "   indent": [256, 17504],
          "DON'T": [84641, 17323], "e\u0301": [963], "你好，世界": [108386, 3837, 99489], "Picture 1: ": [24669, 220, 16, 25, 220],
          " anomalous": [36682, 29443], "Yes": [9454], "No": [2753]}


def byte_chars():
    keep = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    table, k = {b: chr(b) for b in keep}, 0
    for b in range(256):
        if b not in table:
            table[b] = chr(256 + k)
            k += 1
    return table, keep


def split_token(token, ranks):
    """The two parts that the last merge of a token joins: merge its bytes with the ranks below its own."""
    parts, limit = [bytes([b]) for b in token], ranks[token]
    while len(parts) > 2:
        best = min(range(len(parts) - 1), key=lambda i: ranks.get(parts[i] + parts[i + 1], 1 << 60))
        assert ranks[parts[best] + parts[best + 1]] < limit
        parts[best:best + 2] = [parts[best] + parts[best + 1]]
    return parts


def make_vocab(out):
    folder = os.path.dirname(importlib.util.find_spec("dashscope").origin)
    ranks = {}
    for line in open(os.path.join(folder, "resources", "qwen.tiktoken"), "rb"):
        token, rank = line.split()
        ranks[base64.b64decode(token)] = int(rank)
    chars, keep = byte_chars()
    text = lambda token: "".join(chars[b] for b in token)
    order = keep + [b for b in range(256) if b not in set(keep)]
    vocab = {chars[b]: i for i, b in enumerate(order)}
    merges = []
    for token, rank in sorted(ranks.items(), key=lambda kv: kv[1]):
        if len(token) == 1:
            continue
        a, b = split_token(token, ranks)
        merges.append((text(a), text(b)))
        assert rank == 256 + len(merges) - 1, rank
        vocab[text(token)] = rank
    added = [dict(id=len(vocab) + i, content=t, single_word=False, lstrip=False, rstrip=False, normalized=False, special=i < 14)
             for i, t in enumerate(ADDED)]
    level = dict(type="ByteLevel", add_prefix_space=False, trim_offsets=False, use_regex=False)
    whole = dict(version="1.0", truncation=None, padding=None, added_tokens=added, normalizer=dict(type="NFC"),
                 pre_tokenizer=dict(type="Sequence", pretokenizers=[
                     dict(type="Split", pattern=dict(Regex=REGEX), behavior="Isolated", invert=False), level]),
                 post_processor=level, decoder=level,
                 model=dict(type="BPE", dropout=None, unk_token=None, continuing_subword_prefix="", end_of_word_suffix="",
                            fuse_unk=False, byte_fallback=False, ignore_merges=False, vocab=vocab,
                            merges=[a + " " + b for a, b in merges]))
    os.makedirs(out, exist_ok=True)
    write = lambda name, value: open(os.path.join(out, name), "w", encoding="utf-8", newline="\n").write(value)
    write("tokenizer.json", json.dumps(whole, ensure_ascii=False))
    write("vocab.json", json.dumps(vocab, ensure_ascii=False))
    write("merges.txt", "#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges))
    write("tokenizer_config.json", json.dumps(dict(tokenizer_class="Qwen2Tokenizer", added_tokens_decoder={
        str(a["id"]): {k: v for k, v in a.items() if k != "id"} for a in added})))
    import tokenizers
    tok = tokenizers.Tokenizer.from_file(os.path.join(out, "tokenizer.json"))
    for text_, ids in CHECKS.items():
        assert tok.encode(text_).ids == ids, (text_, tok.encode(text_).ids)
    print(f"{len(vocab)} tokens, {len(merges)} merges in {out}; {len(CHECKS)} known texts are right")


def make_golden(folder, out):
    import tokenizers
    text = open(os.path.join(folder, "tokenizer.json"), encoding="utf-8").read()
    added = tokenizers.Tokenizer.from_str(text)
    whole = json.loads(text)
    whole["added_tokens"] = []
    plain = tokenizers.Tokenizer.from_str(json.dumps(whole))
    lines = []
    for block in range(0, ts.STRINGS, ts.BLOCK):
        raw = [ts.make(i) for i in range(block, block + ts.BLOCK)]
        texts = [r.decode("utf-8", "replace") for r in raw]
        a = [e.ids for e in plain.encode_batch(texts, add_special_tokens=False)]
        b = [e.ids for e in added.encode_batch(texts, add_special_tokens=False)]
        hashes = []
        for kind in (a, b):
            h = ts.FNV_START
            for ids in kind:
                h = ts.fnv(h, struct.pack(f"<{len(ids) + 1}I", len(ids), *ids))
            hashes.append(h)
        h = ts.FNV_START
        for ids in b:
            h = ts.fnv(h, added.decode(ids[::-1], skip_special_tokens=True).encode("utf-8"))
        hashes.append(h)
        lines.append(" ".join(f"{h:016x}" for h in hashes))
    open(out, "w").write("\n".join(lines) + "\n")
    print(f"{ts.STRINGS} strings by tokenizers {tokenizers.__version__} -> {out}")


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "vocab":
        make_vocab(sys.argv[2])
    elif len(sys.argv) == 4 and sys.argv[1] == "golden":
        make_golden(sys.argv[2], sys.argv[3])
    else:
        sys.exit(__doc__)
