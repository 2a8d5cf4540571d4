#!/usr/bin/env bash
# A stage of training, killed hard at random moments (also inside the writing of checkpoints), and told to go by SIGTERM: the same command ends with the same bytes as a
# call that nobody disturbed, on any number of threads. Another config or other records for the same OUT are refused.
set -euo pipefail
synth=$IAD_BIN/iad-synth train=$IAD_BIN/iad-train iadgpt=$IAD_BIN/iadgpt
fail() { echo "FAILED: $*" >&2; cat run.log >&2 || true; exit 1; }

"$synth" render --out parts --families washer,leather --size 64 --train 5 --good 2 --bad 4 --part train --seed 3 --db parts.db --quiet > /dev/null 2>&1
"$synth" anomalies --db parts.db --preset full --per-image 1 --seed 1 --quiet > /dev/null 2>&1
"$synth" tasks --db parts.db --stage 3 --seed 1 --quiet > /dev/null 2>&1
"$iadgpt" new-model --config tiny --dtype f32 --seed 1 --quiet model0 2> /dev/null
cat > stage3.json <<END
{"stage": 3, "batch": 3, "steps": 10, "rate": 0.001, "image": [56, 56], "compute": "f32", "micro_samples": 2, "save_every": 1, "export": "f32", "replay": 0}
END
run() { # run OUT THREADS
    "$train" run --config stage3.json --db parts.db --init model0 --out "$1" --threads "$2" --quiet > /dev/null 2> run.log
}
same() { cmp "whole/model/model.safetensors" "$1/model/model.safetensors" || fail "$1 differs from the undisturbed run"; }

start=$EPOCHREALTIME
run whole 1 || fail "the undisturbed run: exit $?"
most=$(awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }')
[ "$(wc -l < whole/metrics.jsonl)" = 10 ] || fail "metrics of ten steps"

kills=8
ldd "$train" > needs.txt
if grep -qE 'lib[atu]*san' needs.txt; then kills=2; fi
for i in $(seq $kills); do
    setsid "$train" run --config stage3.json --db parts.db --init model0 --out cut --threads 2 --quiet > /dev/null 2>&1 &
    pid=$!
    sleep "$(awk -v most="$most" -v seed="$RANDOM" 'BEGIN { srand(seed); printf "%.3f", 0.05 + rand() * most * 0.7 }')"
    kill -9 -- -$pid 2> /dev/null || true
    wait $pid 2> /dev/null || true
done
run cut 2 || fail "after $kills kills: exit $?"
same cut
[ "$(wc -l < cut/metrics.jsonl)" = 10 ] || fail "every step once in the metrics"
[ "$(tail -n +2 cut/metrics.csv | cut -d, -f2 | paste -sd' ')" = "0 1 2 3 4 5 6 7 8 9" ] || fail "every step once in the table"

# Told to go: exit 75, a checkpoint of the step at hand; or done, where the machine was quicker.
"$train" run --config stage3.json --db parts.db --init model0 --out told --threads 1 --quiet > /dev/null 2> run.log &
pid=$!
until [ -e told/latest ] || ! kill -0 $pid 2> /dev/null; do sleep 0.02; done
kill -TERM $pid 2> /dev/null || true
code=0
wait $pid || code=$?
[ "$code" = 75 ] || [ "$code" = 0 ] || fail "SIGTERM gave exit $code"
run told 2 || fail "after SIGTERM: exit $?"
same told
run told 2 || fail "a finished stage: exit $?"

# A checkpoint looked at, and exported once more.
"$train" inspect --run whole > state.txt 2> run.log || fail "inspect --run: exit $?"
grep -q '^stage 3, step 10 of 10' state.txt || fail "inspect --run says something else"
"$train" inspect --db parts.db --model whole --config stage3.json --task 1 > record.txt 2> run.log || fail "inspect --task: exit $?"
grep -q '^task 1, ' record.txt || fail "inspect --task says something else"
"$train" export --run whole --out again/model --dtype f32 2> run.log || fail "export: exit $?"
same again

# Fusion switched off: begins from weights that have it, and goes on from weights that have not.
sed 's/"steps": 10/"steps": 1, "fusion": false/' stage3.json > off.json
for step in whole:off1 off1:off2; do
    "$train" run --config off.json --db parts.db --init "${step%:*}" --out "${step#*:}" --quiet > /dev/null 2> run.log || fail "fusion off, $step: exit $?"
done

# What an OUT was made with is what it goes on with.
sed 's/0.001/0.002/' stage3.json > other.json
code=0
"$train" run --config other.json --db parts.db --init model0 --out whole --quiet > /dev/null 2> run.log || code=$?
[ "$code" = 1 ] && grep -q 'another training config' run.log || fail "another config was taken: exit $code"
"$synth" tasks --db parts.db --stage 3 --seed 2 --quiet > /dev/null 2>&1
code=0
run whole 1 || code=$?
[ "$code" = 1 ] && grep -q 'other records' run.log || fail "other records were taken: exit $code"
