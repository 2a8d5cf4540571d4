# A disk that becomes full in the middle of a crawl: an error that says so, and with room again the same command goes on to what an uninterrupted
# crawl has.
set -euo pipefail
. "$IAD_SOURCE/tests/tools/crawl_lib.sh"
shim=$IAD_TESTBIN/enospc_shim.so
ldd "$IAD_BIN/iad-crawl" > needs.txt
if grep -qE 'lib[atu]*san' needs.txt; then
    echo "skipped: a preloaded library and a sanitizer do not go together"
    exit 77
fi
start_web --categories 4 --pictures 30
run_crawl whole --categories hex_bolt,hex_nut --target 8
"$IAD_TESTBIN/test_crawl_dump" --dump whole.db > whole.txt
for bytes in 0 300000 900000 1500000; do
    code=0
    LD_PRELOAD=$shim IAD_SHIM_BYTES=$bytes "$IAD_BIN/iad-crawl" run --db cut.db --out cut --contact mailto:t@example.org --no-proxy --quiet \
        --engine-url "bing=http://127.0.0.1:$port,baidu=http://127.0.0.1:$port" --allow-host '127.0.0.1,*.localhost' \
        --engine-delay 0 --host-delay 0.01 \
        --min-bytes 1000 --categories hex_bolt,hex_nut --target 8 2> limited.err || code=$?
    test $code = 1 || { cat limited.err; exit 1; }
    grep -qE 'No space left|disk is full' limited.err
done
run_crawl cut --categories hex_bolt,hex_nut --target 8
"$IAD_TESTBIN/test_crawl_dump" --dump cut.db > cut.txt
cmp whole.txt cut.txt
test -z "$(ls cut/spool)"
stop_web
