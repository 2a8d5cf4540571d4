# kill -9 at ten random moments of ingest and of a benchmark run: the same command then finishes, and what it leaves is equal, byte for byte,
# to an uninterrupted run. Then the same results for one and for eight threads.
set -euo pipefail
synth=$IAD_BIN/iad-synth manifest=$IAD_BIN/iad-manifest bench=$IAD_BIN/iad-bench

"$synth" render --out data --families screw,tile --size 128 --train 5 --good 5 --bad 6 --seed 3 --quiet 2> /dev/null

ingest() { "$manifest" ingest --db "$1" --adapter mvtec --name demo data --threads "$2" --quiet > /dev/null 2> ingest.log; }
run() { # run FOLDER THREADS: works in FOLDER so that the recorded command is the same everywhere
    (cd "$1" && "$bench" run --db ../whole.db --shots 1,4 --refs random-nested:7 --bootstrap 20 --out out --threads "$2" --quiet > table.txt 2> run.log)
}
# Sanitized programs are many times slower; two kills are enough to see a leak or a race there.
kills=10
ldd "$bench" > needs.txt
if grep -qE 'lib[atu]*san' needs.txt; then kills=2; fi
# kill_at_random SECONDS COMMAND...: starts it, kills it hard after a random part of SECONDS; fine if it was faster.
kill_at_random() {
    local most=$1
    shift
    setsid "$@" &
    local pid=$!
    sleep "$(awk -v most="$most" -v seed="$RANDOM" 'BEGIN { srand(seed); printf "%.3f", 0.005 + rand() * most }')"
    kill -9 -- -$pid 2> /dev/null || true
    wait $pid 2> /dev/null || true
}
seconds() { local start=$EPOCHREALTIME; "$@"; awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }'; }

whole=$(seconds ingest whole.db 1)
"$manifest" export --db whole.db --format jsonl > whole.jsonl 2> /dev/null
test "$(wc -l < whole.jsonl)" -eq 32
for i in $(seq $kills); do
    kill_at_random "$whole" "$manifest" ingest --db cut.db --adapter mvtec --name demo data --threads 2 --quiet > /dev/null 2>&1
done
ingest cut.db 2
"$manifest" export --db cut.db --format jsonl > cut.jsonl 2> /dev/null
cmp whole.jsonl cut.jsonl

mkdir -p a b c
whole=$(seconds run a 1)
test -s a/out/results.json
test -s a/out/report.html
for i in $(seq $kills); do
    (cd b && kill_at_random "$whole" "$bench" run --db ../whole.db --shots 1,4 --refs random-nested:7 --bootstrap 20 --out out --threads 2 --quiet > /dev/null 2>&1)
done
run b 2
cmp a/out/results.json b/out/results.json
cmp a/out/report.html b/out/report.html
cmp a/table.txt b/table.txt
run c 8
cmp a/out/results.json c/out/results.json
cmp a/out/report.html c/out/report.html

# A second run scores nothing again and changes nothing.
cp a/out/results.json before.json
run a 2
cmp before.json a/out/results.json

# SIGINT: exit code 130, and the same command goes on.
mkdir d
code=0
(cd d && exec timeout --signal=INT --preserve-status 0.2 "$bench" run --db ../whole.db --shots 1,4 --refs random-nested:7 --bootstrap 20 --out out --threads 1 --quiet > /dev/null 2> int.log) || code=$?
test $code = 130 -o $code = 0
run d 2
cmp a/out/results.json d/out/results.json
