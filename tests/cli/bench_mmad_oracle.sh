#!/usr/bin/env bash
# MMAD's paper scores against the published script's arithmetic done in Python: lists that lose items while they are walked, letters by regular expression and difflib,
# 0 for a task without questions, means of means.
set -euo pipefail
command -v python3 > /dev/null || { echo "no python3"; exit 77; }
cat > oracle.py << 'EOF'
import difflib, json, random, re
draw = random.Random(5)
types = ["Anomaly Detection", "Defect Classification", "Defect Localization", "Defect Description", "Defect Analysis", "Object Classification", "Object Structure", "Object Details"]
words = "Scratch Dent Hole Stain Crack Thread Left Right Top Bottom".split()
questions, answers = {}, []
for i in range(300):
    data_set = draw.choice(["DS-MVTec", "VisA", "GoodsAD"])
    good = draw.random() < 0.4
    path = f"{data_set}/{draw.choice('abc')}/test/{'good' if good else 'bad'}/{i:03d}.png"
    turns = []
    for k in range(draw.randrange(1, 4)):
        kind = "Anomaly Detection" if k == 0 else draw.choice(types[1:] if data_set != "VisA" else types[1:5])
        if kind == "Anomaly Detection":
            options, right = ["Yes.", "No."], "B" if good else "A"
        else:
            options = draw.sample(words, draw.choice([3, 4, 4, 6]))
            right = chr(65 + draw.randrange(len(options)))
        turns.append({"Question": "Which?", "Answer": right, "Options": {chr(65 + j): o for j, o in enumerate(options)}, "type": kind})
        answer = draw.choice([right, f"The answer is {right}.", draw.choice("ABCD"), draw.choice(options), draw.choice(options)[:3].lower(), "I cannot tell", ""])
        answers.append({"id": f"{path}#{k}", "answer": answer, "image": path, "type": kind, "right": right, "options": options})
    questions[path] = {"image_path": path, "conversation": turns, "similar_templates": [], "random_templates": []}
json.dump(questions, open("mmad.json", "w"))
with open("answers.jsonl", "w") as out:
    for a in answers:
        out.write(json.dumps({"id": a["id"], "answer": a["answer"]}) + "\n")

def letter(a):
    found = re.findall(r"\b([A-E])\b", a["answer"])
    if found:
        return found[-1]
    return chr(65 + a["options"].index(difflib.get_close_matches(a["answer"], a["options"], n=1, cutoff=0.0)[0]))

rows = [(a["image"], "Object Analysis" if a["type"].startswith("Object S") or a["type"].startswith("Object D") else a["type"], letter(a), a["right"], i) for i, a in enumerate(answers)]
names = ["Anomaly Detection", "Defect Classification", "Defect Localization", "Defect Description", "Defect Analysis", "Object Classification", "Object Analysis"]
sets = list(dict.fromkeys(r[0].split("/")[0] for r in rows))
total, correct = {}, {}
for r in rows:  # items are removed while the list is walked
    if r[2] not in "ABCDE" or r[3] not in "ABCDE":
        rows.remove(r)
        continue
    key = (r[0].split("/")[0], r[1])
    total[key] = total.get(key, 0) + 1
    correct[key] = correct.get(key, 0) + (r[2] == r[3])
    if r[1] == "Anomaly Detection":
        key = (key[0], "good" in r[0])
        total[key] = total.get(key, 0) + 1
        correct[key] = correct.get(key, 0) + (r[2] == r[3])
part = lambda a, b: a / b if b else 0
table = []
for s in sets:
    line = []
    for name in names:
        if name == "Anomaly Detection":
            line.append((part(correct.get((s, True), 0), total.get((s, True), 0)) + part(correct.get((s, False), 0), total.get((s, False), 0))) / 2)
        else:
            line.append(part(correct.get((s, name), 0), total.get((s, name), 0)))
    line.append(sum(line) / len(line))
    table.append((s, line))
table.append(("average", [sum(t[1][c] for t in table) / len(table) for c in range(8)]))
with open("expected.tsv", "w") as out:
    for name, line in table:
        out.write(name + "".join(f"\t{v:.8f}" for v in line) + "\n")
print("invalid", len(answers) - len(rows))
EOF
python3 oracle.py > oracle.txt
grep -q 'invalid [1-9]' oracle.txt || { echo "FAILED: no invalid answer: nothing is tested"; exit 1; }
"$IAD_BIN/iad-bench" run --task mmad --questions mmad.json --root . --answers answers.jsonl --out out --format tsv --no-report --quiet > all.tsv 2> run.log
awk -F'\t' '/^# /{ seen++ } seen == 1 && !/^#/ && $1 != "name" && NF > 3 { printf "%s", $1; for (c = 2; c <= 8; c++) printf "\t%.8f", $c; printf "\t%.8f\n", $10 }' all.tsv > ours.tsv
diff expected.tsv ours.tsv
