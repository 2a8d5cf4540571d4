#!/usr/bin/env bash
# caption_loss.sh OUT: do captions from an endpoint teach a model? Renders products, has iad-annotate caption them through the scripted endpoint
# (which knows the renderer's facts), makes stage-1 records, trains the mini model from nothing, and prints the caption loss on other products that
# it never saw, as training goes on.
#   BUILD=DIR    build folder (build/release)      DESIGNS=N  products of each of four families (6)     STEPS=N  of training (120)
#   PICTURES=N   of each product to learn from (4) SIZE=PX    of the pictures (112)
# Ends with caption_loss_before=... caption_loss_after=..., and fails when the loss has not fallen. A run that was stopped goes on where it was.
set -euo pipefail
[ $# = 1 ] || { sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 2; }
tree=$(realpath -- "$(dirname "$0")/..")
build=$(realpath -- "${BUILD:-$tree/build/release}")
bin=$build/bin designs=${DESIGNS:-6} pictures=${PICTURES:-4} size=${SIZE:-112} steps=${STEPS:-120}
mkdir -p "$1"
cd "$1"
trap 'kill ${endpoint:-} 2> /dev/null || true' EXIT

# The same products twice in manifests: once with the renderer's captions, which only the endpoint may read, once bare.
render() { # render NAME SEED PICTURES
    local common=(--out "$1" --families washer,gear,connector,tile --designs "$designs" --size "$size" --train "$3" --good 0 --bad 0 --part train
        --seed "$2" --name "$1")
    "$bin/iad-synth" render "${common[@]}" --db "$1-facts.db" --captions --quiet > /dev/null
    "$bin/iad-synth" render "${common[@]}" --db texts.db --quiet > /dev/null
    "$build/tests/manifest_query" "$1-facts.db" "SELECT category.name, replace(aspect, 'surface', 'structure'), text FROM caption
        JOIN image ON image.id = image_id JOIN category ON category.id = category_id WHERE lang = 'en' ORDER BY caption.id" > "$1-facts.tsv"
}
annotate() { # annotate NAME
    rm -f ready
    "$build/tests/iad_endpoint" --facts "$1-facts.tsv" --faults all --patience 1 --slow 200 --ready ready --lifetime 600 > /dev/null &
    endpoint=$!
    for _ in $(seq 100); do [ -s ready ] && break; sleep 0.1; done
    "$bin/iad-annotate" run --db texts.db --dataset "$1" --url "http://127.0.0.1:$(sed 's/port=\([0-9]*\).*/\1/' ready)/v1" \
        --model scripted-vl --profile vllm --ramp 0 --backoff 0.05 --timeout 5 --quiet || [ $? = 3 ]
    kill $endpoint
    wait $endpoint || true
}
render learn 5 "$pictures"
render held 77 1
annotate learn
annotate held
"$bin/iad-synth" tasks --db texts.db --stage 1 --dataset learn --zh-share 0 --per-picture 2 --quiet
"$bin/iad-synth" tasks --db texts.db --stage 1 --dataset held --part eval --zh-share 0 --quiet

[ -e model0/config.json ] || "$bin/iadgpt" new-model --config mini --dtype f32 --seed 1 model0
sed -e "s/\"image\": .*/\"image\": [$size, $size],/" \
    -e "s/\"save_every\": .*/\"save_every\": 100, \"eval_every\": $(((steps + 3) / 4)), \"eval_records\": 64,/" \
    "$tree/train/configs/tiny-stage1.json" > stage1.json
"$bin/iad-train" run --config stage1.json --steps "$steps" --db texts.db --init model0 --out stage1 --quiet

# The first and the last look at the held-out captions.
"$build/tests/manifest_query" texts.db "SELECT model, count(*) FROM caption GROUP BY 1" >&2
grep -o '"eval_ce":[0-9.e+-]*\|"step":[0-9]*' stage1/metrics.jsonl | awk -F: '$1 ~ /eval_ce/ { loss = $2; next } loss { printf "step %d: %.4f\n", $2 + 1, loss
    if (!before) before = loss
    after = loss; loss = "" } END { printf "caption_loss_before=%.4f caption_loss_after=%.4f\n", before, after; exit !(after < before) }'
