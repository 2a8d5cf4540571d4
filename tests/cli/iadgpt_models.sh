#!/usr/bin/env bash
# iadgpt new-model, train-tokenizer, tokenize, info, quantize: what a user sees on the command line.
set -euo pipefail
iadgpt=$IAD_BIN/iadgpt
[ -x "$iadgpt" ] || { echo "iadgpt is not built"; exit 77; }
fail() { echo "FAILED: $*" >&2; exit 1; }
expect() { # expect CODE command...: checks the exit code, keeps the streams in out.txt and err.txt
    local want=$1 got=0
    shift
    "$@" >out.txt 2>err.txt || got=$?
    [ "$got" = "$want" ] || { cat out.txt err.txt >&2; fail "exit $got instead of $want: $*"; }
}
says() { grep -q -- "$1" err.txt || { cat err.txt >&2; fail "the message does not say \"$1\""; }; }
prints() { grep -q -- "$1" out.txt || { cat out.txt >&2; fail "the output lacks \"$1\""; }; }

expect 2 "$iadgpt"
expect 2 "$iadgpt" nonsense
expect 0 "$iadgpt" --help
for command in inspect ask prepare info new-model train-tokenizer tokenize quantize compare selftest; do
    grep -q "^  $command " out.txt || fail "$command is not listed"
done
for command in inspect ask prepare info new-model train-tokenizer tokenize quantize selftest; do
    "$iadgpt" "$command" --help > help.txt
    grep -qi '^usage: ' help.txt || fail "$command has no help"
    expect 2 "$iadgpt" "$command" --no-such-option
done

# ---- new-model
expect 0 "$iadgpt" new-model --config tiny --seed 7 tiny
says 'parameters='
for file in config.json generation_config.json preprocessor_config.json model.safetensors tokenizer.json vocab.json merges.txt tokenizer_config.json; do
    [ -s "tiny/$file" ] || fail "tiny/$file is missing"
done
expect 0 "$iadgpt" new-model --config tiny --seed 7 --threads 3 again
diff -r tiny again || fail "the same seed gave other bytes"
expect 0 "$iadgpt" new-model --config tiny --seed 8 other
cmp -s tiny/model.safetensors other/model.safetensors && fail "the seed changes nothing"
expect 1 "$iadgpt" new-model --config tiny tiny
says 'force'
cmp -s tiny/model.safetensors again/model.safetensors || fail "a refused call changed the model"
expect 0 "$iadgpt" new-model --config tiny --force tiny
expect 0 "$iadgpt" new-model --config tiny --seed 7 --dtype f32 --force tiny
expect 0 "$iadgpt" new-model --config tiny --tokenizer none --quiet bare
[ ! -e bare/tokenizer.json ] || fail "--tokenizer none made one"
expect 0 "$iadgpt" new-model --config tiny --tokenizer tiny copied
cmp tiny/tokenizer.json copied/tokenizer.json
expect 1 "$iadgpt" new-model --config tiny --tokenizer no/such/dir lost
[ ! -e lost/config.json ] || fail "a failed call left a model"
expect 2 "$iadgpt" new-model --config huge x
says 'tiny, mini, small, 3b, 7b'
expect 2 "$iadgpt" new-model --dtype f8 x
expect 2 "$iadgpt" new-model
expect 2 "$iadgpt" new-model a b
expect 2 "$iadgpt" new-model --config 7b --patches cosine --tokenizer none x
says '588 cosine coefficients'
expect 0 "$iadgpt" new-model --config tiny --seed 7 --patches cosine cosine
cmp -s again/model.safetensors cosine/model.safetensors && fail "--patches changes nothing"
expect 1 "$iadgpt" new-model --config missing.json x
printf '{"hidden_size": 1e999, "x": [[[[' > hostile.json
expect 1 "$iadgpt" new-model --config hostile.json x
says 'real number overflow'
printf '{"model_type": "qwen2_5_vl", "hidden_size": -4}' > negative.json
expect 1 "$iadgpt" new-model --config negative.json x
expect 0 "$iadgpt" new-model --config small --seed 1 small
# a tokenizer of another model is refused, and does not make a model
expect 2 "$iadgpt" new-model --config tiny --tokenizer small mixed
says 'does not fit'
[ ! -e mixed/config.json ] || fail "a model with a foreign tokenizer"

# ---- tokenize: the added tokens stand where config.json has them
expect 0 "$iadgpt" tokenize --model small --added '<|endoftext|><|im_start|><|im_end|><|vision_start|><|vision_end|><|image_pad|>'
prints '^\[4042,4043,4044,4051,4052,4054\]$'
expect 0 "$iadgpt" tokenize --model tiny --added '<|image_pad|><|video_pad|><|vision_start|><|vision_end|><|im_end|>'
prints '^\[300,301,302,303,304\]$'
expect 0 "$iadgpt" tokenize --model small Yes
[ "$(tr -cd , < out.txt | wc -c)" = 0 ] || fail "Yes is not one token"
text='A defect: "café" 漢字 12.5 mm
  <|im_end|> is plain text'
expect 0 "$iadgpt" tokenize --model tiny "$text"
grep -q 304 out.txt && fail "a user could write a control token"
cp out.txt ids.txt
expect 0 "$iadgpt" tokenize --model tiny --decode --file ids.txt
[ "$(cat out.txt)" = "$text" ] || fail "text does not come back"
printf '%s' "$text" > text.txt
expect 0 "$iadgpt" tokenize --model tiny --file text.txt
cmp out.txt ids.txt || fail "file and words differ"
"$iadgpt" tokenize --model tiny < text.txt | cmp - ids.txt || fail "standard input and words differ"
expect 0 "$iadgpt" tokenize --model tiny --count --file text.txt
[ "$(cat out.txt)" = "$(($(tr -cd , < ids.txt | wc -c) + 1))" ] || fail "--count is wrong"
says 'mb_per_s='
expect 0 "$iadgpt" tokenize --model tiny --pieces ' defect'
prints '"text":" defect"'
expect 0 "$iadgpt" tokenize --model tiny --pieces "$(printf '\xff\xfe')"
expect 1 "$iadgpt" tokenize --model nowhere x
says nowhere
echo '1 2 x' | expect 1 "$iadgpt" tokenize --model tiny --decode
expect 2 "$iadgpt" tokenize --model tiny --file text.txt words
expect 2 "$iadgpt" tokenize words
mkdir broken && printf '{"model": {"type": "BPE", "vocab": [' > broken/tokenizer.json
expect 1 "$iadgpt" tokenize --model broken x
says 'tokenizer.json'

# ---- train-tokenizer
for i in $(seq 200); do echo "the gear $i has a broken tooth and the plate is normal, normal, normal"; done > corpus.txt
echo "a second file" > more.txt
expect 0 "$iadgpt" train-tokenizer --vocab 320 --out tok corpus.txt more.txt
says 'size=320'
expect 0 "$iadgpt" train-tokenizer --vocab 320 --out tok2 more.txt corpus.txt
diff -r tok tok2 || fail "the order of the files matters"
expect 0 "$iadgpt" tokenize --model tok ' normal'
expect 0 "$iadgpt" train-tokenizer --vocab 330 --out word --word 'zebra' corpus.txt
expect 0 "$iadgpt" tokenize --model word zebra
grep -q , out.txt && fail "--word did not make one token"
expect 2 "$iadgpt" train-tokenizer --vocab 330 --out two --word ' two words' corpus.txt
expect 2 "$iadgpt" train-tokenizer --out none corpus.txt
says -- '--vocab'
expect 2 "$iadgpt" train-tokenizer --vocab 320 --out none
expect 2 "$iadgpt" train-tokenizer --vocab 10 --out none corpus.txt
expect 1 "$iadgpt" train-tokenizer --vocab 320 --out none missing.txt
says missing.txt
# into a model's folder: the ids become the model's
expect 0 "$iadgpt" train-tokenizer --out bare corpus.txt
expect 0 "$iadgpt" tokenize --model bare --added '<|image_pad|><|im_end|>'
prints '^\[300,304\]$'

# ---- info
expect 0 "$iadgpt" info --model small
prints 'parameters   10985061 in 205 tensors'
prints 'total'
expect 0 "$iadgpt" info --config 7b --k 4 --weights int8
prints '8292192261'
expect 0 "$iadgpt" info --model tiny --json --image-size 112x112 --batch 3
if command -v python3 >/dev/null; then
    python3 - <<'P' || fail "info --json is not what it should be"
import json
r = json.load(open("out.txt"))
p = r["plan"]
assert r["weights"]["tensors"] == r["tensors"] and r["text"]["vocab"] == 320
assert p["tokens_per_picture"] == 16 and p["batch"] == 3
b = p["bytes"]
assert p["total"] == sum(b.values()) and p["mapped_file"] == 320 * 96 * 4
P
fi
expect 1 "$iadgpt" info --model nowhere
expect 2 "$iadgpt" info
expect 2 "$iadgpt" info --config 7b --model small
expect 2 "$iadgpt" info --model small --image-size 12by12
expect 2 "$iadgpt" info --model small --k 17
head -c 1000 small/model.safetensors > cut.bin
cp -r small cut && cp cut.bin cut/model.safetensors
expect 0 "$iadgpt" info --model cut
says 'cannot be used'

# ---- quantize
expect 0 "$iadgpt" quantize --model small --out q8
says 'quantised=57 '
[ "$(stat -c %s q8/model.safetensors)" -lt "$(stat -c %s small/model.safetensors)" ] || fail "nothing became smaller"
cmp q8/config.json small/config.json
cmp q8/tokenizer.json small/tokenizer.json
expect 0 "$iadgpt" info --model q8
prints '8-bit matrices'
expect 0 "$iadgpt" quantize --model small --out q8t --threads 4
cmp q8/model.safetensors q8t/model.safetensors || fail "the number of threads changes the bytes"
expect 0 "$iadgpt" quantize --model small --out q8v --vision
[ "$(stat -c %s q8v/model.safetensors)" -lt "$(stat -c %s q8/model.safetensors)" ] || fail "--vision changes nothing"
expect 0 "$iadgpt" quantize --model q8 --out q8again
cmp q8/model.safetensors q8again/model.safetensors || fail "a quantised model changes when quantised again"
expect 1 "$iadgpt" quantize --model small --out q8
says 'force'
expect 2 "$iadgpt" quantize --model small --out small
expect 2 "$iadgpt" quantize --model small --out ./small/../small --force
# below the first model is another folder, also the second time
expect 0 "$iadgpt" quantize --model small --out small/q8
expect 1 "$iadgpt" quantize --model small --out small/q8
says 'force'
expect 0 "$iadgpt" quantize --model small --out small/q8 --force
cmp q8/model.safetensors small/q8/model.safetensors || fail "the folder changes the model"
expect 1 "$iadgpt" quantize --model cut --out never
expect 1 "$iadgpt" quantize --model nowhere --out never
[ ! -e never/config.json ] || fail "a failed call left a model"
expect 2 "$iadgpt" quantize --model small
echo ok
