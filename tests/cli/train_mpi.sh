#!/usr/bin/env bash
# Several CPU ranks, started by the real mpirun of Open MPI and of MPICH on this machine: the collective operations, their deadlines, ranks that
# are late, killed, leave or give up; and the errors of a process that nobody's MPI started.
set -euo pipefail
rank=$IAD_TESTBIN/comm_rank
[ -x "$rank" ] || { echo "comm_rank is not built"; exit 77; }
fail() { echo "FAILED: $*" >&2; cat out.txt >&2; exit 1; }
export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 # MPI keeps memory until the process ends

# A launcher without its module, or the other way round, is not tested; at least one pair must be there.
pairs=()
[ -x "$(command -v mpirun.openmpi || true)" ] && [ -f "$IAD_TESTBIN/../lib/iadgpt/iad_comm_openmpi.so" ] && pairs+=(openmpi)
[ -x "$(command -v mpirun.mpich || true)" ] && [ -f "$IAD_TESTBIN/../lib/iadgpt/iad_comm_mpich.so" ] && pairs+=(mpich)
[ ${#pairs[@]} -gt 0 ] || { echo "no mpirun.openmpi or mpirun.mpich with its module here"; exit 77; }

# job MPI WORLD [OPTION] -- ARGUMENTS...: runs it, keeps both streams in out.txt and the exit code in code. The limit only ends what hangs.
job() {
    local mpi=$1 world=$2 launcher
    shift 2
    case $mpi in
        # --mca plm isolated: this machine only, so no ssh is looked for
        openmpi) launcher=(mpirun.openmpi --mca plm isolated --allow-run-as-root --oversubscribe -host "localhost:$world") ;;
        mpich) launcher=(mpirun.mpich) ;;
    esac
    while [ "$1" != -- ]; do launcher+=("$1"); shift; done
    shift
    code=0
    timeout -k 5 120 "${launcher[@]}" -np "$world" "$rank" "$@" > out.txt 2>&1 || code=$?
    [ "$code" -lt 124 ] || [ "$code" -gt 137 ] || [ "$code" = 137 ] || fail "$mpi, $world ranks: $* hung"
}
said() { [ "$(grep -cE "$2" out.txt)" = "$1" ] || fail "$1 lines with \"$2\" were expected ($mpi)"; }

for mpi in "${pairs[@]}"; do
    for world in 1 2 3; do
        job "$mpi" "$world" -- calls
        [ "$code" = 0 ] || fail "$mpi, $world ranks: exit $code"
        said "$world" 'ends with 0 failures'
        if [ "$world" = 1 ]; then said 1 'transport self; comm self'; else said "$world" "transport mpi \\($mpi\\); comm mpi"; fi
    done
    # busy for longer than the others wait: they say for whom
    job "$mpi" 3 -- late 2
    said 1 'rank 0: io: all_gather: rank 2 did not answer rank 0 for 2 seconds \(in time\)'
    # told by the rank that cannot go on
    job "$mpi" 3 -- gives-up 30
    said 1 'rank 0: io: all_gather: rank 2 gave up: no space left on /data \(in time\)'
    said 1 'rank 1: io: all_gather: rank 2 gave up: no space left on /data \(in time\)'
    # one that has ended is not waited for until the deadline
    job "$mpi" 3 -- closes 60
    grep -qE 'rank ([01]): io: all_gather: rank 2 has ended, rank \1 still waits for it \(in time\)' out.txt || fail "$mpi: nobody noticed the end"
    said 2 '\(in time\)'
    # two ranks that do not mean the same call
    job "$mpi" 2 -- sizes 10
    said 1 'rank 0: io: all_gather: rank 1 sent 8 bytes where 16 were expected'
    # mpirun ends the others itself, at once; nothing may be left waiting
    job "$mpi" 3 -- killed 60
    [ "$code" != 0 ] || fail "$mpi: a killed rank, but exit 0"
    job "$mpi" 3 -- leaves 60 # MPICH's mpirun may call that a success, so only hanging counts
    said 0 'ends with'
done

# Where the launcher lets the others live, they notice by themselves.
if [[ " ${pairs[*]} " == *" openmpi "* ]]; then
    mpi=openmpi
    job openmpi 3 --enable-recovery -- killed 2
    said 1 'rank 0: io: all_gather: rank 2 did not answer rank 0 for 2 seconds \(in time\)'
    said 1 'rank 1: io: all_gather: rank 2 did not answer rank 1 for 2 seconds \(in time\)'
fi

# refused LIST COMMAND...: must end with exit 1 and say every word of the list (separated by |)
refused() {
    local words=$1 word
    shift
    code=0
    timeout 60 "$@" > out.txt 2>&1 || code=$?
    [ "$code" = 1 ] || fail "exit $code instead of 1: $*"
    while [ -n "$words" ]; do
        word=${words%%|*}
        grep -qF -- "$word" out.txt || fail "the message lacks \"$word\""
        if [ "$words" = "$word" ]; then words=; else words=${words#*|}; fi
    done
}
refused 'mpirun|nccl|torchrun' env RANK=0 WORLD_SIZE=2 MASTER_ADDR=localhost "$rank"
refused 'SLURM_JOB_NODELIST|node list' env SLURM_PROCID=1 SLURM_STEP_ID=0 SLURM_STEP_NUM_TASKS=2 SLURM_JOB_ID=7 SLURM_STEP_NODELIST='n[1' "$rank"
refused 'WORLD_SIZE' env RANK=0 "$rank"
mkdir empty
refused 'empty/iad_comm_openmpi.so|libopenmpi-dev' env IAD_MPI_MODULE_DIR=empty OMPI_COMM_WORLD_RANK=0 OMPI_COMM_WORLD_SIZE=2 "$rank"
echo nonsense > empty/iad_comm_mpich.so
refused 'iad_comm_mpich.so' env IAD_MPI_MODULE_DIR="$PWD/empty" PMI_RANK=0 PMI_SIZE=2 "$rank"
mpi=${pairs[0]}
# variables of another launcher, left in the environment of an MPI job
export RANK=0 WORLD_SIZE=1
job "$mpi" 2 -- calls
unset RANK WORLD_SIZE
[ "$code" = 1 ] || fail "contradicting variables: exit $code"
grep -q 'RANK and WORLD_SIZE say rank 0 of 1, but mpirun' out.txt || fail "the contradiction is not named"
