# What the scripts about the annotator share; they source it.

# Starts the scripted endpoint with its books; sets url and endpoint_pid.
start_endpoint() {
    rm -f ready
    "$IAD_TESTBIN/iad_endpoint" --ledger ledger.tsv --log log.tsv --ready ready --lifetime 1500 "$@" > endpoint.txt 2> endpoint.err &
    endpoint_pid=$!
    trap 'kill $endpoint_pid 2> /dev/null || true' EXIT
    for _ in $(seq 100); do [ -s ready ] && break; sleep 0.1; done
    url=http://127.0.0.1:$(sed 's/port=\([0-9]*\).*/\1/' ready)/v1
}
stop_endpoint() {
    kill "$endpoint_pid" 2> /dev/null || true
    wait "$endpoint_pid" 2> /dev/null || true
}

# many_pictures NAME N: a manifest NAME.db of N small pictures that all differ.
many_pictures() {
    "$IAD_TESTBIN/picture_set" "$1" "$2"
    "$IAD_BIN/iad-manifest" ingest --db "$1.db" --adapter mvtec --name "$1" --option set=none "$1" > /dev/null 2>&1
}

# annotate NAME OPTION...: a run with the waiting times and prices of a test; pictures without texts are no failure.
annotate() {
    local name=$1 code=0
    shift
    "$IAD_BIN/iad-annotate" run --db "$name.db" --url "$url" --model scripted-vl --profile dashscope --rpm 0 --tpm 0 --ramp 0 --backoff 0.02 \
        --timeout 10 --price-in 1.6 --price-out 4 --quiet "$@" 2> "$name.log" || code=$?
    test $code = 0 -o $code = 3 || { cat "$name.log"; return 1; }
}

query() { "$IAD_TESTBIN/manifest_query" "$1" "$2"; }
# Charged answers that reached the client whole and as JSON: each must be a row of the manifest.
delivered() { awk -F'\t' 'FNR > 1 && $8 == "done" && $7 !~ /^(not_json|half_json|stalled|cut)$/' ledger.tsv; }
