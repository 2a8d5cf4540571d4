# kill -9 at random moments of a crawl of the loopback web with every fault in it: the same command goes on, and in the end the manifest says what
# that of an uninterrupted crawl says, but for times. Nothing that had arrived is fetched again, and no host is asked more often than the limit, as
# the server's log says.
set -euo pipefail
crawl=$IAD_BIN/iad-crawl web=$IAD_TESTBIN/iad_web dump="$IAD_TESTBIN/test_crawl_dump --dump" lib=$IAD_SOURCE/tests/tools/crawl_lib.sh
. "$lib"
categories=$(sed -n 2,9p "$IAD_SOURCE/manifests/categories400.tsv" | cut -f3 | paste -sd,)

start_web --categories 8 --pictures 50 --faults all,drip=2,stall=2,hang=2 --hostile --tls --patience 4
settings=(--categories "$categories" --target 15 --host-delay 0.1 --host-connections 2 --connections 6 --opt-out-hosts 0 --park-after 100000
    --check-pages)
fetch_all() { # fetch_all NAME
    run_crawl "$1" "${settings[@]}"
}
whole=$(seconds fetch_all whole)
$dump whole.db > whole.txt
test "$(grep -c '^image' whole.txt)" -ge 110
mv web.log whole.log
stop_web

start_web --categories 8 --pictures 50 --faults all,drip=2,stall=2,hang=2 --hostile --tls --patience 4 --port "$port" --seed 1
kills=0
for i in $(seq 6); do
    port=$port setsid bash -c '. "$1"; shift; run_crawl "$@"' part "$lib" cut "${settings[@]}" > /dev/null 2>&1 &
    pid=$!
    sleep "$(awk -v most="$whole" -v seed="$RANDOM" 'BEGIN { srand(seed); printf "%.3f", 0.05 + rand() * most * 0.3 }')"
    kill -9 -- -$pid 2> /dev/null && kills=$((kills + 1))
    wait $pid 2> /dev/null || true
done
"$crawl" status --db cut.db > broken_off.txt # something was done, not everything
grep -q 'picture\|done' broken_off.txt
test "$kills" -ge 3
fetch_all cut
$dump cut.db > cut.txt
diff <(normal whole.txt) <(normal cut.txt) > differences.txt || { head -40 differences.txt; exit 1; }
test -z "$(ls cut/spool)"
diff <(cd whole && find images -type f | sort) <(cd cut && find images -type f | sort)

# Whole answers that came twice: none without a kill; with kills only what was on its way at that moment.
test "$(twice whole.log)" = 0
test "$(twice web.log)" -le $((kills * 6))
# Pictures are counted over hosts: with 0.1 s between beginnings no second may hold more than eleven, and one more for the way there.
test "$(busiest_second whole.log)" -le 12
stop_web
