#!/usr/bin/env bash
# iad-bench run --task ...: questions about rendered parts to a random model, for every task; killed, interrupted and torn runs end as undisturbed ones do; answers of another tool
# are scored; a judge is asked offline and over HTTP; published figures stand beside the result.
set -euo pipefail
bench=$IAD_BIN/iad-bench top=$PWD
export OMP_WAIT_POLICY=passive
fail() { echo "FAILED: $*" >&2; exit 1; }
trap 'kill ${endpoint:-} 2> /dev/null || true' EXIT

"$IAD_BIN/iad-synth" render --out VisA --families gear,washer --size 96 --train 3 --good 2 --bad 3 --seed 1 --db set.db --name parts --captions --quiet > /dev/null 2>&1
"$IAD_BIN/iadgpt" new-model --config small --dtype f32 --seed 1 model --quiet > /dev/null 2>&1
sed -i '/"image": {/,/}/s/448/56/' model/config.json
ask() { "$bench" run --model "$top/model" --threads 2 --quiet "$@"; }

# ---- VisA-D&R: what the renderer drew is what is asked about ----
facts=$("$IAD_TESTBIN/manifest_query" set.db "SELECT image.path, defect, display FROM image JOIN category ON category.id = category_id WHERE label = 'anomalous' ORDER BY image.path")
{
    printf '['
    comma=
    while IFS=$'\t' read -r path defect product; do
        printf '%s\n{"image": "VisA/%s", "questions": ["What is wrong with this %s, and where?", "What follows from it?"],' "$comma" "$path" "$product"
        printf ' "answers": ["The %s has a %s.", "A %s with a %s must not be used; it has to be sorted out."]}' "$product" "${defect//_/ }" "$product" "${defect//_/ }"
        comma=,
    done <<< "$facts"
    printf ',\n{"image": "VisA/gear/test/gone/000.png", "questions": ["What is wrong?"], "answers": ["It is not there."]}]\n'
} > visa_dr.json
{
    printf '['
    comma=
    for f in VisA/*/test/*/*.png; do
        case $f in */good/*) bad=false ;; *) bad=true ;; esac
        printf '%s{"image": "%s", "anomaly": %s}' "$comma" "$f" $bad
        comma=$',\n'
    done
    printf ']\n'
} > test_data.json

reason() { ask --task reasoning --questions ../visa_dr.json --detection ../test_data.json --root .. --max-tokens 24 --out out "$@"; }
mkdir whole torn killed stopped
code=0
(cd whole && reason > ../table.txt 2> ../run.log) || code=$?
[ $code = 3 ] || { cat run.log; fail "exit $code, a picture is missing"; }
grep -q 'questions=23 answered=22 asked=22 failed=1' run.log || { cat run.log; fail "counts"; }
grep -q 'VisA/gear/test/gone/000.png.*no such picture' run.log || fail "the missing picture is not named"
grep -q '^gear ' table.txt && grep -q '^all questions' table.txt || { cat table.txt; fail "tables"; }
grep -q '<img ' whole/out/report.html && grep -q 'must not be used' whole/out/report.html || fail "the report shows neither pictures nor references"

# Torn: the first lines of the answers and half of another one.
mkdir torn/out
{ head -n 9 whole/out/answers.jsonl; sed -n 10p whole/out/answers.jsonl | cut -c 1-40 | tr -d '\n'; } > torn/out/answers.jsonl
(cd torn && reason > /dev/null 2> ../torn.log) || true
grep -q 'asked=14 ' torn.log || { cat torn.log; fail "the torn run should ask 14 of 22"; }
# Killed and interrupted, whenever that is.
wait_for_answers() { for _ in $(seq 600); do [ "$(wc -l 2> /dev/null < "$1" || echo 0)" -ge 4 ] && return; sleep 0.02; done; }
for how in KILL INT; do
    dir=$([ $how = KILL ] && echo killed || echo stopped)
    (cd $dir && exec "$bench" run --model ../model --threads 2 --quiet --task reasoning --questions ../visa_dr.json --detection ../test_data.json --root .. \
        --max-tokens 24 --out out > /dev/null 2> ../$dir.log) &
    pid=$!
    wait_for_answers $dir/out/answers.jsonl
    kill -$how $pid 2> /dev/null || true
    code=0
    wait $pid || code=$?
    [ $how = KILL ] || [ $code = 130 ] || [ $code = 3 ] || fail "exit $code after an interrupt"
    if [ $code = 130 ]; then grep -q 'goes on from here' $dir.log || fail "the message does not say how to go on"; fi
    (cd $dir && reason > /dev/null 2> ../$dir.log) || true
done
for dir in torn killed stopped; do
    cmp whole/out/answers.jsonl $dir/out/answers.jsonl || fail "answers of the $dir run"
    cmp whole/out/results.json $dir/out/results.json || fail "results of the $dir run"
done
# Other settings do not mix with stored answers.
if (cd whole && reason --max-tokens 25 > ../mixed.log 2>&1); then fail "answers with another limit were taken"; fi
grep -q -- --restart mixed.log || fail "the message does not say what to do"

# The second question of a dialogue is asked with the first one and the model's own answer before it, as iadgpt ask has it.
answer_of() { grep -F "\"id\":\"$1\"" whole/out/answers.jsonl | sed 's/^{"answer":\(".*"\),"finish".*/\1/'; }
path=$(head -n 1 <<< "$facts" | cut -f 1) product=$(head -n 1 <<< "$facts" | cut -f 3)
cat > chat.json << EOF
[{"role": "user", "content": [{"type": "image", "image": "VisA/$path"}, {"type": "text", "text": "What is wrong with this $product, and where?"}]},
 {"role": "assistant", "content": $(answer_of "VisA/$path#0")}, {"role": "user", "content": "What follows from it?"}]
EOF
"$IAD_BIN/iadgpt" ask --model model --threads 2 --max-tokens 24 --chat chat.json --json --quiet > ask.json 2> ask.log || { cat ask.log; fail "iadgpt ask"; }
[ "$(sed 's/^{"text":\(".*"\),"finish".*/\1/' ask.json)" = "$(answer_of "VisA/$path#1")" ] || { cat ask.json; answer_of "VisA/$path#1"; fail "the dialogue is not asked as iadgpt ask does"; }

# ---- a judge: requests and replies as files, then over HTTP; failures are counted ----
(cd whole && reason --judge-model strict > /dev/null 2> ../offline.log) || true
[ "$(wc -l < whole/out/judge-requests.jsonl)" = 12 ] || fail "requests for the judge"
grep -q '"judge_reference"' whole/out/results.json && fail "scores without replies"
sed -n 's/^{"custom_id":"\([0-9a-f]*\)".*/{"custom_id":"\1","response":{"body":{"choices":[{"message":{"content":"9 4\\nbecause"}}]}}}/p' whole/out/judge-requests.jsonl > replies.jsonl
sed -i '1s/9 4/cannot say/' replies.jsonl
(cd whole && reason --judge-model strict --judge-replies ../replies.jsonl > ../judged.txt 2> ../judged.log) || true
grep -q '"scored": 11' whole/out/results.json && grep -q '"unreadable": 1' whole/out/results.json || fail "replies of a batch"
grep -q '"prompt": "judge-two@1"' whole/out/results.json && grep -q '"prompt_sha256"' whole/out/results.json || fail "the judge's prompt is not named"
grep -q '^all questions.* 4.00 .* 9.00$' judged.txt || { cat judged.txt; fail "the judge's means"; }

# Faults on the way, a key, a kill: every request is charged at most once more than it must.
JUDGE_KEY=a-key-for-the-test
export JUDGE_KEY
"$IAD_TESTBIN/iad_endpoint" --model strict --key-env JUDGE_KEY --faults server=200,rate=100 --ready ready --lifetime 300 > endpoint.txt 2>&1 &
endpoint=$!
for _ in $(seq 200); do [ -s ready ] && break; sleep 0.05; done
url=http://127.0.0.1:$(sed 's/port=\([0-9]*\).*/\1/' ready)/v1
judge() { (cd whole && reason --judge "$url" --judge-model strict --judge-profile vllm --judge-key-env JUDGE_KEY "$@"); }
judge --judge-prompt judge-one > http.txt 2> http.log || true
grep -q '"scored": 12' whole/out/results.json || { cat http.log; fail "the judge over HTTP"; }
grep -q 'judge-one@1' whole/out/results.json || fail "the other prompt"
[ "$(wc -l < whole/out/judge.jsonl)" = 12 ] || fail "replies are not kept"
cp whole/out/results.json http.json
kill $endpoint
wait $endpoint || true
judge --judge-prompt judge-one > /dev/null 2> again.log || true # nothing is asked again
cmp http.json whole/out/results.json
grep -rq "$JUDGE_KEY" whole http.log && fail "the key was written somewhere"

# ---- answers of another tool ----
{ echo '{"id": "VisA/gear/test/good/000.png#detection", "answer": "No."}'; echo '{"id": "who?", "answer": "Yes"}'; } > theirs.jsonl
code=0
"$bench" run --task reasoning --detection test_data.json --answers theirs.jsonl --out theirs --format tsv --quiet > theirs.tsv 2> theirs.log || code=$?
[ $code = 3 ] || fail "exit $code, most answers are missing"
grep -q '^gear	1	0	1	' theirs.tsv || { cat theirs.tsv; fail "one right answer"; }
grep -q 'answered=1 .*failed=9' theirs.log || fail "unanswered questions are not counted"

# A sentence model (random, written here): an answer that is the reference is nearest to it.
if command -v python3 > /dev/null; then
    python3 - << 'EOF'
import json, os, random, struct
os.makedirs("sbert", exist_ok=True)
words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"] + "the a has must not be used it to sorted out gear washer scratch missing tooth dent follows wrong with".split()
n, wide = 32, 64
shapes = {"embeddings.word_embeddings.weight": (len(words), n), "embeddings.position_embeddings.weight": (64, n), "embeddings.token_type_embeddings.weight": (2, n)}
norm = lambda name: shapes.update({name + ".weight": (n,), name + ".bias": (n,)})
dense = lambda name, to, of: shapes.update({name + ".weight": (to, of), name + ".bias": (to,)})
layer = "encoder.layer.0."
norm("embeddings.LayerNorm"), norm(layer + "attention.output.LayerNorm"), norm(layer + "output.LayerNorm")
for part in ("query", "key", "value"): dense(layer + "attention.self." + part, n, n)
dense(layer + "attention.output.dense", n, n), dense(layer + "intermediate.dense", wide, n), dense(layer + "output.dense", n, wide)
draw, head, data = random.Random(1), {}, b""
for name, shape in shapes.items():
    count = 1
    for side in shape: count *= side
    values = [1.0] * count if name.endswith("LayerNorm.weight") else [draw.gauss(0, 0.3) for _ in range(count)]
    head[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [len(data), len(data) + 4 * count]}
    data += struct.pack(f"<{count}f", *values)
text = json.dumps(head).encode()
open("sbert/model.safetensors", "wb").write(struct.pack("<Q", len(text)) + text + data)
open("sbert/vocab.txt", "w").write("\n".join(words) + "\n")
json.dump({"model_type": "bert", "hidden_size": n, "num_attention_heads": 2, "num_hidden_layers": 1, "intermediate_size": wide, "vocab_size": len(words), "max_position_embeddings": 64,
           "type_vocab_size": 2, "layer_norm_eps": 1e-12, "hidden_act": "gelu"}, open("sbert/config.json", "w"))
with open("same.jsonl", "w") as out:
    for i, record in enumerate(json.load(open("visa_dr.json"))):
        for k, reference in enumerate(record["answers"]):
            out.write(json.dumps({"id": f"{record['image']}#{k}", "answer": reference if record["image"].startswith("VisA/gear") else "the tooth must be used"}) + "\n")
EOF
    "$bench" run --task reasoning --questions visa_dr.json --answers same.jsonl --sbert sbert --out same --format tsv --quiet > same.tsv 2> same.log || { cat same.log; fail "SBERT"; }
    awk -F'\t' '$1 == "gear" { same = $3 == 1 && $4 > 0.999999 && $7 == 1 && $8 > 0.999999 } $1 == "washer" { other = $8 < 0.999 && $8 > -1 } END { exit !(same && other) }' same.tsv || { cat same.tsv; fail "SBERT and ROUGE-L"; }
    grep -q '"model": "sbert"' same/results.json || fail "the sentence model is not named"
fi

# ---- MMAD: pictures of pills that are metal nuts, a letter that is none ----
"$IAD_BIN/iad-synth" render --out nuts --families washer --size 700 --train 1 --good 1 --bad 0 --seed 3 --quiet > /dev/null 2>&1
mkdir -p data/DS-MVTec/pill/image/good data/DS-MVTec/metal_nut/image/good data/VisA
cp nuts/washer/test/good/000.png data/DS-MVTec/pill/image/good/004.png
cp nuts/washer/test/good/000.png data/DS-MVTec/metal_nut/image/good/007.png
cp -r VisA/gear data/VisA/gear
cat > data/mmad.json << 'EOF'
{"DS-MVTec/pill/image/good/004.png": {"image_path": "DS-MVTec/pill/image/good/004.png", "conversation": [
   {"Question": "Is there any defect in the object?", "Answer": "B", "Options": {"A": "Yes.", "B": "No."}, "type": "Anomaly Detection"}],
  "similar_templates": [], "random_templates": ["DS-MVTec/metal_nut/image/good/007.png"]},
 "VisA/gear/test/scratch/000.png": {"image_path": "VisA/gear/test/scratch/000.png", "conversation": [
   {"Question": "Is there any defect in the object?", "Answer": "A", "Options": {"A": "Yes.", "B": "No."}, "type": "Anomaly Detection"},
   {"Question": "What kind of defect is it?", "Answer": "C", "Options": {"A": "Dent", "B": "Hole", "C": "Scratch", "D": "Stain"}, "type": "Defect Classification"}],
  "similar_templates": ["VisA/gear/train/good/000.png"], "random_templates": ["VisA/gear/train/good/001.png"]},
 "VisA/gear/test/good/000.png": {"image_path": "VisA/gear/test/good/000.png", "conversation": [
   {"Question": "Is there any defect in the object?", "Answer": "B", "Options": {"A": "Yes.", "B": "No."}, "type": "Anomaly Detection"}],
  "similar_templates": [], "random_templates": ["VisA/gear/train/good/002.png"]}}
EOF
echo '{"VisA": {"gear": {"good": "A gear has teeth of one size."}}}' > knowledge.json
ask --task mmad --questions data/mmad.json --root data --knowledge knowledge.json --max-tokens 4 --out mmad > mmad.txt 2> mmad.log
grep -q 'questions=4 answered=4 asked=4 failed=0' mmad.log || { cat mmad.log; fail "MMAD"; }
grep -q '1 of the 22 pill pictures.*1 are metal nuts byte for byte' mmad.log || { cat mmad.log; fail "the wrong pill is not told"; }
cat > letters.jsonl << 'EOF'
{"id": "DS-MVTec/pill/image/good/004.png#0", "answer": "A"}
{"id": "VisA/gear/test/scratch/000.png#0", "answer": "The answer is A."}
{"id": "VisA/gear/test/scratch/000.png#1", "answer": "scratch"}
{"id": "VisA/gear/test/good/000.png#0", "answer": "perhaps"}
EOF
"$bench" run --task mmad --questions data/mmad.json --root data --answers letters.jsonl --out letters --format tsv --quiet > letters.tsv 2> letters.log
"$bench" run --task mmad --questions data/mmad.json --root data --answers letters.jsonl --limit 1 --out first --quiet > /dev/null 2> first.log
grep -q 'questions=3 answered=3' first.log || { cat first.log; fail "one picture of each category"; }
"$bench" leaderboard --dataset MMAD --result letters --format tsv > board.tsv
grep -q '	own	1	.*	this result	1$' board.tsv || fail "the own row"
[ "$(grep -c '' board.tsv)" -gt 30 ] || fail "published rows"
"$bench" leaderboard --dataset 'VisA-D&R' --result whole/out > /dev/null
if "$bench" leaderboard --dataset MMAD --result whole/out 2> /dev/null; then fail "a result of another data set was taken"; fi

# ---- yes or no, and boxes, about a manifest; held-out loss ----
ask --task yesno --db set.db --shots 2 --max-tokens 4 --out yesno > yesno.txt 2> yesno.log || { cat yesno.log; fail "yesno"; }
grep -q 'questions=10 answered=10' yesno.log || fail "yesno: counts"
box=$("$IAD_TESTBIN/manifest_query" set.db "SELECT mask.boxes FROM image JOIN image_mask ON image_id = image.id JOIN mask ON mask.id = mask_id WHERE path = 'gear/test/scratch/000.png' AND role = 'gt'")
{
    printf '{"id": "parts/gear/test/scratch/000.png", "answer": "```json\\n[{\\"bbox_2d\\": %s, \\"label\\": \\"scratch\\"}]\\n```", "resized": [96, 96], "source": [96, 96]}\n' "$(sed 's/^\[\(\[[0-9,]*\]\).*/\1/' <<< "$box")"
    printf '{"id": "parts/gear/test/good/000.png", "answer": "[]"}\n{"id": "parts/gear/test/good/001.png", "answer": "[1, 2, 30, 40]"}\n'
} > boxes.jsonl
"$bench" run --task boxes --db set.db --category gear --answers boxes.jsonl --out boxes --format tsv --quiet > boxes.tsv 2> boxes.log || [ $? = 3 ]
awk -F'\t' '$1 == "gear" { found = $2 == 1 && $3 == 2 && $5 == 2 && $6 > 0 && $7 > 0 && $10 == 0.5 } END { exit !found }' boxes.tsv || { cat boxes.tsv; fail "boxes"; }
"$IAD_BIN/iad-synth" tasks --db set.db --stage 1 --dataset parts --part eval --zh-share 0 --quiet > /dev/null 2>&1 || true
if [ "$("$IAD_TESTBIN/manifest_query" set.db "SELECT count(*) FROM task WHERE stage = 1 AND part = 'eval'")" -gt 0 ]; then
    loss() { "$bench" run --task instruct-loss --db set.db --model model --stage 1 --limit 6 --threads 2 --quiet "$@"; }
    loss --out loss > loss.txt 2> loss.log || { cat loss.log; fail "loss"; }
    grep -q 'answered=6 asked=6' loss.log || fail "loss: counts"
    cp loss/results.json first.json
    sed -i '4,$d' loss/answers.jsonl
    loss --out loss > /dev/null 2> loss.log
    grep -q 'asked=4' loss.log || fail "loss: going on"
    cmp first.json loss/results.json
    # The same records, looked at by the training before it changes anything.
    "$IAD_BIN/iad-synth" tasks --db set.db --stage 1 --dataset parts --seed 2 --zh-share 0 --quiet > /dev/null 2>&1
    echo "{\"stage\": 1, \"steps\": 1, \"batch\": 1, \"rate\": 0, \"map_weight\": 0, \"compute\": \"f32\", \"eval_every\": 1, \"eval_records\": 6, \"save_every\": 100, \"export\": \"f32\"}" > eval.json
    "$IAD_BIN/iad-train" run --config eval.json --db set.db --init model --out trained --threads 2 --quiet > train.log 2>&1 || { cat train.log; fail "iad-train"; }
    theirs=$(grep -o '"eval_ce":[0-9.e+-]*' trained/metrics.jsonl | cut -d: -f2) ours=$(sed -n 's/.*"token_nll": \([0-9.]*\).*/\1/p' loss/results.json)
    awk -v a="$theirs" -v b="$ours" 'BEGIN { d = a - b; exit !(a > 0 && d < 1e-5 * a && -d < 1e-5 * a) }' || fail "the loss is $ours, the training says $theirs"
else
    fail "no held-out records"
fi

# ---- what cannot work is said ----
refused() { local code=0; "$bench" run "$@" --out no > refused.log 2>&1 || code=$?; [ $code = 2 ] || { cat refused.log; fail "exit $code for $*"; }; }
refused --task mmad --questions data/mmad.json
refused --task reasoning --model model
refused --task yesno --db set.db --model model --yes-means defective
refused --task yesno --db set.db --model model --judge http://127.0.0.1/v1
refused --task nothing --db set.db
