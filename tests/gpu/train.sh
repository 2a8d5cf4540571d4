#!/usr/bin/env bash
# What training on a card should show, in one command; JSON on stdout, progress on stderr, exit code 1 when a check failed.
#
#   bash tests/gpu/train.sh BUILD [--python PYTHON] [--device cuda[:N]]
#
# BUILD: made with `cmake --preset cuda -DIAD_TEST_CARD=ON` (without that the tests would take the simulated card), of it the targets
# test_model_card, test_model_parity, iad-train, iad-bench, iad-synth, iad-manifest and iadgpt. PYTHON has torch and transformers; without it
# the comparisons with them are skipped, and said to be. --device cpu runs what needs no card, to try the script itself.
# Limits are those of the checks; all of it is meant to take less than nine minutes.
# shellcheck disable=SC2317 # the functions are called by check
set -uo pipefail
build=${1:?"usage: train.sh BUILD [--python PYTHON] [--device cuda[:N]]"}
shift
python=python3 device=cuda
while [ $# -gt 0 ]; do
    case $1 in
        --python) python=${2:?"--python FILE"} ;;
        --device) device=${2:?"--device NAME"} ;;
        *) echo "train.sh: $1?" >&2; exit 2 ;;
    esac
    shift 2
done
source=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "$build" && pwd) || exit 2
bin=$build/bin tests=$build/tests
for program in "$bin"/{iad-train,iad-bench,iad-synth,iadgpt} "$tests"/{test_model_card,test_model_parity}; do
    [ -x "$program" ] || { echo "train.sh: $program is not built" >&2; exit 2; }
done
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2

entries=() failed=0
# quoted TEXT: as a JSON string
quoted() { printf '%s' "$1" | tr '\n\t' '  ' | tr -d '\000-\037' | sed 's/\\/\\\\/g; s/"/\\"/g; s/^/"/; s/$/"/'; }
# note NAME RESULT DETAIL
note() {
    [ "$2" = failed ] && failed=1
    entries+=("{\"check\":$(quoted "$1"),\"result\":\"$2\",\"detail\":$(quoted "$3")}")
    echo "train.sh: $1: $2 ${3:0:200}" >&2
}
# check NAME COMMAND...: its last lines are the detail
check() {
    local name=$1 start=$SECONDS
    shift
    if "$@" > out.txt 2>&1; then note "$name" passed "$((SECONDS - start)) s; $(tail -n 3 out.txt)"
    else note "$name" failed "$((SECONDS - start)) s; $(tail -n 20 out.txt)"; fi
}

# ---- the model's gradients and steps beside the processor's; determinism; recomputation ----
on_card() { "$tests/test_model_card" > card.txt 2>&1 && ! grep SKIPPED card.txt; }
if [ "$device" = cpu ]; then note "gradients and steps beside the processor" skipped "no card is asked for"
else check "gradients and steps beside the processor" on_card; fi

# ---- beside torch ----
"$bin/iadgpt" new-model --config tiny --golden golden --quiet > out.txt 2>&1 || note "the tiny model" failed "$(tail -n 5 out.txt)"
if "$python" -c 'import torch, transformers, numpy' 2> /dev/null; then
    check "whole gradients beside torch" "$python" "$source/tests/parity/train_reference.py" golden --against "$tests/test_model_parity" --device "$device"
else note "whole gradients beside torch" skipped "$python has no torch, transformers or numpy"; fi

# ---- a stage from records: twice, and stopped and gone on with ----
corpus() {
    "$bin/iad-synth" render --out corpus --families washer --size 64 --train 5 --good 2 --bad 4 --part train --db corpus.db --quiet &&
        "$bin/iad-synth" anomalies --db corpus.db --per-image 1 --quiet && "$bin/iad-synth" tasks --db corpus.db --stage 3 --quiet &&
        "$bin/iadgpt" new-model --config small --seed 3 init --quiet
}
check "a corpus" corpus
cat > config.json <<'JSON'
{"stage": 3, "steps": 8, "batch": 8, "rate": 1e-4, "replay": 0, "compute": "bf16", "image": [112, 112], "save_every": 2, "export": "f32"}
JSON
# start OUT: in this process's place
start() { exec "$bin/iad-train" run --config config.json --db corpus.db --init init --out "$1" --device "$device" --quiet; }
stage() { (start "$1"); }
weights() { sha256sum < "$1/model/model.safetensors"; }
check "a stage" stage one
twice() { stage two && [ "$(weights one)" = "$(weights two)" ]; }
check "two runs, the same bytes" twice
# Killed when the first checkpoint is there.
resumed() {
    (start killed) &
    local job=$!
    for _ in $(seq 600); do
        [ -e killed/latest ] && break
        sleep 0.1
    done
    kill -9 "$job" 2> /dev/null
    wait "$job" 2> /dev/null
    stage killed && [ "$(weights one)" = "$(weights killed)" ]
}
check "killed and gone on with, the same bytes" resumed
peak=$(sed -n '$s/.*"memory":\([0-9.e+]*\).*/\1/p' one/metrics.jsonl 2> /dev/null)
note "peak of the device's memory, bytes" measured "${peak:-unknown}"

# ---- the sanitizer ----
if [ "$device" = cpu ]; then note "compute-sanitizer" skipped "no card is asked for"
elif command -v compute-sanitizer > /dev/null; then
    check "compute-sanitizer memcheck" timeout 180 compute-sanitizer --error-exitcode 9 "$tests/test_model_card"
else note "compute-sanitizer" skipped "it is not installed"; fi

# ---- speed ----
speed() { (cd "$source" && timeout 240 "$bin/iad-bench" speed train --device "$device" --python "$python" --batch 8) > speed.txt 2>&1; }
if speed; then note "iad-bench speed train" measured "$(tr '\n' '|' < speed.txt)"
else note "iad-bench speed train" failed "$(tail -n 5 speed.txt)"; fi

card=$(nvidia-smi --query-gpu=name,driver_version --format=csv,noheader 2> /dev/null | head -n 1)
printf '{"device":"%s","card":%s,"seconds":%d,"checks":[\n' "$device" "$(quoted "${card:-none}")" "$SECONDS"
(IFS=$'\n'; printf '%s\n' "${entries[*]}" | sed '$!s/$/,/')
printf ']}\n'
exit $failed
