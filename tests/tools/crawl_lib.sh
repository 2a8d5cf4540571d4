# What the scripts about the crawler share; they source it.

# Starts the loopback web with a log; sets port, tls, dead, web_pid.
start_web() {
    rm -f ports
    "$IAD_TESTBIN/iad_web" --log web.log --ready ports --lifetime 1500 "$@" > /dev/null 2> web.err &
    web_pid=$!
    trap 'kill $web_pid 2> /dev/null || true' EXIT
    for _ in $(seq 100); do [ -s ports ] && break; sleep 0.1; done
    read -r port tls dead _ < <(sed 's/[a-z]*=//g' ports)
}
stop_web() {
    kill "$web_pid" 2> /dev/null || true
    wait "$web_pid" 2> /dev/null || true
}

# run_crawl NAME OPTION...: a crawl into NAME.db and NAME/ with the waiting times of a test; missing pictures are no failure.
run_crawl() {
    local name=$1 code=0 base=http://127.0.0.1:$port
    shift
    "$IAD_BIN/iad-crawl" run --db "$name.db" --out "$name" --contact mailto:test@example.org --engine-url "bing=$base,baidu=$base,openverse=$base" \
        --allow-host '127.0.0.1,localhost,*.localhost,::1' --no-proxy --engine-delay 0.002:0.004 --backoff 0.05 --min-bytes 1000 --block-pause 1 \
        --connect-timeout 5 --timeout 25 --stall 10 --quiet "$@" 2> "$name.log" || code=$?
    test $code = 0 -o $code = 3 || { cat "$name.log"; return 1; }
}

# A command that must not succeed: with set -e a plain "! command" would pass either way.
fails() { if "$@"; then echo "should have failed: $*" >&2; return 1; fi; }

seconds() { local start=$EPOCHREALTIME; "$@"; awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }'; }
# Ports differ from web to web.
normal() { sed -E 's/(localhost|127\.0\.0\.1):[0-9]+/\1:PORT/g' "$1"; }
# Picture addresses that were answered whole with 200 more than once.
twice() {
    awk -F'\t' '$6 == 200 && $8 == "done" && $5 ~ /^\/p\// { n[$3 $5]++ } END { for (k in n) if (n[k] > 1) twice += n[k] - 1; print twice + 0 }' "$1"
}
# Most requests for pictures and pages that any host saw begin within one second.
busiest_second() {
    awk -F'\t' '$5 ~ /^\/(p|page)\// { print $3 "\t" $1 }' "$1" | sort -t "$(printf '\t')" -k1,1 -k2,2n |
        awk -F'\t' '$1 != host { host = $1; from = 1; n = 0 } 
            { t[++n] = $2; while (t[n] - t[from] >= 1) from++; if (n - from + 1 > most) most = n - from + 1 }
            END { print most + 0 }'
}
