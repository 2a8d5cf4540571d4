#!/usr/bin/env python3
"""Writes tests/unit/reasoning/data/difflib.jsonl: pairs of texts with Python's difflib.SequenceMatcher(None, a, b).ratio(), and checks the guessed
letters of letter.jsonl beside it against get_close_matches. Usage: difflib_reference.py DATA_FOLDER"""
import difflib
import json
import os
import random
import re
import sys

folder = sys.argv[1]
draw = random.Random(7)
words = "the part shows a scratch near left edge of cap no defect dent hole stain is visible screw thread bent ünïcode 缺陷 划痕 😀".split()


def text(kind):
    if kind == 0:
        return "".join(draw.choice("ab") for _ in range(draw.randrange(30)))
    if kind == 1:
        return " ".join(draw.choice(words) for _ in range(draw.randrange(12)))
    if kind == 2:
        return "".join(draw.choice("abcdefgh ") for _ in range(draw.randrange(190, 330)))
    return " ".join(draw.choice(words) for _ in range(draw.randrange(40, 60)))


with open(os.path.join(folder, "difflib.jsonl"), "w") as out:
    for i in range(120):
        a, b = text(draw.randrange(4)), text(draw.randrange(4))
        if i % 5 == 0:
            b = a[: len(a) // 2] + b[len(b) // 2 :]
        ratio = difflib.SequenceMatcher(None, a, b).ratio()
        out.write(json.dumps([a, b, ratio], ensure_ascii=False) + "\n")

wrong = 0
for line in open(os.path.join(folder, "letter.jsonl")):
    answer, options, letter, guessed, _ = json.loads(line)
    found = re.findall(r"\b([A-E])\b", answer)
    close = difflib.get_close_matches(answer, options, n=1, cutoff=0.0)
    want = (found[-1], 0) if found else (chr(65 + options.index(close[0])), 1) if close else ("", 0)
    if want != (letter, guessed):
        print("label differs from difflib:", answer, options, letter, want)
        wrong = 1
sys.exit(wrong)
