#!/usr/bin/env bash
# many.sh [BUILD]: what only several cards can show of --comm nccl. JSON on stdout, one object; everything else on stderr. Exit 1: something failed, 77: fewer
# than two cards. BUILD (build/release) must have iad-train, iad-synth, iadgpt, comm_rank and lib/iadgpt/iad_comm_nccl.so.
#   IAD_MANY=shell (default)  one process per card of this machine with torchrun's variables
#   IAD_MANY=torchrun         the same by torchrun itself
#   IAD_MANY=mpirun           by mpirun (Open MPI)
#   IAD_MANY=srun             by srun --mpi=none inside an allocation; one task per card, also on several machines
# WORLD: ranks (default: cards of this machine; srun: SLURM_NTASKS). SCRATCH: a folder that all ranks see (default: a new one under PWD).
set -euo pipefail
build=$(cd "${1:-build/release}" && pwd)
how=${IAD_MANY:-shell}
cards=$(nvidia-smi -L 2> /dev/null | wc -l) || cards=0
world=${WORLD:-$cards}
[ "$how" != srun ] || world=${WORLD:-${SLURM_NTASKS:-0}}
[ "$world" -ge 2 ] || { echo "fewer than two cards" >&2; exit 77; }
for file in bin/iad-train bin/iad-synth bin/iadgpt tests/comm_rank lib/iadgpt/iad_comm_nccl.so; do
    [ -e "$build/$file" ] || { echo "$build/$file is not built" >&2; exit 1; }
done
scratch=${SCRATCH:-$PWD/many.$$}
mkdir -p "$scratch"
cd "$scratch"
failures=0
results=()
start=0

# spread PROGRAM ARGUMENTS...: all ranks, in a generation of their own; streams in out.txt. The limit only ends what hangs.
spread() {
    export IAD_JOB=many.$$ IAD_GENERATION=$((start += 1)) IAD_TEST_NCCL=$scratch/meet
    case $how in
        shell)
            local r pids=() bad=0
            rm -f out.*.txt
            for ((r = 0; r < world; r++)); do
                RANK=$r LOCAL_RANK=$r WORLD_SIZE=$world timeout -k 5 200 "$@" > "out.$r.txt" 2>&1 &
                pids+=($!)
            done
            for r in "${pids[@]}"; do wait "$r" || bad=1; done
            cat out.*.txt > out.txt
            return $bad ;;
        torchrun) timeout -k 5 200 torchrun --no-python --standalone --nproc-per-node "$world" "$@" > out.txt 2>&1 ;;
        mpirun) timeout -k 5 200 mpirun --bind-to none -x IAD_JOB -x IAD_GENERATION -x IAD_TEST_NCCL -np "$world" "$@" > out.txt 2>&1 ;;
        srun) timeout -k 5 200 srun --mpi=none --ntasks "$world" "$@" > out.txt 2>&1 ;;
        *) echo "IAD_MANY=$how: not shell, torchrun, mpirun or srun" >&2; exit 2 ;;
    esac
}
# note NAME GOOD: 1 is good
note() {
    results+=("\"$1\": $([ "$2" = 1 ] && echo true || echo false)")
    [ "$2" = 1 ] || { failures=$((failures + 1)); echo "FAILED: $1" >&2; cat out.txt >&2; }
}
count() { grep -cE -- "$1" out.txt || true; }

# 1. every collective, unequal and empty sizes
good=0; spread "$build/tests/comm_rank" calls 60 && [ "$(count 'ends with 0 failures')" = "$world" ] && good=1
note calls $good
# 2. a rank that gives up, one that is killed: the others end, in time. Launchers that end them first leave fewer lines.
spread "$build/tests/comm_rank" gives-up 60 || true
note gives_up $([ "$(count 'gave up: no space left on /data.*\(in time\)')" -ge 1 ] && echo 1 || echo 0)
spread "$build/tests/comm_rank" killed 10 || true
note killed $([ "$(count 'ends with [1-9]')" = 0 ] && [ "$(count '\(late\)')" = 0 ] && echo 1 || echo 0)
# 3. bytes per second, from and to ordinary memory
spread "$build/tests/comm_rank" measure 120 || true
rates=$(grep -oE '[0-9.]+ GB/s' out.txt | sed 's/ GB.s//' | paste -sd, -) || rates=
# 4. the trainer: as many logical ranks in one process give the same weights
cat > config.json <<'JSON'
{"stage": 3, "steps": 4, "batch": 8, "rate": 1e-4, "replay": 0, "compute": "f32", "image": [56, 56], "save_every": 2, "export": "f32"}
JSON
{
    "$build/bin/iad-synth" render --out corpus --families washer --size 64 --train 5 --good 2 --bad 4 --part train --db corpus.db --quiet
    "$build/bin/iad-synth" anomalies --db corpus.db --per-image 1 --quiet
    "$build/bin/iad-synth" tasks --db corpus.db --stage 3 --quiet
    "$build/bin/iadgpt" new-model --config small --seed 3 init --quiet
    "$build/bin/iad-train" run --config config.json --db corpus.db --init init --out loopback --comm "loopback:$world" --deadline 120
} >&2
good=0
spread "$build/bin/iad-train" run --config config.json --db corpus.db --init init --threads 2 --deadline 120 --out nccl --comm "nccl:$scratch/meet" &&
    cmp loopback/model/model.safetensors nccl/model/model.safetensors >&2 && good=1
note train_equals_loopback $good

driver=$(nvidia-smi --query-gpu=name,driver_version --format=csv,noheader | head -n 1 || true)
printf '{"script": "many", "launcher": "%s", "world": %d, "card": "%s", %s, "all_to_all_gb_per_s": [%s], "failures": %d}\n' \
    "$how" "$world" "$driver" "$(IFS=,; echo "${results[*]}")" "$rates" "$failures"
[ "$failures" = 0 ]
