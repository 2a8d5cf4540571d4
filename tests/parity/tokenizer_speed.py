#!/usr/bin/env python3
"""Our tokenizer against Hugging Face tokenizers, one thread each, same texts of about 8 KB; the ids are compared too.

  tokenizer_speed.py DIR BUILD [TEXTFILE]     DIR: from tokenizer_golden.py vocab; BUILD: a CMake build folder of this tree
Without TEXTFILE: 20 MB, half sources and documents of this machine (/usr/include, /usr/share, the tree), half golden strings.
"""
import glob
import os
import subprocess
import sys
import tempfile
import time

os.environ["RAYON_NUM_THREADS"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
import tokenizers  # noqa: E402

import token_strings as ts  # noqa: E402

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def mixed(path, size=20_000_000):
    out, total = [], 0
    patterns = ["/usr/include/**/*.h", "/usr/share/**/*.md", "/usr/share/**/*.txt", "/usr/lib/python3*/**/*.py", ROOT + "/**/*.md",
                ROOT + "/**/*.c"]
    files = sorted(f for p in patterns for f in glob.glob(p, recursive=True) if os.path.isfile(f) and "/build/" not in f)
    step = max(1, len(files) // 1500)
    for f in files[::step]:
        data = open(f, "rb").read(60000).decode("utf-8", "replace").encode()
        out.append(data)
        total += len(data)
        if total > size // 2:
            break
    i = 0
    while total < size:
        text = ts.make(i % ts.STRINGS) if i % 1000 not in (499, 999) else b""
        text = text.decode("utf-8", "replace").encode() + b"\n"
        out.append(text)
        total += len(text)
        i += 1
    open(path, "wb").write(b"".join(out))


def main():
    folder, build = sys.argv[1:3]
    with tempfile.TemporaryDirectory() as tmp:
        text = sys.argv[3] if len(sys.argv) > 3 else os.path.join(tmp, "mixed.txt")
        if len(sys.argv) <= 3:
            mixed(text)
        tool = os.path.join(tmp, "token_speed")
        subprocess.run(["cc", "-std=c11", "-O2", "-D_GNU_SOURCE", "-I", ROOT, os.path.join(ROOT, "tests/tools/token_speed.c"), "-o", tool,
                        os.path.join(build, "runtime/libiad_runtime.a"), os.path.join(build, "base/libiad_base.a"), "-ljansson",
                        "-lpcre2-8", "-lutf8proc", "-lcrypto", "-lm", "-lpthread"], check=True)
        print(subprocess.run([tool, folder, text], check=True, capture_output=True, text=True).stdout.strip(), flush=True)
        data, texts, at = open(text, "rb").read(), [], 0
        while at < len(data):
            end = data.find(b"\n", at + 8192) + 1 if at + 8192 < len(data) else len(data)
            end = end or len(data)
            texts.append(data[at:end].decode("utf-8", "replace"))
            at = end
        whole = tokenizers.Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
        best, ids = 1e30, []
        for _ in range(2):
            start = time.thread_time()
            ids = whole.encode_batch_fast(texts, add_special_tokens=False)
            best = min(best, time.thread_time() - start)
        h, count = ts.FNV_START, 0
        for e in ids:
            count += len(e.ids)
            for i in e.ids:
                h = (h ^ i) * 0x100000001B3 & ts.MASK
        print(f"hugging_face tokens={count} hash={h:016x} seconds={best:.4f} MB_per_s={len(data) / best / 1e6:.1f} "
              f"version={tokenizers.__version__} bytes={len(data)}")


main()
