#!/usr/bin/env bash
# demo.sh [--quick] [PATH]: the whole lifecycle on two cores, without network (once the packages are there) and without data.
#   ./demo.sh                 crawls a web of its own on loopback, renders a corpus of many products, captions it, draws defects, makes the records of all
#                             three stages, trains a small model from nothing, and benchmarks it on families of parts that it never saw, beside
#                             patchnn; about ten minutes
#   ./demo.sh --quick         the same way in under three: it shows that everything works, not what a model can learn
#   ./demo.sh PATH            patchnn on a folder of your own in MVTec layout (CATEGORY/train/good, CATEGORY/test/KIND, CATEGORY/ground_truth/KIND)
#   OUT=DIR ./demo.sh ...     results go to DIR (default demo-out)
#   REFS=RULE ./demo.sh PATH  another rule for choosing exemplars (default random-nested:0; paired for template/test sets)
# A demo that was stopped goes on where it was.
set -euo pipefail
cd "$(dirname "$0")"
quick=0
[ "${1:-}" != --quick ] || { quick=1; shift; }
data=${1:-}
[ -z "$data" ] || data=$(cd "$OLDPWD" && realpath -- "$data")
out=${OUT:-demo-out}
bench=(--shots 1,2,4 --refs "${REFS:-random-nested:0}" --preset iadgpt-224)

bash cmake/setup.sh demo
cmake --preset release >/dev/null
cmake --build --preset release -j "$(nproc)" --target iad-synth iad-manifest iad-bench iad-train iad-crawl iad_web iad-annotate iad_endpoint iadgpt -- --quiet
bin=build/release/bin
mkdir -p "$out"
out=$(realpath -- "$out")
say() { printf '\n== %s\n' "$*"; }

if [ -n "$data" ]; then
    name=$(basename -- "$data")
    "$bin/iad-manifest" ingest --db "$out/$name.db" --adapter mvtec --name "$name" "$data"
    "$bin/iad-bench" run --db "$out/$name.db" --dataset "$name" --scorer patchnn "${bench[@]}" --out "$out/$name"
    printf '\nreport: %s/report.html\n' "$out/$name"
    exit 0
fi

# Families to learn from, families to be tested on, and how much of everything.
seen=washer,bottle_mouth,blister_pack,connector,circuit_board,woven_textile,brushed_metal,wood,leather,wire_mesh
unseen=capsule,gear,screw,tile
if [ "$quick" = 1 ]; then
    work=$out/quick designs=2 size=112 steps=(20 20 60) image='[112, 112]'
else
    work=$out/whole designs=8 size=168 steps=(100 150 600) image='[168, 168]'
fi
mkdir -p "$work"
export OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive}

say "a crawl: search engines and hosts on loopback that misbehave in every known way"
if [ ! -e "$work/crawl.html" ]; then
    rm -f "$work/ports"
    build/release/tests/iad_web --categories 8 --pictures 40 --faults all,stall=0,hang=0,drip=0 --hostile --patience 3 --ready "$work/ports" \
        --lifetime 900 >/dev/null &
    web=$!
    trap 'kill $web 2>/dev/null || true' EXIT
    for _ in $(seq 100); do [ -s "$work/ports" ] && break; sleep 0.1; done
    port=$(sed 's/port=\([0-9]*\).*/\1/' "$work/ports")
    "$bin/iad-crawl" run --db "$work/crawl.db" --out "$work/crawl" --contact mailto:demo@example.org \
        --categories hex_bolt,hex_nut,flat_washer,wood_screw --target 8 --no-proxy --allow-host '127.0.0.1,*.localhost' \
        --engine-url "bing=http://127.0.0.1:$port,baidu=http://127.0.0.1:$port" --engine-delay 0.1:0.2 --host-delay 0.02 --backoff 0.1 --min-bytes 1000 --opt-out-hosts 0 || [ $? = 3 ]
    "$bin/iad-crawl" report --db "$work/crawl.db" | sed '/^$/,$d'
    "$bin/iad-crawl" gallery --db "$work/crawl.db" --out "$work/crawl.html"
    kill $web
fi

say "texts for the crawled pictures, from a vision-language service on loopback that fails in every known way"
if [ ! -e "$work/texts.html" ]; then
    rm -f "$work/endpoint"
    build/release/tests/iad_endpoint --faults all --patience 1 --ready "$work/endpoint" --lifetime 900 >/dev/null &
    endpoint=$!
    trap 'kill $endpoint 2>/dev/null || true' EXIT
    for _ in $(seq 100); do [ -s "$work/endpoint" ] && break; sleep 0.1; done
    "$bin/iad-annotate" run --db "$work/crawl.db" --url "http://127.0.0.1:$(sed 's/port=\([0-9]*\).*/\1/' "$work/endpoint")/v1" --model scripted-vl \
        --ramp 0 --backoff 0.1 --timeout 5 --price-in 1.6 --price-out 4 || [ $? = 3 ]
    "$bin/iad-annotate" cost --db "$work/crawl.db"
    "$bin/iad-annotate" show --db "$work/crawl.db" --out "$work/texts.html"
    kill $endpoint
fi

say "a corpus of rendered products, with captions from what was drawn"
"$bin/iad-synth" render --out "$work/corpus" --families "$seen" --designs "$designs" --size "$size" --train 6 --good 4 --bad 8 --part train --seed 5 \
    --db "$work/corpus.db" --captions

say "defects, and the records of three stages"
"$bin/iad-synth" anomalies --db "$work/corpus.db" --preset full --per-image 4 --seed 1
for stage in 1 2 3; do "$bin/iad-synth" tasks --db "$work/corpus.db" --stage "$stage" --zh-share 0 --seed 1 --per-picture 2; done
"$bin/iad-manifest" check --db "$work/corpus.db"

say "a small model, trained from nothing"
[ -e "$work/model0/config.json" ] || "$bin/iadgpt" new-model --config mini --dtype f32 --seed 1 "$work/model0"
before=$work/model0
for stage in 1 2 3; do
    sed "s/\"image\": .*/\"image\": $image,/" "train/configs/tiny-stage$stage.json" >"$work/stage$stage.json"
    "$bin/iad-train" run --config "$work/stage$stage.json" --steps "${steps[stage - 1]}" --db "$work/corpus.db" --init "$before" \
        --out "$work/stage$stage"
    before=$work/stage$stage
done
"$bin/iad-train" curve --out "$work/curves.html" --title "From nothing, in three stages" "$work/stage1" "$work/stage2" "$work/stage3"

say "families that it never saw, beside patchnn"
"$bin/iad-synth" render --out "$work/test" --families "$unseen" --size "$size" --train 8 --good 10 --bad 12 --seed 77
"$bin/iad-manifest" ingest --db "$work/test.db" --adapter mvtec --name unseen --option set=none "$work/test"
"$bin/iad-bench" run --db "$work/test.db" --dataset unseen --scorer patchnn "${bench[@]}" --out "$work/patchnn"
"$bin/iad-bench" run --db "$work/test.db" --dataset unseen --scorer iadgpt --model "$work/stage3/model" "${bench[@]}" --out "$work/iadgpt"
"$bin/iad-bench" compare "$work/patchnn" "$work/iadgpt" || true

say "its maps and its words"
good=$work/test/gear/train/good
bad=("$work"/test/gear/test/[!g]*/000.png)
"$bin/iadgpt" inspect --model "$work/stage3/model" --normal "$good/000.png,$good/001.png" --overlay "$work/seen" --explain --out "$work/words.jsonl" \
    "${bad[@]}" >/dev/null
sed -n 's/.*"file": *"\([^"]*\)".*"words": *"\([^"]*\)".*/\1\n    \2/p' "$work/words.jsonl"

cat <<END

crawl:    $work/crawl.html   (texts: $work/texts.html)
curves:   $work/curves.html
pictures: $work/seen
report:   $work/iadgpt/report.html   (patchnn: $work/patchnn/report.html)
END
