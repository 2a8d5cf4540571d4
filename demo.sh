#!/usr/bin/env bash
# demo.sh [PATH]: the whole way from pictures to a report, in under three minutes on two cores, without network (once the packages are there).
#   ./demo.sh                 renders product pictures, ingests them, benchmarks patchnn with 1, 2 and 4 exemplars, writes report.html
#   ./demo.sh PATH            the same on a folder of your own in MVTec layout (CATEGORY/train/good, CATEGORY/test/KIND, CATEGORY/ground_truth/KIND)
#   OUT=DIR ./demo.sh         results go to DIR (default demo-out)
#   REFS=RULE ./demo.sh PATH  another rule for choosing exemplars (default random-nested:0; paired for template/test sets)
set -euo pipefail
cd "$(dirname "$0")"
data=${1:-}
[ -z "$data" ] || data=$(cd "$OLDPWD" && realpath -- "$data")
out=${OUT:-demo-out}
refs=${REFS:-random-nested:0}

bash cmake/setup.sh demo
cmake --preset release >/dev/null
cmake --build --preset release -j "$(nproc)" --target iad-synth iad-manifest iad-bench -- --quiet
bin=build/release/bin
mkdir -p "$out"

if [ -z "$data" ]; then
    data=$out/rendered
    name=rendered
    more=(--option set=none) # some families share their names with categories of published sets
    "$bin/iad-synth" render --out "$data" --size 256 --train 8 --good 10 --bad 12 --seed 1
else
    name=$(basename -- "$data")
    more=()
fi

db=$out/$name.db
results=$out/$name
"$bin/iad-manifest" ingest --db "$db" --adapter mvtec --name "$name" "${more[@]}" "$data"
"$bin/iad-bench" run --db "$db" --dataset "$name" --scorer patchnn --shots 1,2,4 --refs "$refs" --preset iadgpt-224 --out "$results"
printf '\nreport: %s/report.html\n' "$(cd "$results" && pwd)"
