#!/usr/bin/env python3
"""Compares every picture under some folders, as this library decodes it, with Pillow. Needs Pillow and numpy.

    compare_decode.py BUILD_FOLDER FOLDER_OR_FILE...

BUILD_FOLDER holds the static libraries. Prints one line per difference and a summary; exit status 1 when any differs.
"""
import os
import subprocess
import sys
import tempfile

import numpy as np
from PIL import Image

sys.dont_write_bytecode = True
import pillow_oracle  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".bmp")


def find(build, name):
    for folder, _, files in os.walk(build):
        if name in files:
            return os.path.join(folder, name)
    sys.exit(f"{name} is not under {build}")


def build_dump(build, out):
    libs = [find(build, "libiad_image.a"), find(build, "libiad_base.a")]
    flags = subprocess.run(["pkg-config", "--libs", "libjpeg", "libpng", "libwebp", "libcrypto", "jansson", "libpcre2-8"],
                           check=True, capture_output=True, text=True).stdout.split()
    subprocess.run(["cc", "-O2", "-std=c11", "-D_GNU_SOURCE", "-I", ROOT, os.path.join(ROOT, "tests/tools/decode_dump.c"),
                    *libs, *flags, "-lm", "-pthread", "-o", out], check=True)


def pictures(roots):
    for root in roots:
        if os.path.isfile(root):
            yield root
        for folder, _, files in sorted(os.walk(root)):
            for name in sorted(files):
                if name.lower().endswith(ENDINGS):
                    yield os.path.join(folder, name)


def main():
    build, roots = sys.argv[1], sys.argv[2:]
    paths = list(pictures(roots))
    with tempfile.TemporaryDirectory() as scratch:
        dump = os.path.join(scratch, "decode_dump")
        build_dump(build, dump)
        out = subprocess.run([dump], input="\n".join(paths) + "\n", capture_output=True, text=True, check=True).stdout
    bad = 0
    for line in out.splitlines():
        path, *ours = line.split("\t")
        try:
            array = pillow_oracle.decode(path)
            channels = 1 if array.ndim == 2 else array.shape[2]
            theirs = [str(array.shape[1]), str(array.shape[0]), str(channels), pillow_oracle.sha(array)]
        except Exception as reason:  # whatever Pillow raises is its verdict
            theirs = ["error", str(reason)]
        if ours != theirs and not (ours[0] == theirs[0] == "error"):
            bad += 1
            print(path, "ours", ours, "Pillow", theirs)
    print(f"pictures={len(paths)} different={bad} pillow={Image.__version__} numpy={np.__version__}")
    return 1 if bad or not paths else 0


if __name__ == "__main__":
    sys.exit(main())
