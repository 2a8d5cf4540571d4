#!/usr/bin/env bash
# Our engine against transformers, stage by stage: random checkpoints of the tiny model and of the 7B shapes with two text layers and
# four vision blocks, in every number format. Needs a built iadgpt and a Python with torch, transformers (4.49 to 4.53.3), Pillow.
#
#     tests/parity/run.sh build/release/bin/iadgpt [SCRATCH]
#
# About 3 GB of disk and 6 GB of memory. Exit code 1 when a stage is beyond its tolerance.
set -euo pipefail
iadgpt=$(realpath "$1")
scratch=${2:-$(mktemp -d)}
here=$(dirname "$(realpath "$0")")
python=${PYTHON:-python3}
mkdir -p "$scratch"
cd "$scratch"
failed=0

compare() { # model, weights, reference's number format
    echo "== $1: our $2 against their $3"
    "$iadgpt" compare --model "$1" --reference "$1.safetensors" --weights "$2" --against "$3" || failed=1
}

reference() { # model, options
    echo "== $1: transformers"
    "$python" "$here/reference.py" "$1" "$1.safetensors" "${@:2}" 2>&1 | grep -v -i -E "warn|initializ|not used" || true
    [ -s "$1.safetensors" ] || { echo "no reference for $1" >&2; exit 1; }
}

"$iadgpt" new-model --quiet --force --config tiny --golden golden
reference golden
"$iadgpt" new-model --quiet --force --config tiny --seed 5 --new-names --layout nested --shard-mib 1 tiny
reference tiny --synthetic 300x421:2 --synthetic 57x200:3
"$iadgpt" new-model --quiet --force --config "$here/slice7b.json" --seed 1 slice7b
reference slice7b --synthetic 448x448:0 --synthetic 250x333:1
for model in golden tiny slice7b; do
    compare $model f32 f32
    compare $model bf16 bf16
    compare $model bf16 f32
    compare $model int8 f32
    rm -f "$model.safetensors" # 200 MB at the 7B shapes
done
exit $failed
