#!/usr/bin/env bash
# iadgpt ask and selftest on a small random model.
set -euo pipefail
iadgpt=$IAD_BIN/iadgpt synth=$IAD_BIN/iad-synth
[ -x "$iadgpt" ] && [ -x "$synth" ] || { echo "iadgpt or iad-synth is not built"; exit 77; }
fail() { echo "FAILED: $*" >&2; exit 1; }
expect() { # expect CODE command...
    local want=$1 got=0
    shift
    "$@" >out.txt 2>err.txt || got=$?
    [ "$got" = "$want" ] || { cat out.txt err.txt >&2; fail "exit $got instead of $want: $*"; }
}
says() { grep -q -- "$1" err.txt || { cat err.txt >&2; fail "the message does not say \"$1\""; }; }

"$iadgpt" new-model --config tiny --seed 5 --quiet model 2>/dev/null
"$synth" render --families wood --size 64 --train 2 --good 1 --bad 1 --out parts --quiet >/dev/null 2>&1
cp parts/wood/train/good/000.png a.png
cp parts/wood/train/good/001.png b.png
common=(--model model --quiet --threads 2 --image-size 56x56)

# ---- text as it comes, and the same as one object
expect 0 "$iadgpt" ask "${common[@]}" --image a.png,b.png --max-tokens 12 "What is this?"
says 'prompt_tokens='
cp out.txt text.txt
expect 0 "$iadgpt" ask "${common[@]}" --image a.png --image b.png --max-tokens 12 --json "What is this?"
if command -v python3 >/dev/null; then
    python3 - <<'P' || fail "--json is not what it should be"
import json
r = json.load(open("out.txt"))
assert r["text"] + "\n" == open("text.txt").read()
assert r["finish"] in ("end", "length", "repetition") and len(r["tokens"]) <= 12
assert r["timings"]["prompt_tokens"] > 0 and r["timings"]["vision_ms"] > 0
P
fi
expect 0 "$iadgpt" ask "${common[@]}" --max-tokens 6 --temperature 1 --top-k 50 --top-p 0.9 --repetition-penalty 1.1 --seed 3 "Hello"
cp out.txt first.txt
expect 0 "$iadgpt" ask "${common[@]}" --max-tokens 6 --temperature 1 --top-k 50 --top-p 0.9 --repetition-penalty 1.1 --seed 3 "Hello"
cmp out.txt first.txt || fail "the same seed gave another answer"
expect 0 "$iadgpt" ask "${common[@]}" --max-tokens 6 --system "You inspect parts." "Hello"

# ---- constrained answers
expect 0 "$iadgpt" ask "${common[@]}" --choices good,bad,unsure "Is it good?"
grep -qxE 'good|bad|unsure' out.txt || fail "the answer is none of the choices: $(cat out.txt)"
printf '{"type":"object","properties":{"ok":{"type":"boolean"}},"required":["ok"],"additionalProperties":false}' > schema.json
expect 0 "$iadgpt" ask "${common[@]}" --json-schema schema.json "Is it good?"
grep -qE '"ok" *: *(true|false)' out.txt || fail "the answer does not follow the schema: $(cat out.txt)"
for bad in '{"type":' '[]' '{"type":"nonsense"}' '{"$ref":"http://example.invalid/x"}'; do
    printf '%s' "$bad" > bad.json
    code=0
    "$iadgpt" ask "${common[@]}" --json-schema bad.json "x" >out.txt 2>err.txt || code=$?
    [ "$code" = 1 ] || [ "$code" = 2 ] || fail "exit $code for the schema $bad"
done

# ---- chats
mkdir chat
cp a.png chat/part.png
cat > chat/chat.json <<'J'
[{"role": "system", "content": "You inspect parts."},
 {"role": "user", "content": [{"type": "image", "image": "part.png"}, {"type": "text", "text": "What is this?"}]},
 {"role": "assistant", "content": "Wood."},
 {"role": "user", "content": "Is it good? <|im_end|>"}]
J
expect 0 "$iadgpt" ask "${common[@]}" --max-tokens 5 --chat chat/chat.json
deep=$(printf '[%.0s' $(seq 5000))
for hostile in '' '[' '{}' '[{"role":"robot","content":"x"}]' '[{"role":"user"}]' '[{"role":"user","content":[{"type":"image","image":"gone.png"}]}]' \
    '[{"role":"user","content":[{"type":"image"}]}]' '[{"role":"user","content":7}]' '[{"role":"user","content":"a"},{"role":"user","content":"b"' "$deep"; do
    printf '%s' "$hostile" > hostile.json
    code=0
    "$iadgpt" ask "${common[@]}" --max-tokens 2 --chat hostile.json >out.txt 2>err.txt || code=$?
    [ "$code" = 1 ] || [ "$code" = 2 ] || fail "exit $code for the chat ${hostile:0:60}"
    [ -s err.txt ] || fail "no message for the chat ${hostile:0:60}"
done

# ---- faults
expect 1 "$iadgpt" ask --model nowhere "x"
says nowhere
expect 1 "$iadgpt" ask "${common[@]}" --image gone.png "x"
says gone.png
echo "no picture" > text.png
expect 1 "$iadgpt" ask "${common[@]}" --image text.png "x"
says text.png
expect 2 "$iadgpt" ask "${common[@]}"
expect 2 "$iadgpt" ask "${common[@]}" two words
expect 2 "$iadgpt" ask "${common[@]}" --chat chat/chat.json "x"
expect 2 "$iadgpt" ask "${common[@]}" --chat chat/chat.json --image a.png
expect 2 "$iadgpt" ask "${common[@]}" --choices a,b --json-schema schema.json "x"
expect 2 "$iadgpt" ask "${common[@]}" --temperature -1 "x"
expect 2 "$iadgpt" ask "${common[@]}" --max-tokens 0 "x"
expect 2 "$iadgpt" ask "${common[@]}" --weights int4 "x"
expect 2 "$iadgpt" ask "${common[@]}" --device abacus "x"
code=0
"$iadgpt" ask "${common[@]}" "x" >/dev/full 2>err.txt || code=$?
[ "$code" = 1 ] || fail "exit $code when the output is full"

# ---- selftest
expect 0 "$iadgpt" selftest --model model --threads 2
grep -q 'six known words' out.txt && grep -q 'exemplar file, and memory' out.txt || fail "a check is missing"
says 'failed=0'
expect 0 "$iadgpt" selftest --device reference
expect 1 "$iadgpt" selftest --model nowhere
expect 2 "$iadgpt" selftest extra
[ -z "$(find "${TMPDIR:-/tmp}" -maxdepth 1 -name 'iadgpt-selftest-*' -newer model/config.json)" ] || fail "selftest left a folder"
echo ok
