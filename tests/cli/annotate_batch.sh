# The provider's batch service, the audit, what people say, and the exports: on a few pictures, with batches that fail and lines that are refused.
set -euo pipefail
. "$IAD_SOURCE/tests/tools/annotate_lib.sh"
export LVLM_KEY=sk-9876543210-not-to-be-found
n=60
many_pictures set $n
start_endpoint --key-env LVLM_KEY --faults all=5 --patience 1 --slow 100 --batch-seconds 0.1 --batch-ends failed,expired
common=(--db set.db --url "$url" --model scripted-vl --key-env LVLM_KEY --price-in 1 --price-out 4)
batch() { local code=0; "$IAD_BIN/iad-annotate" batch "$@" "${common[@]}" 2> batch.log || code=$?; test $code = 0 -o $code = 3 || { cat batch.log; return 1; }; }

# Files within the limits, each unit in one of them; making again makes nothing.
batch make --dir jobs --max-lines 25
test "$(cat jobs/*.jsonl | wc -l)" = $n
test "$(wc -l jobs/*.jsonl | awk '$2 != "total" && $1 > 25' | wc -l)" = 0
test "$(cat jobs/*.jsonl | grep -o '"custom_id":"[0-9a-f]*"' | sort -u | wc -l)" = $n
batch make --dir jobs && grep -q ' requests=0 ' batch.log

# Until everything has its answer: a batch that failed is made again, what an expired one came to is kept.
for turn in $(seq 12); do
    batch submit --dir jobs
    for _ in $(seq 50); do batch poll; grep -q ' waiting=0 ' batch.log && break; sleep 0.1; done
    batch collect
    batch make --dir jobs
    grep -q ' requests=0 ' batch.log && break
done
test "$(query set.db "SELECT count(DISTINCT image_id) FROM annotate_answer")" = $n
test "$(query set.db "SELECT count(*) FROM annotate_batch WHERE state = 'failed'")" -ge 1
test "$(query set.db "SELECT count(*) FROM annotate_answer WHERE batch IS NULL AND raw IS NOT NULL")" = 0
# Half the price of single requests (1 and 4 for a million), whoever stated the prices; --batch-price says another share.
full="sum(prompt_tokens*1.0+completion_tokens*4.0)/1e6"
test "$(query set.db "SELECT abs(sum(cost)/($full) - 0.5) < 1e-6 FROM annotate_answer WHERE batch IS NOT NULL")" = 1
# No answer was charged twice.
test "$(awk -F'\t' 'FNR > 1 && $9 == "batch" { print $2 }' ledger.tsv | sort | uniq -d | wc -l)" = 0

# The corpus is looked through for texts that repeat.
"$IAD_BIN/iad-annotate" report --db set.db > report.tsv
grep -q '^texts' report.tsv

# Rejected: no captions, and the next run asks again with a further round. Accepted: verified captions.
"$IAD_BIN/iad-annotate" export --db set.db --format tsv > before.tsv 2> /dev/null
unit=$(tail -1 before.tsv | cut -f10)
echo "$unit" > list.txt
"$IAD_BIN/iad-annotate" reject --db set.db --ids list.txt --reason "a test" 2> /dev/null
"$IAD_BIN/iad-annotate" export --db set.db --format tsv > after.tsv 2> /dev/null
test $(($(wc -l < before.tsv) - $(wc -l < after.tsv))) = 3
batch make --dir jobs && grep -q ' requests=1 ' batch.log
"$IAD_BIN/iad-annotate" accept --db set.db "${unit:0:16}" 2> /dev/null
test "$(query set.db "SELECT count(*) FROM caption WHERE verified = 1")" = 3
"$IAD_BIN/iad-annotate" reject --db set.db 0000000000000000 2> /dev/null && exit 1

# Exports hold the same texts; the sheet shows them.
for format in messages jsonl; do
    "$IAD_BIN/iad-annotate" export --db set.db --format $format > list.$format 2> /dev/null
    test "$(wc -l < list.$format)" = $(($(wc -l < before.tsv) - 1))
done
"$IAD_BIN/iad-annotate" export --db set.db --format llava > list.json 2> /dev/null
test "$(grep -c '"conversations"' list.json)" = $(($(wc -l < before.tsv) - 1))
# `iad-manifest export` writes them, too; here all captions come from answers.
for format in messages jsonl tsv llava; do
    "$IAD_BIN/iad-annotate" export --db set.db --format $format > one.txt 2> /dev/null
    "$IAD_BIN/iad-manifest" export --db set.db --format captions-$format > two.txt 2> /dev/null
    cmp one.txt two.txt
done
"$IAD_BIN/iad-manifest" export --db set.db --format captions-jsonl --category part --out captions 2> /dev/null
cmp captions/captions.jsonl list.jsonl
code=0; "$IAD_BIN/iad-manifest" export --db set.db --format captions-jsonl --category nothing 2> err.txt || code=$?
test $code = 1 && grep -q "no category 'nothing'" err.txt
code=0; "$IAD_BIN/iad-manifest" export --db set.db --format captions-tsv --out x --files copy 2> err.txt || code=$?
test $code = 2
"$IAD_BIN/iad-annotate" show --db set.db --out sheet.html 2> /dev/null
grep -q "$unit" sheet.html
"$IAD_BIN/iad-manifest" check --db set.db > check.txt 2>&1 || { cat check.txt; exit 1; }

# The other ways to ask: in Chinese, and three wordings as three requests.
for way in "split zh" "variants zh" "variants en"; do
    set -- $way
    code=0
    "$IAD_BIN/iad-annotate" run "${common[@]}" --mode $1 --lang $2 --limit 5 --rpm 0 --tpm 0 --ramp 0 --backoff 0.02 --timeout 5 --quiet 2> way.log || code=$?
    test $code = 0 -o $code = 3 || { cat way.log; exit 1; }
done
test "$(query set.db "SELECT count(DISTINCT prompt_sha256) FROM caption WHERE lang = 'zh'")" = 4
test "$(query set.db "SELECT count(DISTINCT prompt_sha256) FROM caption WHERE lang = 'en'")" = 4
# What a run would take: three questions for each of the other pictures, and those that met trouble. Nothing is sent.
lines=$(wc -l < log.tsv)
"$IAD_BIN/iad-annotate" run "${common[@]}" --mode variants --dry-run > predicted.tsv
grep -q '^to ask.1[67][0-9]$' predicted.tsv
test "$lines" = "$(wc -l < log.tsv)"

# A key with which batches are forbidden is refused before anything is sent; a key that others can read as well.
lines=$(wc -l < log.tsv)
PLAN=sk-sp-123456 "$IAD_BIN/iad-annotate" batch submit --db set.db --url "$url" --model scripted-vl --dir jobs --key-env PLAN 2> plan.log && exit 1
grep -q 'sk-sp-' plan.log
echo sk-plain-to-read > key && chmod 644 key
"$IAD_BIN/iad-annotate" run --db set.db --url "$url" --model scripted-vl --key-file key 2> mode.log && exit 1
grep -q 'chmod 600' mode.log
rm key
stop_endpoint
test "$lines" = "$(wc -l < log.tsv)"
# Nothing on disk holds the key.
if grep -rlF "$LVLM_KEY" .; then exit 1; fi
