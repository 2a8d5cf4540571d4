#!/usr/bin/env bash
# iad-synth render: what a user sees on the command line.
set -euo pipefail
synth=$IAD_BIN/iad-synth
[ -x "$synth" ] || { echo "iad-synth is not built"; exit 77; }
fail() { echo "FAILED: $*" >&2; exit 1; }
# expect CODE command...: runs it quietly, checks the exit code, keeps its streams in out.txt and err.txt
expect() {
    local want=$1 got=0
    shift
    "$@" >out.txt 2>err.txt || got=$?
    [ "$got" = "$want" ] || { cat out.txt err.txt >&2; fail "exit $got instead of $want: $*"; }
}
digest() { (cd "$1" && find . -type f ! -name '.*' -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -d' ' -f1); }
small=(--families gear,wood --size 64 --train 2 --good 1 --bad 6)

# lists
expect 0 "$synth" render --list
[ "$(grep -c '^[a-z]' out.txt)" -ge 12 ] || fail "fewer than twelve families"
expect 0 "$synth" render --list --json
python3 -c 'import json; r = json.load(open("out.txt")); assert len(r) >= 12 and all(len(f["kinds"]) >= 4 for f in r)' 2>/dev/null \
    || { command -v python3 >/dev/null && fail "--list --json is not what it should be"; }
expect 0 "$synth" render --help
grep -q -- '--families' out.txt || fail "no help"

# wrong calls
expect 2 "$synth" render
grep -q -- '--out' err.txt || fail "the message does not name --out"
expect 2 "$synth" render --out x --families gear,spoon
grep -q spoon err.txt || fail "the message does not name the family"
expect 2 "$synth" render --out x --size 63
expect 2 "$synth" render --out x --bad -1
expect 2 "$synth" render --out x --seed 12x
expect 2 "$synth" render --out x --layout visa
expect 2 "$synth" render --out x extra
[ ! -e x ] || fail "a refused call left files"

# a plan writes nothing
expect 0 "$synth" render "${small[@]}" --out plan --dry-run
[ ! -e plan ] || fail "--dry-run made the folder"
[ "$(wc -l <out.txt)" = 18 ] || fail "the plan has $(wc -l <out.txt) lines"
grep -q "^gear/test/missing_tooth/001.png$(printf '\t')gear/ground_truth/missing_tooth/001_mask.png$" out.txt || fail "the plan lacks a picture"

# the same bytes with any number of threads, and what was planned
cut -f1 out.txt >want.txt
cut -f2 out.txt | grep . >>want.txt
expect 0 "$synth" render "${small[@]}" --out a --threads 1
grep -q '^iad-synth render: .*pictures=18 written=18 present=0 failed=0' err.txt || fail "no summary line"
expect 0 "$synth" render "${small[@]}" --out b --threads 8 --quiet --json
grep -q '"written": 18' out.txt || fail "no JSON result"
expect 0 "$synth" render "${small[@]}" --out b --quiet
[ ! -s out.txt ] || fail "--quiet prints a table"
diff <(sort want.txt) <(cd a && find . -name '*.png' | sed 's|^\./||' | sort) || fail "other files than planned"
[ "$(digest a)" = "$(digest b)" ] || fail "1 and 8 threads differ"
expect 0 "$synth" render "${small[@]}" --out other --seed 2
[ "$(digest a)" != "$(digest other)" ] || fail "the seed changes nothing"

# again: nothing to do; another recipe or a foreign folder: refused
expect 0 "$synth" render "${small[@]}" --out a
grep -q 'written=0 present=18' err.txt || fail "pictures were rendered again"
expect 1 "$synth" render "${small[@]}" --out a --seed 2
grep -q 'seed' err.txt || fail "the message does not say why"
mkdir foreign && touch foreign/thing
expect 1 "$synth" render "${small[@]}" --out foreign
[ "$(ls foreign)" = thing ] || fail "a foreign folder was touched"

# killed at some moment: the same call finishes with the same bytes
for pause in 0.02 0.05 0.1 0.2 0.3; do
    "$synth" render "${small[@]}" --out killed --threads 2 --quiet >/dev/null 2>&1 &
    pid=$!
    sleep "$pause"
    kill -9 "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
done
expect 0 "$synth" render "${small[@]}" --out killed --threads 2
[ "$(digest a)" = "$(digest killed)" ] || fail "a killed run does not end like a whole one"

# interrupted: exit 130, and the same call goes on
"$synth" render --families all --size 128 --out stopped --threads 2 --quiet >/dev/null 2>err.txt &
pid=$!
while [ "$(find stopped -name '*.png' 2>/dev/null | wc -l)" -lt 3 ] && kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
kill -INT "$pid"
code=0
wait "$pid" || code=$?
[ "$code" = 130 ] || fail "interrupted with exit $code"

# several products of a family, all for training, with captions and real masks: enough for records of all stages
expect 0 "$synth" render --families gear,tile --designs 2 --size 64 --train 4 --good 2 --bad 5 --part train --out many --db many.db --captions
grep -q 'caption: pictures=24 captioned=24 present=0 foreign=0 added=72' err.txt || fail "no captions: $(cat err.txt)"
[ -f many/gear_2/ground_truth/train/crack/000_mask.png ] && [ ! -e many/gear/test ] || fail "not all for training"
cmp -s many/gear/train/good/000.png a/gear/train/good/000.png || fail "the first design is not the one of a single product"
cmp -s many/gear/train/good/000.png many/gear_2/train/good/000.png && fail "two designs, one product"
expect 0 "$synth" caption --db many.db
grep -q 'present=24 foreign=0 added=0' err.txt || fail "captioned twice"
expect 1 "$synth" caption --db many.db --dataset none
expect 2 "$synth" caption
expect 2 "$synth" render --families gear --size 64 --out y --captions
for stage in 1 2 3; do
    expect 0 "$synth" tasks --db many.db --stage "$stage"
    grep -q 'added=[1-9]' err.txt || fail "no records of stage $stage"
done

# into a manifest, once
expect 0 "$synth" render "${small[@]}" --out a --db parts.db --name parts
grep -q 'added=18' err.txt || fail "the pictures did not reach the manifest"
expect 0 "$synth" render "${small[@]}" --out a --db parts.db --name parts
grep -q 'added=0' err.txt || fail "the pictures were added twice"
expect 1 "$synth" render "${small[@]}" --out a --db /dev/null/no.db
if [ -x "$IAD_BIN/iad-manifest" ]; then
    expect 0 "$IAD_BIN/iad-manifest" check --db parts.db
fi
echo ok
