#!/usr/bin/env bash
# One, two and three ranks under a real mpirun learn the same within rounding, the same world learns the same bytes, and a run begun by two ranks goes on with one.
set -euo pipefail
synth=$IAD_BIN/iad-synth train=$IAD_BIN/iad-train iadgpt=$IAD_BIN/iadgpt
fail() { echo "FAILED: $*" >&2; cat run.log >&2 || true; exit 1; }
export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 # MPI keeps memory until the process ends

mpi=
[ -x "$(command -v mpirun.openmpi || true)" ] && [ -f "$IAD_TESTBIN/../lib/iadgpt/iad_comm_openmpi.so" ] && mpi=openmpi
[ -x "$(command -v mpirun.mpich || true)" ] && [ -f "$IAD_TESTBIN/../lib/iadgpt/iad_comm_mpich.so" ] && mpi=mpich
[ -n "$mpi" ] || { echo "no mpirun.openmpi or mpirun.mpich with its module here"; exit 77; }
ranks() { # ranks WORLD COMMAND...
    local world=$1
    shift
    case $mpi in
        openmpi) timeout -k 5 600 mpirun.openmpi --mca plm isolated --allow-run-as-root --oversubscribe -host "localhost:$world" -np "$world" "$@" ;;
        mpich) timeout -k 5 600 mpirun.mpich -np "$world" "$@" ;;
    esac
}

"$synth" render --out parts --families washer --size 64 --train 5 --good 2 --bad 4 --part train --seed 3 --db parts.db --quiet > /dev/null 2>&1
"$synth" anomalies --db parts.db --preset full --per-image 1 --seed 1 --quiet > /dev/null 2>&1
"$synth" tasks --db parts.db --stage 3 --seed 1 --quiet > /dev/null 2>&1
"$iadgpt" new-model --config tiny --dtype f32 --seed 1 --quiet model0 2> /dev/null
cat > stage3.json <<END
{"stage": 3, "batch": 6, "steps": 4, "rate": 0.0003, "image": [56, 56], "compute": "f32", "micro_samples": 2, "save_every": 2, "export": "f32", "replay": 0}
END
run() { # run WORLD OUT
    ranks "$1" "$train" run --config stage3.json --db parts.db --init model0 --out "$2" --threads 1 --quiet > /dev/null 2> run.log || fail "$1 ranks into $2: exit $?"
}
losses() { sed 's/.*"loss":\([0-9.e-]*\).*/\1/' "$1/metrics.jsonl"; }
near() { # near A B: the losses of every step within 1e-5 of each other, relative
    paste <(losses "$1") <(losses "$2") | awk '{ d = $1 - $2; if (d < 0) d = -d; if (!($1 > 0) || d > 1e-5 * $1) exit 1 } END { exit NR != 4 }' || fail "$1 and $2 learn differently"
}

"$train" run --config stage3.json --db parts.db --init model0 --out one --threads 1 --quiet > /dev/null 2> run.log || fail "one process: exit $?"
run 2 two
run 3 three
run 2 again
near one two
near one three
cmp two/model/model.safetensors again/model/model.safetensors || fail "two ranks, twice: other bytes"

# Stopped after two steps by two ranks, finished by one.
mkdir half
cp -r two/step-00000002 half/
printf '%s' step-00000002 > half/latest
"$train" run --config stage3.json --db parts.db --init model0 --out half --threads 1 --quiet > /dev/null 2> run.log || fail "one process after two: exit $?"
[ "$(sed 's/.*"step":\([0-9]*\).*/\1/' half/metrics.jsonl | paste -sd' ')" = "2 3" ] || fail "it did not go on at step 2"
