#!/usr/bin/env bash
# iadgpt serve on a small random model: every route, answers equal to the command line's, refusals, limits, restart, end.
set -euo pipefail
iadgpt=$IAD_BIN/iadgpt synth=$IAD_BIN/iad-synth
[ -x "$iadgpt" ] && [ -x "$synth" ] && command -v curl >/dev/null || { echo "iadgpt or iad-synth is not built, or there is no curl"; exit 77; }
fail() { echo "FAILED: $*" >&2; [ -e serve.err ] && tail -5 serve.err >&2; exit 1; }
server= url=
start() { # start OPTIONS...
    rm -f ready
    "$iadgpt" serve --model model --port 0 --ready ready --threads 2 "$@" >serve.out 2>serve.err &
    server=$!
    until [ -e ready ]; do kill -0 "$server" 2>/dev/null || fail "the server does not start"; sleep 0.05; done
    url=$(sed 's,^url=,,;s,/$,,' ready)
}
finish() { # finish CODE [SIGNAL]
    local got=0
    kill -"${2:-TERM}" "$server"
    wait "$server" || got=$?
    server=
    [ "$got" = "$1" ] || fail "the server ended with $got instead of $1"
}
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true' EXIT
ask() { curl -s -m 120 -o reply -w '%{http_code}' "$@" >status || true; }
post() { ask -H 'Content-Type: application/json' --data-binary "@$2" "$url$1"; } # post PATH FILE
is() { [ "$(cat status)" = "$1" ] || { cat reply >&2; fail "status $(cat status) instead of $1: $2"; }; }
says() { grep -qF -- "$1" reply || { cat reply >&2; fail "the reply does not say: $1"; }; }
field() { sed -E "s/.*\"$1\":([^,}]*).*/\1/" "${2:-reply}" | head -1; }

"$iadgpt" new-model --config tiny --seed 3 --quiet model 2>/dev/null
"$synth" render --families gear --size 64 --train 66 --good 3 --bad 3 --out parts --quiet >/dev/null 2>&1
good=$PWD/parts/gear/train/good test=$PWD/parts/gear/test
a=$good/000.png b=$good/001.png q=$test/good/000.png
uri() { printf 'data:image/png;base64,%s' "$(base64 -w0 <"$1")"; }
common=(--model model --image-size 112x112 --quiet --threads 2)

start --state sets --allow-dir parts --sessions 1
# ---- what needs no picture
ask "$url/health"; is 200 health; says '"status":"ok"'
ask "$url/v1/models"; is 200 models; says '"id":"model"'; says '"images":16'
ask "$url/"; is 200 page; says '<html'
ask "$url/nothing"; is 404 route; says '"code":"not_found"'
ask -X PUT "$url/v1/inspect"; is 405 method; says 'it takes POST'
ask "$url/v1/exemplars"; is 200 list; says '"data":[]'
ask "$url/v1/exemplars/0123456789abcdef"; is 404 'no set'
ask -X DELETE "$url/v1/exemplars/nonsense"; is 404 'no set'

# ---- an exemplar set, by files and by JSON: the same one
ask -F 'options={"name":"gear front","category":"gear","settings":{"image_size":"112x112"}}' -F "images=@$a" -F "images=@$b" "$url/v1/exemplars"
is 201 'new set'
id=$(field id | tr -d '"') key=$(field key | tr -d '"')
printf '{"name":"gear front","category":"gear","settings":{"image_size":"112x112"},"images":["%s",{"image":"file://%s"}]}' "$(uri "$a")" "$b" >body
post /v1/exemplars body; is 200 'the same set again'; says "\"id\":\"$id\""
ask "$url/v1/exemplars/$id"; is 200 'one set'; says '"name":"gear front","category":"gear"'; says '"calibration":null'
[ -s "sets/$id.iadx" ] && [ -s "sets/$id.json" ] || fail "the set is not on disk"
"$iadgpt" prepare "${common[@]}" --normal "$a,$b" --out cli.iadx >out.txt 2>/dev/null
grep -q "\"key\":\"$key\"" out.txt || fail "prepare makes another key"
cmp -s cli.iadx "sets/$id.iadx" || fail "prepare writes another file"

# ---- inspections equal to the command line's, bit for bit
"$iadgpt" inspect "${common[@]}" --normal "$a,$b" --map-range 0.01:0.012 --raw-map --map maps "$test" >cli.jsonl 2>/dev/null
"$iadgpt" inspect "${common[@]}" --normal "$a,$b" --map-range 0.01:0.012 --explain --max-tokens 9 "$q" >words.jsonl 2>/dev/null
parts=()
for p in $(find "$test" -name '*.png' | sort); do parts+=(-F "images=@$p"); done
ask -F "options={\"exemplar_set\":\"$id\",\"map\":[\"grid\",\"png\"],\"map_range\":[0.01,0.012]}" "${parts[@]}" "$url/v1/inspect"
is 200 inspect
cp reply inspect.json
n=0
while read -r line; do
    n=$((n + 1))
    for f in score logit_yes logit_no f32; do
        value=$(sed -E "s/.*\"$f\":([^,}]*).*/\1/" <<<"$line")
        grep -qF "\"$f\":$value" inspect.json || fail "$f of a picture differs from the command line's"
    done
    boxes=$(sed -E 's/.*"boxes":(\[[^]]*\]).*/\1/' <<<"$line")
    grep -qF "\"boxes\":$boxes" inspect.json || fail "boxes differ from the command line's"
done <cli.jsonl
[ "$n" -ge 6 ] || fail "$n pictures"
for map in $(find maps -name '*.png'); do
    grep -qF "data:image/png;base64,$(base64 -w0 <"$map")\"" inspect.json || fail "$map is not the server's map"
done
printf '{"exemplar_set":"%s","images":["file://%s"],"map_range":[0.01,0.012],"words":true,"max_tokens":9}' "$id" "$q" >body
post /v1/inspect body; is 200 words
cp reply words.json
words=$(sed -E 's/.*"words":("([^"\\]|\\.)*").*/\1/' words.jsonl)
grep -qF "\"words\":$words" words.json || fail "words differ from the command line's: $words"
# the same words as events, the good pictures sent along, and none at all
sed 's/,"max_tokens":9/&,"stream":true/' body >stream
post /v1/inspect stream; is 200 stream
grep -q '^event: result' reply && grep -q '^event: words' reply && grep -qF "\"words\":$words" <(grep -A1 '^event: done' reply) || fail "the stream of words is not whole"
printf '{"good":["file://%s","file://%s"],"settings":{"image_size":"112x112"},"images":["file://%s"]}' "$a" "$b" "$q" >body
post /v1/inspect body; is 200 'inline good pictures'
score=$(field score); grep -qF "\"score\":$score," cli.jsonl || fail "inline good pictures give another score"
printf '{"zero_shot":true,"settings":{"image_size":"112x112"},"images":["file://%s"],"threshold":0,"map":[]}' "$q" >body
post /v1/inspect body; is 200 'zero shot'; says '"verdict":"anomalous"'; says '"threshold":0'
score=$("$iadgpt" inspect "${common[@]}" --zero-shot "$q" 2>/dev/null | sed -E 's/.*"score":([^,]*).*/\1/'); says "\"score\":$score,"

# ---- one bad picture among good ones
echo nonsense >bad.txt
ask -F "options={\"exemplar_set\":\"$id\"}" -F "images=@$q" -F images=@bad.txt "$url/v1/inspect"; is 200 'one bad picture'; says '"index":1,"name":"bad.txt","error":{"message":"images[1]: '
ask -F "options={\"exemplar_set\":\"$id\"}" -F images=@bad.txt "$url/v1/inspect"; is 400 'only a bad picture'; says '"code":"format"'

# ---- a threshold: that of --calibrate, over two requests
goods=() calibrate=
for i in $(seq 2 65); do goods+=("$(printf '%s/%03d.png' "$good" "$i")"); calibrate+=${calibrate:+,}${goods[-1]}; done
threshold=$("$iadgpt" inspect "${common[@]}" --normal "$a,$b" --calibrate "$calibrate" 2>/dev/null | sed -E 's/.*"threshold":([^,]*),.*/\1/')
parts=()
for p in "${goods[@]:0:30}"; do parts+=(-F "images=@$p"); done
ask "${parts[@]}" "$url/v1/exemplars/$id/calibration"; is 200 'first calibration'; says '"pictures":30,"needed":59'; says '"threshold":null'
parts=()
for p in "${goods[@]:20}"; do parts+=(-F "images=@$p"); done
ask "${parts[@]}" "$url/v1/exemplars/$id/calibration"; is 200 'second calibration'; says '"pictures":64,'; says "\"threshold\":$threshold,"
ask -F "images=@$a" "$url/v1/exemplars/$id/calibration"; is 400 'an exemplar calibrates'; says "one of the set's own"
ask -F "options={\"exemplar_set\":\"$id\"}" -F "images=@$q" "$url/v1/inspect"; is 200 'with threshold'; says "\"threshold\":$threshold,"; grep -qE '"verdict":"(normal|anomalous)"' reply || fail "no verdict"

# ---- chats equal to ask
text='What is on the left side?'
want=$("$iadgpt" ask --model model --quiet --threads 2 --image "$q" --max-tokens 8 --json "$text" 2>/dev/null | sed -E 's/.*"text":("([^"\\]|\\.)*").*/\1/')
printf '{"model":"model","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"%s"}},{"type":"text","text":"%s"}]}],"max_tokens":8}' "$(uri "$q")" "$text" >body
post /v1/chat/completions body; is 200 chat; says "\"content\":$want"; says '"prefix":"'; says '"resize":[{"size":[64,64],"resized":[448,448]}]'
prompt=$(field prompt_tokens)
post /v1/chat/completions body; is 200 'the same chat'
post /v1/chat/completions body; is 200 'the same chat'
grep -qE '"cached_tokens":[1-9]' reply || fail "a prompt that was there is not reused"
sed 's/"max_tokens":8/&,"stream":true,"stream_options":{"include_usage":true},"logprobs":true,"top_logprobs":3/' body >stream
post /v1/chat/completions stream; is 200 'chat stream'
[ "$(tail -2 reply | head -1)" = 'data: [DONE]' ] || fail "the stream has no end"
says "\"prompt_tokens\":$prompt,\"completion_tokens\":"; says '"finish_reason":"'; says '"top_logprobs":[{"token":'
printf '{"messages":[{"role":"user","content":"Hello"}],"response_format":{"type":"json_schema","json_schema":{"name":"x","schema":{"type":"object","properties":{"ok":{"type":"boolean"}},"required":["ok"]}}}}' >body
post /v1/chat/completions body; is 200 schema; grep -qE '"content":"\{.u0022ok.u0022: ?(true|false)\}"' reply || fail "the answer does not follow the schema: $(cat reply)"
printf '{"messages":[{"role":"user","content":"Hello"}],"max_tokens":30,"response_format":{"type":"json_object"}}' >body
post /v1/chat/completions body; is 200 'json_object'; grep -qE '"content":"\{.*\}","refusal"' reply || fail "the answer is no JSON object: $(cat reply)"
printf '{"messages":[{"role":"user","content":"Hello"}],"iad":{"choices":["good","bad"]}}' >body
post /v1/chat/completions body; is 200 choices; grep -qE '"content":"(good|bad)"' reply || fail "the answer is none of the choices"
printf '{"messages":[{"role":"user","content":[{"type":"text","text":"Which one?"}]}],"max_tokens":4,"iad":{"exemplar_set":"%s"}}' "$id" >body
post /v1/chat/completions body; is 200 'chat over a set'; says '"prefix":"hit"'

# ---- refusals name what is wrong
refuse() { printf '%s' "$3" >body; post "$1" body; is "$2" "$3"; says "$4"; }
chat=/v1/chat/completions
refuse $chat 400 '{"messages":[{]' 'body: line 1'
refuse $chat 400 '{"messages":[{"role":"user","content":"x"}],"tools":[]}' '"param":"tools"'
refuse $chat 400 '{"messages":[{"role":"robot","content":"x"}]}' 'messages[0].role'
refuse $chat 400 '{"messages":[{"role":"user","content":"x"}],"n":2}' '"param":"n"'
refuse $chat 400 '{"messages":[{"role":"user","content":"x"}],"max_tokens":5000}' '1 to 4096'
refuse $chat 404 '{"model":"gpt","messages":[{"role":"user","content":"x"}]}' 'the model \u0022model\u0022 only'
refuse $chat 400 '{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://example.com/a.png"}}]}]}' 'fetches no addresses'
refuse $chat 400 '{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"file:///etc/hostname"}}]}]}' 'not below a folder of --allow-dir'
refuse $chat 400 "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"file://$PWD/parts/../model/config.json\"}}]}]}" 'not below a folder of --allow-dir'
ln -s ../model/config.json parts/link.png
refuse $chat 400 "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"file://$PWD/parts/link.png\"}}]}]}" 'not below a folder of --allow-dir'
mkfifo parts/pipe.png
refuse $chat 400 "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"file://$PWD/parts/pipe.png\"}}]}]}" 'not a regular file'
refuse /v1/inspect 400 '{"images":["data:;base64,AAAA"]}' 'one of \u0022exemplar_set\u0022'
refuse /v1/inspect 404 '{"exemplar_set":"00000000000000ff","images":["data:;base64,AAAA"]}' 'there is no exemplar set'
refuse /v1/exemplars 400 '{"images":["data:;base64,AAAA"]}' 'name: is missing'
ask -H 'Content-Type: text/plain' -d x "$url/v1/inspect"; is 415 type; says 'multipart/form-data'
ask -F 'other=x' "$url/v1/inspect"; is 400 'a text part'; says 'the only text part'
ask -H 'Origin: http://evil.example' "$url/v1/models"; is 403 origin; says --allow-origin
ask -H 'Host: evil.example' "$url/v1/models"; is 403 host
head -c 40000000 /dev/zero >huge
ask -H 'Content-Type: application/json' --data-binary @huge "$url/v1/inspect"; is 413 'a huge body'; says --max-body
parts=()
for i in $(seq 17); do parts+=(-F "images=@$q"); done
ask -F "options={\"exemplar_set\":\"$id\"}" "${parts[@]}" "$url/v1/inspect"; is 400 '17 pictures'; says 'at most 16'
ask "$url/metrics"; is 200 metrics; says 'iadgpt_requests_total{route="chat",status="200"}'; says 'iadgpt_prefix_hits_total'; says 'iadgpt_request_seconds_bucket{route="inspect",le="+Inf"}'
finish 0
grep -q '^requests=.* sets=1$' serve.err || fail "no summary"

# ---- the set is there again with its threshold; a damaged one is not offered; a key
printf '{"broken":' >sets/00000000000000aa.json
printf 'secret-key-1\n' >key
chmod 644 key
code=0
"$iadgpt" serve --model model --port 0 --api-key-file key >out.txt 2>err.txt || code=$?
[ "$code" = 2 ] && grep -q 'others can read it' err.txt || fail "a key that others can read is taken"
chmod 600 key
start --state sets --api-key-file key --allow-origin https://shop.example --max-pixels 4000 --max-images 2 --max-body 20000 --name plant
grep -q '00000000000000aa.json.*not offered' serve.err || fail "nothing is said about the damaged set"
! grep -q secret-key serve.err || fail "the key is in the log"
code=0
"$iadgpt" serve --model model --port 0 --state sets >out.txt 2>err.txt || code=$?
[ "$code" = 1 ] && grep -q 'in use by another server' err.txt || fail "two servers share a folder"
ask "$url/health"; is 200 'health without key'
ask "$url/v1/models"; is 401 'no key'
ask -H 'Authorization: Bearer wrong' "$url/v1/models"; is 401 'wrong key'
header=(-H 'Authorization: Bearer secret-key-1')
ask "${header[@]}" "$url/v1/models"; is 200 key; says '"id":"plant"'
ask "${header[@]}" "$url/v1/exemplars/$id"; is 200 'the set after a restart'; says "\"threshold\":$threshold,"
ask "${header[@]}" -F "options={\"exemplar_set\":\"$id\"}" -F "images=@$q" "$url/v1/inspect"; is 400 pixels; says --max-pixels
ask "${header[@]}" -H 'Content-Type: application/json' --data-binary "@inspect.json" "$url/v1/inspect"; is 413 body; says 'at most 20000'
ask -X OPTIONS -H 'Origin: https://shop.example' -H 'Access-Control-Request-Method: POST' -D head "$url/v1/inspect"; is 204 preflight
grep -qi '^access-control-allow-origin: https://shop.example' head || fail "no CORS header"
ask "${header[@]}" -X DELETE "$url/v1/exemplars/$id"; is 200 delete; says '"deleted":true'
[ ! -e "sets/$id.json" ] && [ ! -e "sets/$id.iadx" ] || fail "the files of a deleted set are still there"
finish 130 INT

# ---- the end: what was accepted is finished, what comes after is refused
start --sessions 1 --queue 1 --deadline 100
printf '{"messages":[{"role":"user","content":"Hello"}],"max_tokens":4000,"iad":{"choices":["%s"]}}' "$(head -c 3000 /dev/zero | tr '\0' x)" >long
curl -s -m 120 -o first -w '%{http_code}' -H 'Content-Type: application/json' --data-binary @long "$url$chat" >first.status &
first=$!
until curl -s "$url/metrics" | grep '^iadgpt_running 1$' >/dev/null; do kill -0 "$first" || break; done
kill -TERM "$server"
until [ "$(curl -s -m 20 -o /dev/null -w '%{http_code}' "$url/health")" != 200 ]; do sleep 0.02; done
wait "$first"
[ "$(cat first.status)" = 200 ] && grep -q '"content":"xxx' first || fail "a request that ran was not finished: $(cat first.status)"
code=0
wait "$server" || code=$?
server=
[ "$code" = 0 ] || fail "the server ended with $code"
echo "all of iadgpt serve is as it should be"
