# Many pictures through the scripted endpoint with every fault in it and three kill -9: every picture has its texts exactly once, nothing that was charged is lost or charged
# again but for what was on its way at a kill, money is as predicted, and the key is nowhere on disk.
# IAD_ANNOTATE_PICTURES=20000 for the large run.
set -euo pipefail
lib=$IAD_SOURCE/tests/tools/annotate_lib.sh
. "$lib"
n=${IAD_ANNOTATE_PICTURES:-1200} pilot=200 most=16
export LVLM_KEY=sk-0123456789-not-to-be-found
many_pictures set "$n"

# ---- a pilot, then what the rest will cost
start_endpoint --key-env LVLM_KEY --faults all=2 --patience 1 --slow 500
annotate set --key-env LVLM_KEY --concurrency $most --limit $pilot
annotate set --key-env LVLM_KEY --concurrency $most --dry-run > predicted.tsv
predicted=$(awk -F'\t' '$1 == "cost" { print $2 + 0 }' predicted.tsv)
spent=$(query set.db "SELECT sum(cost) FROM annotate_answer")
delivered > pilot.tsv # without a kill the books agree to the line
test "$(wc -l < pilot.tsv)" = "$(query set.db "SELECT count(*) FROM annotate_answer WHERE prompt_tokens > 0")"
awk -F'\t' '{ p += $5; c += $6 } END { print p "\t" c }' pilot.tsv | diff - <(query set.db "SELECT sum(prompt_tokens), sum(completion_tokens) FROM annotate_answer")

# ---- three kills while answers come in
kills=0
while [ $kills -lt 3 ]; do
    have=$(query set.db "SELECT count(*) FROM annotate_answer")
    url=$url setsid bash -c '. "$1"; shift; annotate "$@"' part "$lib" set --key-env LVLM_KEY --concurrency $most > /dev/null 2>&1 &
    pid=$!
    goal=$((have + (n - pilot) / 5))
    until [ "$(query set.db "SELECT count(*) FROM annotate_answer" 2> /dev/null || echo 0)" -ge $goal ]; do
        kill -0 $pid || { cat set.log; exit 1; }
        sleep 0.1
    done
    kill -9 -- -$pid
    wait $pid 2> /dev/null || true
    kills=$((kills + 1))
done
test "$(query set.db "SELECT count(DISTINCT image_id) FROM annotate_answer WHERE state = 'ok'")" -lt "$n" # there is work left
annotate set --key-env LVLM_KEY --concurrency $most
cp ledger.tsv whole.tsv
annotate set --key-env LVLM_KEY --concurrency $most # and once more: nothing is left to ask
cmp ledger.tsv whole.tsv
stop_endpoint

# ---- every picture once
query set.db "SELECT state, round, count(*) FROM annotate_answer GROUP BY 1, 2" > states.tsv
test "$(query set.db "SELECT count(*) FROM annotate_answer WHERE state = 'ok'")" = "$(query set.db "SELECT count(DISTINCT image_id) FROM annotate_answer WHERE state = 'ok'")"
test "$(query set.db "SELECT count(DISTINCT image_id) FROM annotate_answer")" = "$n"
without=$(query set.db "SELECT count(*) FROM image WHERE id NOT IN (SELECT image_id FROM annotate_answer WHERE state = 'ok')")
test "$without" -le $((n / 50)) # filtered ones, and those whose every try failed a check
good="SELECT image_id FROM annotate_answer WHERE state = 'ok' AND unit NOT IN (SELECT unit FROM annotate_verdict WHERE check_name = 'relevance')"
test "$(query set.db "SELECT count(*) FROM caption")" = $((3 * $(query set.db "SELECT count(*) FROM ($good)"))) # not of pictures of something else
test "$(query set.db "SELECT count(*) FROM caption WHERE image_id NOT IN ($good)")" = 0
test -z "$(query set.db "SELECT image_id FROM caption GROUP BY image_id, aspect HAVING count(*) > 1")"

# ---- every charge once: what was charged and has no row was on its way at a kill, and only that was charged again
delivered > delivered.tsv
rows=$(query set.db "SELECT count(*) FROM annotate_answer WHERE prompt_tokens > 0")
lost=$(($(wc -l < delivered.tsv) - rows))
again=$(cut -f2,3 delivered.tsv | sort | uniq -d | wc -l)
echo "rows $rows, charged without a row $lost, charged again $again, kills $kills"
test "$lost" -ge 0 && test "$lost" -le $((kills * most)) && test "$again" -le "$lost"
test -z "$(query set.db "SELECT lower(hex(unit)) FROM annotate_answer WHERE prompt_tokens > 0" | sort | comm -23 - <(cut -f2 delivered.tsv | sort -u) | head -3)"

# ---- money: within a tenth of the prediction
awk -v predicted="$predicted" -v actual="$(query set.db "SELECT sum(cost) - $spent FROM annotate_answer")" 'BEGIN {
    printf "cost: predicted %.4f, actual %.4f (%+.1f %%)\n", predicted, actual, 100 * (actual / predicted - 1)
    exit !(actual > 0.9 * predicted && actual < 1.1 * predicted) }'

# ---- the key is nowhere
if grep -rlF "$LVLM_KEY" .; then echo "the key is on disk" >&2; exit 1; fi
