#!/usr/bin/env bash
# iad-train under the real mpirun and as logical ranks of one process: one to four ranks train the same model; both MPIs and the loopback give the
# same bits; told to go, killed, and gone on with, also at another number of ranks and by another transport.
set -euo pipefail
for program in iad-synth iad-manifest iad-train iadgpt; do [ -x "$IAD_BIN/$program" ] || { echo "$program is not built"; exit 77; }; done
pairs=()
for mpi in openmpi mpich; do
    command -v mpirun.$mpi > /dev/null && [ -f "$IAD_BIN/../lib/iadgpt/iad_comm_$mpi.so" ] && pairs+=("$mpi")
done
pairs+=(loopback)
fail() { echo "FAILED: $*" >&2; tail -n 40 log.txt >&2; exit 1; }
export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 # MPI keeps memory until the process ends

{
    "$IAD_BIN/iad-synth" render --out corpus --families washer --size 64 --train 5 --good 2 --bad 4 --part train --db corpus.db --quiet
    "$IAD_BIN/iad-synth" anomalies --db corpus.db --per-image 1 --quiet
    "$IAD_BIN/iad-synth" tasks --db corpus.db --stage 3 --quiet
    "$IAD_BIN/iadgpt" new-model --config small --seed 3 init --quiet
} > log.txt 2>&1 || fail "the corpus"
# f32, so that worlds differ by the order of sums alone
cat > config.json <<'JSON'
{"stage": 3, "steps": 4, "batch": 7, "rate": 1e-4, "replay": 0, "compute": "f32", "image": [56, 56], "save_every": 1, "export": "f32"}
JSON

# start MPI WORLD OUT: iad-train on so many ranks, in this process's place
start() {
    local launcher=() comm=()
    case $1 in
        loopback) comm=(--comm "loopback:$2") ;;
        openmpi) launcher=(mpirun.openmpi --mca plm isolated --allow-run-as-root --oversubscribe --bind-to none -host "localhost:$2" -np "$2") ;;
        mpich) launcher=(mpirun.mpich -np "$2") ;;
    esac
    exec timeout -k 5 600 "${launcher[@]}" "$IAD_BIN/iad-train" run --config config.json --db corpus.db --init init --deadline 60 \
        --out "$3" --threads 1 "${comm[@]}"
}
whole() { (start "$@") > log.txt 2>&1 || fail "$*"; }
weights() { sha256sum < "$1/model/model.safetensors"; }
# near A B: the losses and gradient norms of every step agree within a millionth
near() {
    paste <(figures "$1") <(figures "$2") | awk '
        { n++; for (i = 1; i <= 2; i++) { d = $i - $(i + 2); if (d < 0) d = -d; if (d > 1e-6 * $i) { print "step " n ": " $0; bad = 1 } } }
        END { exit bad || n != 4 }' > near.txt || { cat near.txt >&2; fail "$1 and $2 differ"; }
}
figures() { sed 's/.*"grad_norm":\([^,]*\),.*"loss":\([^,]*\),.*/\1 \2/' "$1/metrics.jsonl"; }

whole alone 1 one
for mpi in "${pairs[@]}"; do
    for world in 2 3; do
        whole "$mpi" $world "$mpi$world"
        near one "$mpi$world"
    done
done
for other in "${pairs[@]}"; do
    for world in 2 3; do [ "$(weights "$other$world")" = "$(weights loopback$world)" ] || fail "$other and loopback differ at $world ranks"; done
done
whole loopback 1 loopback1
[ "$(weights loopback1)" = "$(weights one)" ] || fail "one logical rank is not one process"
whole loopback 4 loopback4
near one loopback4

# The transport of cards, over a NCCL that files play: two processes with the same bytes.
if [ -f "$IAD_TESTBIN/fakenccl/iad_comm_nccl.so" ]; then
    mkdir wires
    card() {
        RANK=$1 WORLD_SIZE=2 LOCAL_RANK=$1 IAD_JOB=worlds IAD_MPI_MODULE_DIR=$IAD_TESTBIN/fakenccl IAD_FAKE_NCCL=$PWD/wires timeout -k 5 600 \
            "$IAD_BIN/iad-train" run --config config.json --db corpus.db --init init --deadline 60 --out nccl2 --threads 1 --comm "nccl:$PWD/meet"
    }
    card 1 > other.txt 2>&1 &
    other=$!
    card 0 > log.txt 2>&1 || fail "rank 0 of nccl"
    wait $other || { cat other.txt >&2; fail "rank 1 of nccl"; }
    [ "$(weights nccl2)" = "$(weights loopback2)" ] || fail "nccl and loopback differ"
fi

mpi=${pairs[0]}
# waiting CONDITION: until it holds
waiting() {
    for _ in $(seq 3000); do
        ! eval "$1" || return 0
        sleep 0.1
    done
    fail "never came: $1"
}
# The processes of the ranks that write to OUT, not their launcher.
ranks() {
    pgrep -f -- "--out $1 --threads 1" | while read -r pid; do [[ $(readlink "/proc/$pid/exe") != */iad-train ]] || echo "$pid"; done
}
# One rank of two is killed hard: the job ends, and the same command goes on to the same bits.
(start "$mpi" 2 killed) > log.txt 2>&1 &
job=$!
waiting '[ -e killed/latest ]'
kill -9 "$(ranks killed | tail -n 1)" 2> /dev/null || true # it may have been faster
wait $job || true
whole "$mpi" 2 killed
[ "$(weights killed)" = "$(weights "${mpi}2")" ] || fail "after a kill the weights are others"
# One rank is told to go in its first steps: all save and go. Three ranks go on with what two began.
(start "$mpi" 2 grown) > log.txt 2>&1 &
job=$!
waiting 'grep -q "from step 0" log.txt'
kill -USR1 "$(ranks grown | head -n 1)"
code=0
wait $job || code=$?
[ "$code" = 75 ] || fail "exit $code instead of 75"
cp -r grown moved
whole "$mpi" 3 grown
near one grown
whole loopback 3 moved # what processes began, threads go on with
[ "$(weights moved)" = "$(weights grown)" ] || fail "loopback goes on to other weights than $mpi"
# A rank that fails ends the run, and the message is its own; flags and jobs of processes do not go with logical ranks.
refused() {
    local words=$1 code=0
    shift
    timeout -k 5 120 "$IAD_BIN/iad-train" run --config config.json --db corpus.db --init init --out refused "$@" > log.txt 2>&1 || code=$?
    [ "$code" = 2 ] || [ "$code" = 1 ] || fail "exit $code: $*"
    grep -qF -- "$words" log.txt || fail "the message lacks \"$words\""
}
refused '"threads:2" is neither loopback:N nor nccl:FILE' --comm threads:2
refused '--rank, --world, --local-rank and --rdzv do not go with it' --comm loopback:2 --rank 0 --world 2
RANK=0 WORLD_SIZE=2 refused 'in a job of 2 processes' --comm loopback:2
refused 'holds a run with another training config' --comm loopback:2 --out one --seed 9
