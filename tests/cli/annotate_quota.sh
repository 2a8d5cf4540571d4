# The quotas of a service that does not say how much is left, and closes its books every five seconds: not one request too many, also across a kill.
set -euo pipefail
lib=$IAD_SOURCE/tests/tools/annotate_lib.sh
. "$lib"
many_pictures set 300
# Per minute 3000 requests, 1,500,000 tokens; the endpoint counts a twelfth within every five seconds.
quota=(--rpm 3000 --tpm 1500000 --concurrency 8)
start_endpoint --rpm 250 --tpm 125000 --concurrency 8 --window 5
url=$url setsid bash -c '. "$1"; shift; annotate "$@"' part "$lib" set "${quota[@]}" > /dev/null 2>&1 &
pid=$!
until [ "$(query set.db "SELECT count(*) FROM annotate_answer" 2> /dev/null || echo 0)" -ge 100 ]; do
    kill -0 $pid
    sleep 0.05
done
kill -9 -- -$pid
wait $pid 2> /dev/null || true
annotate set "${quota[@]}"
stop_endpoint
cat endpoint.txt
grep -q ' refused=0 violations=0 ' endpoint.txt
# The same from the log, without the endpoint's own counting.
awk -F'\t' 'NR > 1 && $9 == "accepted" { print $1 "\t" $10 }' log.tsv | sort -n > accepted.tsv
awk -F'\t' '{ t[NR] = $1; k[NR] = $2; sum += $2; while ($1 - t[from + 1] >= 5) sum -= k[++from]; if (NR - from > n) n = NR - from; if (sum > s) s = sum }
    END { printf "most within five seconds: %d requests, %d tokens\n", n, s; exit !(NR >= 300 && n <= 250 && s <= 125000) }' accepted.tsv

# A service whose quota the client does not know: it finds the rate, with and without headers, and all pictures are done.
for headers in "" --limit-headers; do
    rm -f ledger.tsv log.tsv few.db
    many_pictures few 120
    start_endpoint --rpm 60 --window 2 --concurrency 4 $headers
    annotate few --concurrency 8 --tries 20
    stop_endpoint
    test "$(query few.db "SELECT count(*) FROM annotate_answer WHERE state = 'ok'")" = 120
    test "$(delivered | wc -l)" = 120
    grep -q ' violations=[1-9]' endpoint.txt
done
