#!/usr/bin/env bash
# ablate.sh: what each part of the training is worth. Trains one model over and over, each time with one thing left out, measures all of them on the
# same pictures with iad-bench, beside patchnn, and prints a table (Markdown; OUT/table.md).
#
#   bench/ablate.sh --bin build/release/bin --configs train/configs/tiny --init MODEL --db TRAIN.db --eval EVAL.db --out OUT
#
#   --configs P      P-stage1.json, P-stage2.json, P-stage3.json: what is left out is changed in copies of these
#   --init DIR       the model before training; --db: records of all stages; --eval: categories that no record has shown
#   --only A,B       only these variants (--list shows them); the table holds those that are there
#   --steps A,B,C    steps of the stages instead of the configs' epochs, so that every variant has as many
#   --shots 1,4      as iad-bench run; also --refs RULE [random-nested:0], --preset NAME [iadgpt-224]
#   --threads N      of training and scoring; --seed N of training
#
# Stages that variants share are trained once. It can be stopped at any moment: the same command goes on.
set -euo pipefail

die() { echo "ablate: $*" >&2; exit "${code:-1}"; }
variants='full|everything
no-stage1|no captions first
no-stage2|no comparing first
stage3-only|few-shot records alone
no-fusion|last layer of the tower only
no-compression|all tokens of every exemplar
retention-10|10 % of the tokens of exemplars 2..k
retention-50|50 % of them
no-map-loss|words alone
one-map-layer|maps of the last layer only'

bin='' configs='' init='' db='' eval='' out='' only='' steps='' shots=1,2,4 refs=random-nested:0 preset=iadgpt-224 seed='' threads=''
while [ $# -gt 0 ]; do
    case $1 in
        --list) echo "$variants" | tr '|' '\t'; exit 0 ;;
        --help) sed -n '2,/^set -e/{/^set -e/d;s/^# \{0,1\}//;p;}' "$0"; exit 0 ;;
        --bin | --configs | --init | --db | --eval | --out | --only | --steps | --shots | --refs | --preset | --seed | --threads)
            [ $# -ge 2 ] || code=2 die "$1 wants a value"
            printf -v "${1#--}" %s "$2"
            shift 2 ;;
        *) code=2 die "unknown option $1 (--help shows them)" ;;
    esac
done
for name in bin configs init db eval out; do [ -n "${!name}" ] || code=2 die "--$name is missing"; done
for n in 1 2 3; do [ -f "$configs-stage$n.json" ] || die "$configs-stage$n.json: not there"; done
for program in iad-train iad-bench; do [ -x "$bin/$program" ] || die "$bin/$program: not there"; done
[ -f "$init/config.json" ] || die "$init: not a model folder (no config.json)"
[ -z "$steps" ] || [[ $steps =~ ^[0-9]+,[0-9]+,[0-9]+$ ]] || code=2 die "--steps wants three numbers"
if [ -n "$only" ]; then
    for name in ${only//,/ }; do grep -q "^$name|" <<< "$variants" || code=2 die "no variant $name (--list shows them)"; done
fi
IFS=, read -r -a step_of <<< "0,${steps:-0,0,0}"
mkdir -p "$out/configs" "$out/stages" "$out/results"
more=(--quiet)
[ -z "$threads" ] || more+=(--threads "$threads")

# with FILE KEY VALUE...: the config with these keys set, on stdout. Our configs have one key a line.
with() {
    local text key
    text=$(cat "$1")
    shift
    while [ $# -gt 0 ]; do
        key=$1
        text=$(sed "/^ *\"$key\":/d; 0,/{/s/{/{\n  \"$key\": $2,/" <<< "$text" | sed -z 's/,\n}/\n}/')
        shift 2
    done
    printf '%s\n' "$text"
}

# stage N PARENT [KEY VALUE]...: trains a stage on PARENT (a model folder or a stage's), unless that was done before; its folder in `made`. The
# folder's name follows from everything that makes the result, so variants share what is equal.
stage() {
    local n=$1 parent=$2 key config
    shift 2
    config=$(with "$configs-stage$n.json" "$@")
    key=$(printf '%s\n%s\n%s\n%s\n%s\n' "$config" "$parent" "${step_of[$n]}" "$seed" "$db" | sha256sum | cut -c1-12)
    printf '%s\n' "$config" > "$out/configs/$n-$key.json"
    made=$out/stages/$n-$key
    local words=(run --stage "$n" --config "$out/configs/$n-$key.json" --db "$db" --init "$parent" --out "$made" "${more[@]}")
    [ "${step_of[$n]}" = 0 ] || words+=(--steps "${step_of[$n]}")
    [ -z "$seed" ] || words+=(--seed "$seed")
    [ -f "$made/model/config.json" ] || echo "ablate: stage $n in $made" >&2
    local status=0
    "$bin/iad-train" "${words[@]}" >&2 || status=$?
    [ "$status" = 0 ] || [ "$status" = 3 ] || code=$status die "stage $n in $made ended with $status"
}

# without_fusion: the model before training as one that has no fusion, in `made`. The files are the same but for the mode in config.json.
without_fusion() {
    made=$out/init-no-fusion
    [ ! -f "$made/config.json" ] || return 0
    mkdir -p "$made"
    find "$(realpath "$init")" -maxdepth 1 -type f ! -name config.json -exec ln -sf -t "$made" {} +
    sed 's/\("mode": *\)"[a-z]*"/\1"off"/' "$init/config.json" > "$made/config.json.new"
    mv "$made/config.json.new" "$made/config.json"
}

# train VARIANT: leaves the last stage's folder in `made`.
train() {
    local last
    last=$(($(sed -n 's/.*"num_hidden_layers": *\([0-9]*\).*/\1/p' "$init/config.json" | head -n 1) - 1))
    made=$init
    case $1 in
        full) stage 1 "$made"; stage 2 "$made"; stage 3 "$made" ;;
        no-stage1) stage 2 "$made" replay 0; stage 3 "$made" ;;
        no-stage2) stage 1 "$made"; stage 3 "$made" replay 0 ;;
        stage3-only) stage 3 "$made" replay 0 ;;
        no-fusion) without_fusion; stage 1 "$made"; stage 2 "$made"; stage 3 "$made" ;;
        no-compression) stage 1 "$made"; stage 2 "$made"; stage 3 "$made" compression false ;;
        retention-10) stage 1 "$made"; stage 2 "$made"; stage 3 "$made" retention 0.1 ;;
        retention-50) stage 1 "$made"; stage 2 "$made"; stage 3 "$made" retention 0.5 ;;
        no-map-loss) stage 1 "$made"; stage 2 "$made"; stage 3 "$made" map_weight 0 ;;
        one-map-layer) stage 1 "$made"; stage 2 "$made"; stage 3 "$made" map_layers "[$last]" ;;
    esac
}

# measure NAME SCORER [MODEL]: the benchmark's table as TSV in OUT/results/NAME.tsv
measure() {
    local words=(run --db "$eval" --scorer "$2" --shots "$shots" --refs "$refs" --preset "$preset" --out "$out/results/$1" --format tsv "${more[@]}")
    [ -z "${3:-}" ] || words+=(--model "$3")
    local status=0
    "$bin/iad-bench" "${words[@]}" > "$out/results/$1.tsv.new" || status=$?
    [ "$status" = 0 ] || [ "$status" = 3 ] || code=$status die "measuring $1 ended with $status"
    mv "$out/results/$1.tsv.new" "$out/results/$1.tsv"
}

# Mean rows of all that is there, over data sets; columns are looked up by their keys.
table() {
    local columns='image_auroc image_ap pixel_auroc aupro' name about
    printf '| variant | | shots |%s\n' "$(printf ' %s |' $columns)"
    printf '| --- | --- | ---: |%s\n' "$(printf ' ---: |%.0s' $columns)"
    while IFS='|' read -r name about; do
        [ -f "$out/results/$name.tsv" ] || continue
        awk -F '\t' -v name="$name" -v about="$about" -v columns="$columns" '
            /^# / { shots = $0; sub(/.*shots=/, "", shots); sub(/ .*/, "", shots); next }
            $1 == "category" { for (i = 1; i <= NF; i++) at[$i] = i; next }
            $1 == "mean" {
                if (!(shots in n)) order[++rows] = shots
                n[shots]++
                for (k = split(columns, key, " "); k > 0; k--)
                    if (at[key[k]] && $at[key[k]] != "-") { sum[shots, k] += $at[key[k]]; count[shots, k]++ }
            }
            END {
                for (r = 1; r <= rows; r++) {
                    line = "| " name " | " about " | " order[r] " |"
                    m = split(columns, key, " ")
                    for (k = 1; k <= m; k++) {
                        c = count[order[r], k]
                        line = line (c ? sprintf(" %.1f |", 100 * sum[order[r], k] / c) : " - |")
                    }
                    print line
                }
            }' "$out/results/$name.tsv"
    done <<< "patchnn|no training
$variants"
}

measure patchnn patchnn
while IFS='|' read -r name _ <&3; do
    [ -z "$only" ] || [[ ",$only," = *",$name,"* ]] || continue
    echo "ablate: $name" >&2
    train "$name"
    measure "$name" iadgpt "$made/model"
done 3<<< "$variants"
table | tee "$out/table.md"
