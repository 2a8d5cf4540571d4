# kill -9 at ten random moments of ingest, SIGINT at others: the same command then finishes, and every row, ids included, is what an
# uninterrupted run writes; also for one and for eight threads.
set -euo pipefail
manifest=$IAD_BIN/iad-manifest helper=$IAD_TESTBIN/test_ingest_layouts

"$helper" --many data 400
ingest() { # ingest DB THREADS: exit code 3, since some pictures are broken
    local code=0
    "$manifest" ingest --db "$1" --name set --threads "$2" --quiet data > "$1.txt" 2> "$1.log" || code=$?
    test $code = 3
}
seconds() { local start=$EPOCHREALTIME; "$@"; awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }'; }

whole=$(seconds ingest whole.db 1)
"$helper" --dump whole.db > whole.txt
test "$(grep -c 'part' whole.txt)" -gt 400

ingest eight.db 8
"$helper" --dump eight.db > eight.txt
cmp whole.txt eight.txt
cmp whole.db.txt eight.db.txt

for threads in 1 3; do
    for i in $(seq 10); do
        setsid "$manifest" ingest --db cut$threads.db --name set --threads $threads --quiet data > /dev/null 2>&1 &
        pid=$!
        sleep "$(awk -v most="$whole" -v seed="$RANDOM" 'BEGIN { srand(seed); printf "%.3f", 0.003 + rand() * most * 0.9 }')"
        kill -9 -- -$pid 2> /dev/null || true
        wait $pid 2> /dev/null || true
    done
    ingest cut$threads.db $threads
    "$helper" --dump cut$threads.db > cut.txt
    cmp whole.txt cut.txt
done

# SIGINT saves what is done and says so by its exit code.
for part in 0.2 0.5; do
    code=0
    timeout --signal=INT --preserve-status "$(awk -v most="$whole" -v part=$part 'BEGIN { printf "%.3f", most * part }')" \
        "$manifest" ingest --db int.db --name set --threads 1 data > int.txt 2> int.log || code=$?
    test $code = 130 -o $code = 3
done
ingest int.db 2
"$helper" --dump int.db > int.txt
cmp whole.txt int.txt

# Again: nothing new, nothing read but the files that have no row.
ingest int.db 2
grep -q ' added=0 changed=0 same=400 ' int.db.log
