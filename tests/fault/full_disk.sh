# A disk that becomes full, and files that may not be written: a clear error that says so, nothing finished is lost, and with room again the
# same command goes on to the same result.
set -euo pipefail
synth=$IAD_BIN/iad-synth manifest=$IAD_BIN/iad-manifest bench=$IAD_BIN/iad-bench
shim=$IAD_TESTBIN/enospc_shim.so
ldd "$bench" > needs.txt
if grep -qE 'lib[atu]*san' needs.txt; then
    echo "skipped: a preloaded library and a sanitizer do not go together"
    exit 77
fi
limited() { # limited BYTES COMMAND...: fails like on a disk with so much room left; prints the exit code
    local bytes=$1 code=0
    shift
    LD_PRELOAD=$shim IAD_SHIM_BYTES=$bytes "$@" > limited.out 2> limited.err || code=$?
    echo $code
}
no_space='No space left|disk is full|database or disk is full'

"$synth" render --out data --families washer,wood --size 96 --train 4 --good 5 --bad 6 --seed 5 --quiet 2> /dev/null
"$manifest" ingest --db whole.db --adapter mvtec --name demo data --quiet > /dev/null 2>&1
"$manifest" export --db whole.db --format tsv > whole.tsv 2> /dev/null

for bytes in 0 5000 40000 90000; do
    test "$(limited $bytes "$manifest" ingest --db cut.db --adapter mvtec --name demo data --quiet)" = 1
    grep -qE "$no_space" limited.err
done
"$manifest" ingest --db cut.db --adapter mvtec --name demo data --quiet > /dev/null 2>&1
"$manifest" export --db cut.db --format tsv > cut.tsv 2> /dev/null
cmp whole.tsv cut.tsv

run=("$bench" run --db whole.db --shots 1 --preset iadgpt-224 --bootstrap 0 --out out --quiet)
"${run[@]}" > whole.txt 2> /dev/null
mv out whole
for bytes in 0 100000 1500000; do
    test "$(limited $bytes "${run[@]}")" = 1
    grep -qE "$no_space" limited.err
    test ! -e out/results.json
done
"${run[@]}" > cut.txt 2> /dev/null
cmp whole.txt cut.txt
cmp whole/results.json out/results.json

test "$(limited 3000 "$synth" render --out more --families wood --size 96 --train 4 --good 5 --bad 6 --seed 5 --quiet)" = 1
grep -qE "$no_space" limited.err
"$synth" render --out more --families wood --size 96 --train 4 --good 5 --bad 6 --seed 5 --quiet 2> /dev/null
diff -r data/wood more/wood

# Read-only: root may write anywhere, so this needs another user.
if [ "$(id -u)" -ne 0 ]; then
    mkdir locked
    cp whole.db locked/
    chmod a-w locked locked/whole.db
    code=0; "$manifest" ingest --db locked/whole.db --adapter mvtec --name other data --quiet 2> ro.err || code=$?
    chmod u+w locked
    test $code = 1
    grep -q 'locked/whole.db' ro.err
fi
code=0; "$manifest" ingest --db /proc/none/x.db --adapter mvtec --name other data --quiet 2> ro.err || code=$?
test $code = 1
grep -q '/proc/none/x.db' ro.err
