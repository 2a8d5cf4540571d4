# Every error of a service, one after the other, as the first thing that a run meets: what passes is repeated, what concerns one picture is marked, what concerns the account ends
# the run at once and costs nothing.
set -euo pipefail
. "$IAD_SOURCE/tests/tools/annotate_lib.sh"
many_pictures set 12
kinds() { "$IAD_TESTBIN/iad_endpoint" --kinds | awk -F'\t' -v family="$1" '$2 == family { print $1 }'; }
count() { query run.db "SELECT count(*) FROM annotate_answer WHERE state = '$1'"; }
again() { # again KIND [N]: a fresh manifest, an endpoint whose first two (N) chat requests meet the kind, a run; sets code
    rm -f run.db ledger.tsv log.tsv
    cp set.db run.db
    start_endpoint --order "$1:0:${2:-2}" --patience 1 --slow 200
    code=0
    "$IAD_BIN/iad-annotate" run --db run.db --url "$url" --model scripted-vl --rpm 0 --tpm 0 --ramp 0 --backoff 0.01 --timeout 10 --concurrency 2 --quiet 2> run.log || code=$?
    stop_endpoint
}
for kind in $(kinds passing) $(kinds flow) $(kinds answer); do
    again "$kind"
    test $code = 0 -o $code = 3 || { echo "$kind: $code"; cat run.log; exit 1; }
    test "$(count ok)" = 12 || { echo "$kind: $(count ok) good answers"; exit 1; }
done
for kind in $(kinds filter) $(kinds input); do # the same picture once more in another form, then all is well
    again "$kind"
    test $code = 0 -o $code = 3 || { echo "$kind: $code"; cat run.log; exit 1; }
    test "$(query run.db "SELECT count(DISTINCT image_id) FROM annotate_answer")" = 12 && test "$(count ok)" -ge 10 || { echo "$kind: $(count ok) good answers"; exit 1; }
done
for kind in $(kinds stop); do
    again "$kind" 1000
    test $code = 1 || { echo "$kind: $code"; cat run.log; exit 1; }
    test -s run.log && test "$(wc -l < ledger.tsv)" = 1 && test "$(grep -c completions log.tsv)" -le 8 || { echo "$kind: went on"; exit 1; }
done
# The account is in order again: the same command finishes.
start_endpoint
"$IAD_BIN/iad-annotate" run --db run.db --url "$url" --model scripted-vl --rpm 0 --tpm 0 --ramp 0 --quiet 2> run.log
stop_endpoint
test "$(count ok)" = 12
