# Synthesis on a disk that becomes full: recipes, records, files and exports say so with the item's name, keep what is finished, and with room
# again the same command comes to the same result.
set -euo pipefail
fail() { echo "FAILED: $*" >&2; exit 1; }
synth=$IAD_BIN/iad-synth manifest=$IAD_BIN/iad-manifest
shim=$IAD_TESTBIN/enospc_shim.so
ldd "$synth" > needs.txt
if grep -qE 'lib[atu]*san' needs.txt; then
    echo "skipped: a preloaded library and a sanitizer do not go together"
    exit 77
fi
full() { # full BYTES COMMAND...: must fail like on a disk with so much room left, and say why
    local bytes=$1 code=0
    shift
    LD_PRELOAD=$shim IAD_SHIM_BYTES=$bytes "$@" > full.out 2> full.err || code=$?
    [ $code = 1 ] || { cat full.out full.err; fail "exit $code with room for $bytes bytes: $*"; }
    grep -qE 'No space left|disk is full|database or disk is full' full.err || { cat full.err; fail "no word of the full disk: $*"; }
}
ok() { "$@" > ok.out 2> ok.err || { cat ok.out ok.err; fail "$*"; }; }

ok "$synth" render --out parts --families gear,wood --size 96 --train 6 --good 2 --bad 2 --seed 5 --quiet
for db in whole.db cut.db; do ok "$manifest" ingest --db $db --adapter mvtec --name parts parts --quiet; done

ok "$synth" anomalies --db whole.db --per-image 4 --quiet
for bytes in 0 20000 60000; do full $bytes "$synth" anomalies --db cut.db --per-image 4 --quiet; done
ok "$synth" anomalies --db cut.db --per-image 4 --quiet

for stage in 2 3; do
    ok "$synth" tasks --db whole.db --stage $stage --quiet
    for bytes in 0 30000; do full $bytes "$synth" tasks --db cut.db --stage $stage --quiet; done
    ok "$synth" tasks --db cut.db --stage $stage --quiet
done

ok "$synth" files --db whole.db --out whole --quiet --threads 1
for bytes in 0 3000 60000; do
    full $bytes "$synth" files --db cut.db --out cut --quiet --threads 1
    [ ! -e cut/list.tsv ] || fail "a list of files that are not there"
done
ok "$synth" files --db cut.db --out cut --quiet --threads 1
diff -r whole cut || fail "files differ after a full disk"

for format in llava webdataset; do
    ok "$synth" export --db whole.db --stage 3 --format $format --out $format --quiet
    for bytes in 0 3000 60000; do
        full $bytes "$synth" export --db cut.db --stage 3 --format $format --out $format-cut --quiet
        [ -z "$(find $format-cut -name 'stage3*' ! -name '*.part' -size +0 -name '*.json')" ] || fail "half an export looks finished"
    done
    ok "$synth" export --db cut.db --stage 3 --format $format --out $format-cut --quiet
    diff -r $format $format-cut || fail "exports differ after a full disk"
done
ok "$manifest" check --db cut.db
echo ok
