#!/usr/bin/env bash
# The page of iadgpt serve in a headless Chromium (tests/browser): sets, thresholds, one part, many parts, keys, limits, small screens.
# PAGE_SHOTS=DIR keeps pictures of what was seen.
set -euo pipefail
iadgpt=$IAD_BIN/iadgpt synth=$IAD_BIN/iad-synth
[ -x "$iadgpt" ] && [ -x "$synth" ] || { echo "iadgpt or iad-synth is not built"; exit 77; }
command -v python3 >/dev/null || { echo "python3 is missing: the page was not tested"; exit 77; }
browser() { python3 -c "import sys; sys.path.insert(0, '$IAD_SOURCE/tests/browser'); import devtools; sys.exit(devtools.find() is None)"; }
browser || { echo "no Chromium (Debian: chromium-headless-shell): the page was not tested"; exit 77; }

"$iadgpt" new-model --config tiny --seed 3 --quiet model 2>/dev/null
"$synth" render --families gear --size 320 --train 18 --good 2 --bad 3 --out parts --quiet >/dev/null 2>&1

server=
stop() { [ -z "$server" ] || { kill -TERM "$server"; wait "$server"; server=; }; }
trap '[ -z "$server" ] || kill -KILL "$server"' EXIT
serve() { # serve [options]: url is where it answers
    rm -f ready
    "$iadgpt" serve --model model --port 0 --threads 2 --ready ready "$@" >/dev/null 2>log.txt &
    server=$!
    until [ -e ready ]; do kill -0 "$server" || { cat log.txt >&2; exit 1; }; sleep 0.05; done
    url=$(sed 's/^url=//; s,/$,,' ready)
}
page() { # page NAME [options]
    mkdir "$1"
    python3 "$IAD_SOURCE/tests/browser/serve_page.py" "${@:2}" ${PAGE_SHOTS:+--shots "$PAGE_SHOTS"} "$url" parts/gear "$1" || { tail -5 log.txt >&2; exit 1; }
}

serve --state sets
page whole
stop
(umask 077 && echo "a-key-of-the-test" > key.txt)
serve --api-key-file key.txt
page keyed --key a-key-of-the-test
stop
size=$(stat -c %s parts/gear/train/good/000.png) # one picture fits into a body, four do not
serve --max-body $((size * 2 + 65536)) --queue 1 --sessions 1
page small --small $((size * 2 + 65536))
stop
echo ok
