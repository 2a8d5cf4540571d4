#!/usr/bin/env bash
# bench/ablate.sh from nothing: a small corpus, variants of one step a stage, a table; what variants share is trained once, a second call
# trains nothing.
set -euo pipefail
for program in iad-synth iad-manifest iad-train iad-bench iadgpt; do [ -x "$IAD_BIN/$program" ] || { echo "$program is not built"; exit 77; }; done
fail() { echo "FAILED: $*" >&2; cat log.txt >&2; exit 1; }
synth=$IAD_BIN/iad-synth
{
    "$synth" render --out corpus --families washer,leather --size 64 --train 5 --good 3 --bad 4 --part train --db corpus.db --captions --quiet
    "$synth" anomalies --db corpus.db --per-image 2 --quiet
    for stage in 1 2 3; do "$synth" tasks --db corpus.db --stage $stage --quiet; done
    "$synth" render --out unseen --families gear --size 64 --train 2 --good 2 --bad 2 --db unseen.db --quiet
    "$IAD_BIN/iadgpt" new-model --config small --seed 3 init --quiet
} > log.txt 2>&1 || fail "the corpus"
for stage in 1 2 3; do
    sed 's/"batch": *[0-9]*/"batch": 2/; s/"image": *\[[^]]*\]/"image": [56, 56]/' "$IAD_SOURCE/train/configs/tiny-stage$stage.json" \
        > "mini-stage$stage.json"
done

ablate() {
    bash "$IAD_SOURCE/bench/ablate.sh" --bin "$IAD_BIN" --configs mini --init init --db corpus.db --eval unseen.db --out out --steps 1,1,1 --shots 1 \
        --only full,no-stage2,no-fusion,no-compression,one-map-layer --seed 5 "$@"
}
ablate > table.md 2> log.txt || fail "the run"
# header, rule, patchnn, five variants
[ "$(grep -c '^| ' table.md)" = 8 ] || { cat table.md; fail "the table has other rows"; }
rows='^\| (patchnn|full|no-stage2|no-fusion|no-compression|one-map-layer) \| [^|]* \| 1 \|( [0-9.]+ \|){4}$'
[ "$(grep -cE "$rows" table.md)" = 6 ] || { cat table.md; fail "a row is not whole"; }
# stage 1: with and without fusion; stage 2 likewise; stage 3: one for each variant
for want in 1:2 2:2 3:5; do
    n=$(find out/stages -maxdepth 1 -name "${want%:*}-*" | wc -l)
    [ "$n" = "${want#*:}" ] || fail "$n trainings of stage ${want%:*} instead of ${want#*:}"
done
# what was left out is left out in the config, and nowhere else
[ "$(grep -l '"compression": false' out/configs/*.json | wc -l)" = 1 ] || fail "no-compression"
[ "$(grep -l '"map_layers": \[7\]' out/configs/*.json | wc -l)" = 1 ] || fail "one-map-layer"
[ "$(grep -L 'iadgpt.fusion' out/stages/3-*/model/model.safetensors | wc -l)" = 1 ] || fail "no-fusion"

cp table.md before.md
ablate > table.md 2> log.txt || fail "the second run"
cmp before.md table.md || fail "the table changed"
[ "$(grep -c 'ablate: stage' log.txt || true)" = 0 ] || fail "something was trained again"

refuse() {
    local code=0
    bash "$IAD_SOURCE/bench/ablate.sh" "$@" > log.txt 2>&1 || code=$?
    [ "$code" = 2 ] || fail "exit $code: $*"
}
refuse --bin "$IAD_BIN"
refuse --nonsense
refuse --bin "$IAD_BIN" --configs mini --init init --db corpus.db --eval unseen.db --out out --only full,nothing
refuse --bin "$IAD_BIN" --configs mini --init init --db corpus.db --eval unseen.db --out out --steps 1,2
