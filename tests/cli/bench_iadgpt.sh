#!/usr/bin/env bash
# iad-bench run --scorer iadgpt: a random model scores a drawn data set; stages and memory are told; a second run scores nothing
# again; another model does not mix with the stored maps.
set -euo pipefail
iadgpt=$IAD_BIN/iadgpt bench=$IAD_BIN/iad-bench
fail() { echo "FAILED: $*" >&2; exit 1; }

"$IAD_BIN/iad-synth" render --out data --families gear --size 96 --train 4 --good 2 --bad 2 --seed 1 --quiet 2> /dev/null
"$IAD_BIN/iad-manifest" ingest --db set.db --adapter mvtec --name drawn data --option set=none --quiet > /dev/null 2>&1
for seed in 1 2; do "$iadgpt" new-model --config small --seed $seed model$seed --quiet > /dev/null 2> new.log || { cat new.log; fail "new-model"; }; done

run() { "$bench" run --db set.db --scorer iadgpt --shots 2 --image-size 84x84 --out out --quiet --threads 2 "$@"; }
run --model model1 > table.txt 2> run.log || { cat run.log; fail "the run"; }
grep -q gear table.txt || fail "no row for the category"
grep -q '"name": *"iadgpt"' out/results.json || fail "the result does not name the scorer"
for key in preprocess_ms vision_ms prefill_ms peak_device_bytes weight_bytes; do grep -q "$key" out/timings.json || fail "timings.json has no $key"; done
cp out/results.json before.json
run --model model1 > table2.txt 2> run2.log
cmp before.json out/results.json
cmp table.txt table2.txt
if run --model model2 > other.txt 2>&1; then fail "maps of another model were taken"; fi
grep -q -- --restart other.txt || fail "the message does not say how to go on"

code=0
run > none.txt 2>&1 || code=$?
[ "$code" = 2 ] || fail "exit $code without --model"
grep -q -- '--model' none.txt || fail "the message does not name --model"
