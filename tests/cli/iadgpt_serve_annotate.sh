#!/usr/bin/env bash
# iad-annotate against iadgpt serve: texts for two rendered pictures by a small random model.
set -euo pipefail
for program in iadgpt iad-synth iad-manifest iad-annotate; do [ -x "$IAD_BIN/$program" ] || { echo "$program is not built"; exit 77; }; done
fail() { echo "FAILED: $*" >&2; tail -5 serve.err run.log >&2 || true; exit 1; }
"$IAD_BIN/iadgpt" new-model --config tiny --seed 4 --quiet model 2>/dev/null
"$IAD_BIN/iad-synth" render --families gear --size 64 --train 2 --good 1 --bad 1 --out parts --quiet >/dev/null 2>&1
"$IAD_BIN/iad-manifest" ingest --db parts.db --adapter mvtec --name parts --option set=none parts >/dev/null 2>&1
"$IAD_BIN/iadgpt" serve --model model --port 0 --ready ready --threads 2 --max-answer-tokens 2000 >serve.out 2>serve.err &
server=$!
trap 'kill $server 2>/dev/null || true' EXIT
until [ -e ready ]; do kill -0 $server 2>/dev/null || fail "the server does not start"; sleep 0.05; done
url=$(sed 's,^url=,,;s,/$,,' ready)/v1
code=0
"$IAD_BIN/iad-annotate" run --db parts.db --url "$url" --model model --profile iadgpt --rpm 0 --tpm 0 --ramp 0 --backoff 0.02 --limit 2 --quiet >out.txt 2>run.log || code=$?
# A random model writes nonsense, which the annotator's checks refuse; what counts is that every picture was answered by the server.
[ $code = 0 ] || [ $code = 3 ] || fail "iad-annotate ended with $code"
kill -TERM $server
got=0
wait $server || got=$?
trap - EXIT
[ $got = 0 ] || fail "the server ended with $got"
grep -qE '^requests=[0-9]+ ok=([2-9]|[0-9]{2,}) refused=0 failed=0 ' serve.err || fail "not every request was answered"
tail -1 run.log
