# The commands as a user meets them: dry run, run, status, report, gallery, refusals and refilling, export and crawling the export, retry after a
# block, shards and merging them.
set -euo pipefail
crawl=$IAD_BIN/iad-crawl
. "$IAD_SOURCE/tests/tools/crawl_lib.sh"
three=hex_bolt,hex_nut,flat_washer

# What is wrong is said before anything happens.
fails "$crawl" run --db a.db --out a 2> err
grep -q -- '--contact' err
fails "$crawl" run --db a.db --out a --contact x --categories nonsense 2> err
grep -q 'no category "nonsense"' err
fails "$crawl" run --db a.db --out a --contact x --shard 5/4 2> err
grep -q -- '--shard' err
fails "$crawl" run --db a.db --out a --contact x --engine google 2> err
grep -q 'google' err
fails "$crawl" run --db a.db --out a --contact x --opt-out maybe 2> err
grep -q 'maybe' err

test ! -e a.db
"$crawl" run --db a.db --out a --dry-run > estimate.txt
grep -qx 'categories	400' estimate.txt
grep -qx 'pictures_missing	100000' estimate.txt
test ! -e a.db

start_web --categories 6 --pictures 40
run_crawl a --categories $three --target 8 --engine bing,baidu,openverse
"$crawl" status --db a.db > status.txt
test "$(awk -F'\t' '$4 == "done" && $3 == 8' status.txt | wc -l)" = 3
"$crawl" gallery --db a.db --out a.html --limit 4
test "$(grep -c '<label' a.html)" = 12
"$IAD_BIN/iad-manifest" check --db a.db --files > /dev/null

# Refused pictures lose their part; the next run finds others; nothing of that is fetched twice.
"$crawl" export --db a.db > before.tsv
cut -f4 before.tsv | sed -n '2p;3p' > ids
"$crawl" reject --db a.db --ids ids --reason ugly
"$IAD_TESTBIN/test_crawl_dump" --dump a.db | awk -F'\t' '$1 == "image" { n[$5]++ } END { exit !(n["train"] == 22 && n["none"] == 2) }'
run_crawl a --categories $three --target 8 --engine bing,baidu,openverse
"$crawl" export --db a.db > after.tsv
test "$(wc -l < after.tsv)" = 25
fails grep -F -f ids after.tsv
test "$(twice web.log)" = 0
"$crawl" report --db a.db > report.txt
grep -qE 'rejected	refused	[2-9]' report.txt # also under another address
fails "$crawl" reject --db a.db 0000000000 2> err
grep -q 'no picture' err

# The same command again: nothing is asked.
: > web.log
run_crawl a --categories $three --target 8 --engine bing,baidu,openverse
test ! -s web.log

# An exported list, crawled by somebody else, gives the same files.
"$crawl" export --db a.db --format jsonl > list.jsonl
run_crawl b --urls list.jsonl --target 0
"$crawl" export --db b.db | cut -f4 | sort > b.ids
cut -f4 after.tsv | sort > a.ids
cmp a.ids b.ids

# Stopped in the middle: what is done is saved, the exit code says so, and the same command goes on.
done_pages() { "$crawl" status --db stop.db 2> /dev/null | awk -F'\t' '$1 == "done" { n = $2 } END { print n + 0 }'; }
"$crawl" run --db stop.db --out stop --contact mailto:t@example.org --engine bing \
    --engine-url "bing=http://127.0.0.1:$port" --allow-host '127.0.0.1,*.localhost' --no-proxy \
    --categories hex_bolt --target 20 --engine-delay 0 --host-delay 0.5 \
    --min-bytes 1000 2> stop.log &
pid=$!
until [ "$(done_pages || echo 0)" -ge 1 ] || ! kill -0 $pid 2> /dev/null; do sleep 0.1; done
kill -INT $pid
code=0
wait $pid || code=$?
test $code = 130
grep -q 'the same command goes on' stop.log
test "$(done_pages)" -ge 1
run_crawl stop --engine bing --categories hex_bolt --target 20
"$crawl" status --db stop.db > status.txt
grep -q '^hex_bolt	20	20	done' status.txt

# Two machines, one manifest: what is in both is a double after the next run.
run_crawl s1 --categories hex_bolt,hex_nut,flat_washer,spring_lock_washer --target 6 --shard 1/2
run_crawl s2 --categories hex_bolt,hex_nut,flat_washer,spring_lock_washer --target 6 --shard 2/2
"$IAD_BIN/iad-manifest" merge --db all.db s1.db s2.db
mkdir -p all && cp -r s1/images s2/images all/
test "$("$crawl" status --db all.db | awk -F'\t' 'NF == 10 && $3 == 6' | wc -l)" = 4
"$IAD_BIN/iad-manifest" merge --db all.db s1.db s2.db 2> again.txt
grep -q ' added=0 ' again.txt
stop_web

# An engine that blocks: three strikes, exit code 3, and a word on what to do; retry lifts the block.
start_web --categories 6 --pictures 40 --block bing:captcha:0:3
code=0
"$crawl" run --db c.db --out c --contact mailto:t@example.org --engine bing --engine-url "bing=http://127.0.0.1:$port" \
    --allow-host '127.0.0.1,*.localhost' --no-proxy \
    --categories hex_nut --target 5 --engine-delay 0 --host-delay 0.01 --block-pause 0 --min-bytes 1000 2> block.txt || code=$?
test $code = 3
grep -q 'given up' block.txt
grep -q 'iad-crawl retry' block.txt
test "$("$crawl" status --db c.db | awk -F'\t' '$1 == "bing" { print $2 }')" = 3
"$crawl" retry --db c.db
run_crawl c --engine bing --categories hex_nut --target 5
"$crawl" status --db c.db > status.txt
grep -q '^hex_nut	5	5	done' status.txt
stop_web
