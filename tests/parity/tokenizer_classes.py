#!/usr/bin/env python3
"""Writes runtime/token/pretok_ranges.c: the letters and numbers as the regex engine of Hugging Face tokenizers sees them.

The ranges are frozen in our source, so that ids do not change with the Unicode version of an installed library.
Usage: tokenizer_classes.py > runtime/token/pretok_ranges.c      (needs: tokenizers)
"""
import tokenizers
from tokenizers import Regex, pre_tokenizers


def members(pattern):
    """Code points that the one-character pattern matches."""
    removed = pre_tokenizers.Split(Regex(pattern), "removed")
    found = []
    for base in range(0, 0x110000, 0x800):
        if base == 0xD800:
            continue
        text = "".join(map(chr, range(base, base + 0x800)))
        left = set("".join(piece for piece, _ in removed.pre_tokenize_str(text)))
        found += [ord(c) for c in text if c not in left]
    return found


def ranges(points):
    out = []
    for p in points:
        if out and out[-1][1] == p - 1:
            out[-1][1] = p
        else:
            out.append([p, p])
    return out


def table(name, pattern):
    rows = ranges(members(pattern))
    print(f"const iad_pretok_range iad_pretok_{name}[] = {{")
    for i in range(0, len(rows), 6):
        print("    " + " ".join("{0x%04x, 0x%04x}," % tuple(r) for r in rows[i:i + 6]))
    print("};")
    print(f"const size_t iad_pretok_n_{name} = sizeof iad_pretok_{name} / sizeof *iad_pretok_{name};\n")


print(f"/* Made by tests/parity/tokenizer_classes.py from tokenizers {tokenizers.__version__}. Do not edit. */")
print('#include "runtime/token/pretok_ranges.h"\n')
table("letters", r"\p{L}")
table("numbers", r"\p{N}")
table("spaces", r"\s")
