# All 400 categories from the loopback web to a small number each, with every fault on and two blocks of engines: every category is full or says
# what is missing, benchmarks' products are apart, the manifest is sound, and memory does not grow with the crawl.
set -euo pipefail
. "$IAD_SOURCE/tests/tools/crawl_lib.sh"

start_web --categories 400 --pictures 20 --faults all,drip=0,stall=1,hang=1 --hostile --tls --patience 2 \
    --block bing:captcha:40:1 --block baidu:antiflag:10:2
run_crawl all --target 2 --connections 16 --host-connections 4 --host-delay 0.002 --opt-out-hosts 0 --threads 2 &
pid=$!
while kill -0 $pid 2> /dev/null; do
    for p in $(pgrep -P $pid 2> /dev/null || true) $pid; do
        grep -qs iad-crawl "/proc/$p/comm" && awk '/^VmRSS/ { print $2 }' "/proc/$p/status" >> rss 2> /dev/null
    done
    sleep 0.2
done
wait $pid

"$IAD_BIN/iad-crawl" status --db all.db > status.txt
awk -F'\t' 'NR == 1 { next } NF < 5 { exit } { n++; kept += $3; short += $4 == "short" }
    END { print n, kept, short; exit !(n == 400 && kept >= 780 && short <= 20) }' status.txt
grep -q '^baidu	0	' status.txt # the blocks were waited out
"$IAD_BIN/iad-manifest" check --db all.db --files --no-leakage > check.txt
"$IAD_BIN/iad-manifest" stats --db all.db > stats.txt
grep -q '^web-overlap *hex_nut' stats.txt
grep -q '^web *hex_bolt' stats.txt

# Nothing that opted out, nothing that robots.txt forbids, no private address was asked for or kept.
test -z "$(awk -F'\t' '$5 ~ /^\/p\/robots\//' web.log)"
"$IAD_BIN/iad-crawl" export --db all.db | cut -f1 > kept.txt
fails grep -E '/p/(noai|noindex|tdm|robots|private|html|login|cut|small|wide|blank|animated)/' kept.txt
"$IAD_BIN/iad-crawl" report --db all.db > report.txt
for reason in robots optout address scheme redirect_loop too_big not_image placeholder truncated aspect blank animated http_4xx; do
    grep -q "	$reason	\|^$reason	" report.txt || { echo "no $reason in the report"; exit 1; }
done
# The last third of the run needs no more memory than the one before, but for a little.
awk '{ r[++n] = $1 }
    END { for (i = 1; i <= n; i++) if (i > 2 * n / 3) last = r[i] > last ? r[i] : last; else if (i > n / 3) middle = r[i] > middle ? r[i] : middle
        print n, middle, last
        exit !(n < 9 || last < 1.25 * middle + 8192) }' rss
stop_web
