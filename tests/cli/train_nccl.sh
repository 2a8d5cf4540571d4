#!/usr/bin/env bash
# The transport of cards without a card: the module of NCCL over a NCCL and a CUDA that files play (tests/fakenccl). How ranks meet, what the calls
# bring, and how ranks that hang, fail, give up, or belong to another start end the others' calls. What the cards do, only tests/gpu/many.sh shows.
set -euo pipefail
rank=$IAD_TESTBIN/comm_rank
[ -f "$IAD_TESTBIN/fakenccl/iad_comm_nccl.so" ] || { echo "built without the headers of CUDA and NCCL"; exit 77; }
fail() { echo "FAILED: $*" >&2; cat out*.txt >&2; exit 1; }
export IAD_MPI_MODULE_DIR=$IAD_TESTBIN/fakenccl IAD_FAKE_NCCL=$PWD/wires IAD_TEST_NCCL=$PWD/meet IAD_JOB=job
mkdir wires
start=0
# job WORLD ARGUMENTS...: every rank's streams in out.R.txt, exit codes in codes; a new generation each time
job() {
    local world=$1 r pids=()
    shift
    rm -f out.*.txt
    export IAD_GENERATION=$((start += 1)) WORLD_SIZE=$world
    for ((r = 0; r < world; r++)); do
        RANK=$r LOCAL_RANK=$r timeout -k 5 120 "$rank" "$@" > "out.$r.txt" 2>&1 &
        pids+=($!)
    done
    codes=
    for r in "${pids[@]}"; do code=0; wait "$r" || code=$?; codes+="$code "; done
}
said() { [ "$(cat out.*.txt | grep -cE -- "$2")" = "$1" ] || fail "$1 lines with \"$2\" were expected"; }
heard() { cat out.*.txt | grep -E -- "$1" > heard.txt || fail "a line with \"$1\" was expected"; }

for world in 2 3 4; do
    job $world calls
    said $world 'transport nccl; comm nccl'
    said $world 'ends with 0 failures'
    [ ! -e meet ] || fail "the meeting file was left behind"
done
IAD_FAKE_NCCL_ALL_CARD=1 job 3 calls # buffers on the card are used as they are
said 3 'ends with 0 failures'

# a rank that gives up is heard, long before the deadline
job 3 gives-up 60
said 2 'io: all_gather: rank 2 gave up: no space left on /data .*\(in time\)'
# late or killed: the deadline, with what was under way
job 3 killed 10
said 2 'io: all_gather: (not done after 10 seconds|rank [01] gave up).*call 1 issued, 0 finished, the last one none\).*\(in time\)'
# a wire that hangs, and one that breaks, at the second exchange
IAD_FAKE_NCCL_HANG=1:1 job 2 calls 10
heard 'FAILED: all_to_all: all_to_all: not done after 10 seconds.*rank 0 of 2: call 2 issued, 1 finished, the last one all_to_all'
IAD_FAKE_NCCL_FAIL=1:1 job 2 calls 10
heard 'FAILED: all_to_all: all_to_all: NCCL: remote process exited.*rank 1 of 2: call 2 issued, 1 finished'

# fewer cards than ranks: the others hear it too
IAD_FAKE_NCCL_CARDS=1 job 2 calls 20
said 2 'rank 1 is number 1 on its machine, which shows it 1 cards'
# a file that another start left is not believed, and said to be the reason
RANK=0 WORLD_SIZE=2 LOCAL_RANK=0 IAD_GENERATION=500 timeout -k 5 60 "$rank" calls 1 > out.a.txt 2>&1 && fail "a rank alone"
id=$(printf '%0256d' 0)
ticket() { printf 'iadgpt-nccl 1\njob %s\ngeneration %s\nworld %s\nbuild %s\nid %s\n' "$1" "$2" "$3" "$4" "$id" > meet; }
alone() { # RANK WORDS
    code=0
    RANK=$1 WORLD_SIZE=2 LOCAL_RANK=$1 IAD_GENERATION=7 timeout -k 5 60 "$rank" calls 1 > out.b.txt 2>&1 || code=$?
    [ "$code" = 1 ] || fail "exit $code"
    grep -qF -- "$2" out.b.txt || fail "the message lacks \"$2\""
}
ticket yesterday 7 2 0.1.0
alone 1 'is of job yesterday, generation 7, and rank 0 of job job, generation 7 did not come for 1 seconds'
ticket job 6 2 0.1.0
alone 1 'is of job job, generation 6'
ticket job 7 4 0.1.0
alone 1 'rank 0 counts 4 ranks, this one 2'
ticket job 7 2 none
alone 1 'rank 0 runs build none, this rank'
alone 0 'left by a start of this very job (job, generation 7)'
echo nonsense > meet
alone 1 'not a meeting file of nccl'
rm meet
alone 1 'rank 0 did not lay down its meeting file for 1 seconds'
unset IAD_JOB
code=0
RANK=0 WORLD_SIZE=2 timeout 60 env -u SLURM_JOB_ID -u TORCHELASTIC_RUN_ID -u PMIX_NAMESPACE "$rank" calls 1 > out.b.txt 2>&1 || code=$?
[ "$code" = 1 ] && grep -q 'set IAD_JOB' out.b.txt || fail "a job without a name"
IAD_MPI_MODULE_DIR=$PWD IAD_JOB=job alone 1 'iad_comm_nccl.so: not there; build with CUDA and NCCL installed'
