# The batch service with every fault in it, a batch that fails, one that expires, and a kill while answers are taken in: no unit is paid for twice, and what the manifest says that
# it cost is half of what the ledger's tokens cost.
set -euo pipefail
. "$IAD_SOURCE/tests/tools/annotate_lib.sh"
export LVLM_KEY=sk-0123456789-not-to-be-found
many_pictures set 400
start_endpoint --key-env LVLM_KEY --faults all=2 --batch-seconds 0.4 --batch-ends failed,expired
printf 'model\tin\tout\tcached\tbatch\tcurrency\tdate\nscripted-vl\t1.6\t4\t0.32\t0.5\tCNY\t2025-12\n' > prices.tsv
common=(--db set.db --url "$url" --model scripted-vl --profile dashscope --key-env LVLM_KEY --dir batches --backoff 0.02 --prices prices.tsv --quiet)
step() { # step make|submit|poll|collect
    local code=0
    "$IAD_BIN/iad-annotate" batch "$1" "${common[@]}" --max-lines 150 > "$1.txt" 2> "$1.log" || code=$?
    test $code = 0 -o $code = 3 || { echo "$1: $code"; cat "$1.log"; return 1; }
}
left() { query set.db "SELECT count(*) FROM image WHERE id NOT IN (SELECT image_id FROM annotate_answer WHERE state = 'ok')"; }
rounds=0
while [ "$(left)" -gt 0 ] && [ $rounds -lt 8 ]; do
    step make
    step submit
    step submit # once more: nothing is sent twice
    for _ in $(seq 50); do
        step poll
        test -n "$(query set.db "SELECT name FROM annotate_batch WHERE state = 'submitted'")" || break
        sleep 0.1
    done
    if [ $rounds = 0 ]; then
        "$IAD_BIN/iad-annotate" batch collect "${common[@]}" 2> /dev/null &
        pid=$!
        for _ in $(seq 200); do [ "$(query set.db "SELECT count(*) FROM annotate_answer" 2> /dev/null || echo 0)" = 0 ] || break; sleep 0.01; done
        kill -9 $pid 2> /dev/null || true
        wait $pid 2> /dev/null || true
    fi
    step collect
    rounds=$((rounds + 1))
done
stop_endpoint
query set.db "SELECT state, round, count(*) FROM annotate_answer GROUP BY 1, 2"
test "$(left)" -le 12 # filtered and unusable ones
test "$(query set.db "SELECT count(DISTINCT image_id) FROM annotate_answer")" = 400
test -z "$(awk -F'\t' '$9 == "batch" { print $2 }' ledger.tsv | sort | uniq -d)"
test "$(awk -F'\t' '$9 == "batch"' ledger.tsv | wc -l)" = "$(query set.db "SELECT count(*) FROM annotate_answer WHERE prompt_tokens > 0")"
awk -F'\t' '$9 == "batch" { c += $5 * 1.6e-6 + $6 * 4e-6 } END { printf "%.6f\n", c / 2 }' ledger.tsv > price.txt
query set.db "SELECT printf('%.6f', sum(cost)) FROM annotate_answer" | diff price.txt -
if grep -rlF "$LVLM_KEY" .; then echo "the key is on disk" >&2; exit 1; fi
