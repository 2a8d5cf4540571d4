# Training checkpoints under kill -9, also in the middle of a write, and on a disk that becomes full: every checkpoint that a reader sees is whole,
# and the run that goes on ends with the same bytes as one that nobody disturbed.
set -euo pipefail
loop=$IAD_TESTBIN/store_loop shim=$IAD_TESTBIN/enospc_shim.so
"$IAD_BIN/iadgpt" new-model --config tiny --tokenizer none --quiet model > /dev/null 2>&1
steps=40
kills=15
sanitized=0
ldd "$loop" > needs.txt
if grep -qE 'lib[atu]*san' needs.txt; then sanitized=1 kills=4; fi

start=$EPOCHREALTIME
"$loop" model whole $steps > whole.txt
seconds=$(awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { print (b - a) / 3 }')

for i in $(seq $kills); do
    setsid "$loop" model cut $steps > /dev/null 2> cut.err &
    pid=$!
    sleep "$(awk -v most="$seconds" -v seed="$RANDOM" 'BEGIN { srand(seed); printf "%.3f", 0.02 + rand() * most }')"
    kill -9 -- -$pid 2> /dev/null || true
    code=0
    wait $pid 2> /dev/null || code=$?
    test $code = 137 -o $code = 0   # never 1 or 3: what the one before left was sound
done
"$loop" model cut $steps > cut.txt
cmp whole.txt cut.txt
diff -r whole cut
{ echo latest; printf 'step-%08d\n' 5 10 15 20 25 30 35 39 40; } > expected.txt # every fifth and the last two
ls cut | cmp - expected.txt

# A full disk, at every part of a write. A preloaded library and a sanitizer do not go together.
if [ $sanitized = 0 ]; then
    for bytes in 0 1000 3000000 5000000 20000000; do
        code=0
        LD_PRELOAD=$shim IAD_SHIM_BYTES=$bytes "$loop" model full $steps > /dev/null 2> full.err || code=$?
        test $code = 1
        grep -q 'No space left' full.err
        grep -q 'full/step-' full.err
        test -z "$(find full -name '*.tmp')"
    done
    "$loop" model full $steps > full.txt
    cmp whole.txt full.txt
    diff -r whole full
fi
