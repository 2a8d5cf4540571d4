#!/usr/bin/env bash
# Recipes from the command line: the same on any number of threads, kept over a kill, refused when their pictures have changed; the sheet and the files made of them.
set -euo pipefail
fail() { echo "FAILED: $*" >&2; exit 1; }
synth=$IAD_BIN/iad-synth manifest=$IAD_BIN/iad-manifest bench=$IAD_BIN/iad-bench
command -v python3 > /dev/null || { echo "skipped: no python3"; exit 77; }
command -v sqlite3 > /dev/null && sql() { sqlite3 "$@"; } || sql() { python3 -c 'import sqlite3,sys
for row in sqlite3.connect(sys.argv[1]).execute(sys.argv[2]): print("|".join(str(c) for c in row))' "$@"; }
expect() { # expect CODE COMMAND...
    local want=$1 code=0
    shift
    "$@" > out.txt 2> err.txt || code=$?
    [ "$code" = "$want" ] || { cat out.txt err.txt; fail "exit $code, not $want: $*"; }
}
recipes() { sql "$1" "SELECT hex(s.recipe_sha256), hex(coalesce(m.sha256,'')) FROM synth s LEFT JOIN mask m ON m.id=s.mask_vis ORDER BY 1"; }

"$synth" render --out parts --families gear,wood,washer --size 128 --train 8 --good 1 --bad 1 --seed 3 --quiet 2> /dev/null
for db in one.db four.db killed.db; do "$manifest" ingest --db $db --adapter mvtec --name parts parts --quiet > /dev/null 2>&1; done

# ---- threads
expect 0 "$synth" anomalies --db one.db --per-image 5 --seed 5 --threads 1 --quiet
expect 0 "$synth" anomalies --db four.db --per-image 5 --seed 5 --threads 4 --quiet
recipes one.db > one.txt
recipes four.db > four.txt
[ "$(wc -l < one.txt)" -ge 100 ] || fail "only $(wc -l < one.txt) recipes"
cmp one.txt four.txt || fail "recipes depend on the number of threads"
# ... and adding a category changes no recipe that does not look at other categories
"$manifest" ingest --db less.db --adapter mvtec --name parts parts --quiet > /dev/null 2>&1
expect 0 "$synth" anomalies --db less.db --per-image 5 --seed 5 --textures none --categories gear --quiet
expect 0 "$synth" anomalies --db less.db --per-image 5 --seed 5 --textures none --quiet
"$manifest" ingest --db all.db --adapter mvtec --name parts parts --quiet > /dev/null 2>&1
expect 0 "$synth" anomalies --db all.db --per-image 5 --seed 5 --textures none --quiet
recipes less.db > less.txt
recipes all.db | cmp - less.txt || fail "one category's recipes depend on another's"

# ---- again: nothing new; a kill in between loses nothing
expect 0 "$synth" anomalies --db one.db --per-image 5 --seed 5 --quiet
grep -q ' added=0 ' err.txt || fail "a second run added recipes"
for delay in 0.05 0.15 0.3; do
    "$synth" anomalies --db killed.db --per-image 5 --seed 5 --threads 2 --quiet > /dev/null 2>&1 &
    sleep $delay
    kill -9 $! 2> /dev/null || true
    wait $! 2> /dev/null || true
done
expect 0 "$synth" anomalies --db killed.db --per-image 5 --seed 5 --quiet
recipes killed.db | cmp - one.txt || fail "a killed run left other recipes"
expect 0 "$manifest" check --db one.db

# ---- usage, and what is left out
expect 2 "$synth" anomalies --db one.db --preset none
expect 1 "$synth" anomalies --db one.db --categories nowhere --quiet
grep -q 'no such data set or category' err.txt || fail "an unknown category is not named"
expect 1 "$synth" anomalies --db one.db --textures dtd --quiet
grep -q 'dtd' err.txt || fail "the missing set of textures is not named"

# ---- the sheet and the files
expect 0 "$synth" preview --db one.db --out sheet.png --n 4 --side 64
[ "$(head -c 8 sheet.png | od -An -tx1 | tr -d ' \n')" = 89504e470d0a1a0a ] || fail "the sheet is no PNG"
expect 1 "$synth" preview --db one.db --out none.png --category nowhere
[ ! -e none.png ] || fail "a failed preview left a file"
expect 0 "$synth" files --db one.db --out files --quiet --threads 3
lines=$(($(wc -l < files/list.tsv) - 1))
[ "$(find files -name '*.jpg' | wc -l)" = "$lines" ] || fail "list.tsv and the pictures differ"
[ "$(find files -name '*_mask.png' | wc -l)" = "$(cut -f5 files/list.tsv | grep -c anomalous)" ] || fail "masks are missing"
find files -type f | sort | xargs sha256sum > before.txt
victim=$(find files -name '*.jpg' | sort | sed -n 5p)
rm "$victim"
expect 0 "$synth" files --db one.db --out files --quiet --threads 1
grep -q ' written=1 ' err.txt || fail "finished files were written again"
find files -type f | sort | xargs sha256sum | cmp - before.txt || fail "a file came out differently"

# ---- nothing but the defect tells them apart: file formats and quality tables, and what a regression finds
python3 - files/list.tsv <<'P' || fail "good and edited pictures are encoded differently"
import sys, collections
count = {}
for line in open(sys.argv[1]).read().splitlines()[1:]:
    path, kind = line.split("\t")[:2]
    data = open("files/" + path, "rb").read()
    at, tables = 2, []
    while data[at + 1] != 0xda:
        n = data[at + 2] << 8 | data[at + 3]
        if data[at + 1] in (0xdb, 0xc0): tables.append(bytes(data[at + 4:at + 2 + n]) if data[at + 1] == 0xdb else bytes(data[at + 9:at + 2 + n]))
        at += 2 + n
    count.setdefault(kind == "good", collections.Counter())[tuple(tables)] += 1
seen = set(count[True]) | set(count[False])
assert len(seen) == 6, len(seen)  # three qualities, two subsamplings
assert set(count[True]) <= set(count[False])
P
expect 0 "$bench" leak --list files/list.tsv --limit 0.9
grep -q '^(all)' out.txt || fail "the leak probe has no row for all"

# ---- pictures that are gone or have changed
good=$(find parts/gear/train/good -name '*.png' | sort | head -1)
mv "$good" kept.png
expect 3 "$synth" files --db one.db --out gone --categories gear --quiet
grep -q "$(basename "$good")" err.txt || { cat err.txt; fail "the missing picture is not named"; }
[ "$(wc -l < gone/list.tsv)" -gt 1 ] || fail "one missing picture stopped the others"
cp "$(find parts/gear/train/good -name '*.png' | sort | tail -1)" "$good"
expect 3 "$synth" files --db one.db --out changed --categories gear --quiet
grep -q 'have changed' err.txt || { cat err.txt; fail "the changed picture is not noticed"; }
mv kept.png "$good"
expect 0 "$synth" files --db one.db --out changed --categories gear --quiet
echo ok
