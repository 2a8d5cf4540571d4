#!/usr/bin/env bash
# iadgpt inspect and prepare on a small random model: lines, maps, thresholds, faults, interruption.
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
field() { sed -E "s/.*\"$1\":([^,}]*).*/\1/"; } # field NAME: of each line
python() { command -v python3 >/dev/null || return 0; python3 - "$@" || fail "python: the check above"; }

"$iadgpt" new-model --config tiny --seed 3 --quiet model 2>/dev/null
"$synth" render --families gear --size 64 --train 12 --good 3 --bad 3 --out parts --quiet >/dev/null 2>&1
good=parts/gear/train/good test=parts/gear/test
common=(--model model --image-size 112x112 --quiet --threads 2)
normals=(--normal "$good/000.png,$good/001.png")
cp "$test/good/000.png" one.png

# ---- lines
expect 0 "$iadgpt" inspect "${common[@]}" "${normals[@]}" "$test"
cp out.txt run.jsonl
[ "$(wc -l < run.jsonl)" = 6 ] || fail "$(wc -l < run.jsonl) lines for 6 pictures"
grep -q '"verdict":null,"threshold":null' run.jsonl || fail "a verdict without a threshold"
says 'pictures=6 inspected=6 skipped=0 failed=0'
python <<'P'
import json, math
rows = [json.loads(line) for line in open("run.jsonl")]
assert [r["file"] for r in rows] == sorted(r["file"] for r in rows)
for r in rows:
    assert 0 < r["score"] < 1 and abs(r["score"] - 1 / (1 + math.exp(r["logit_yes"] - r["logit_no"]))) < 1e-8
    assert r["size"] == [64, 64] and r["resized"] == [112, 112] and r["map"]["grid"] == [4, 4]
    assert r["map"]["min"] < r["map"]["max"] and "f32" not in r["map"]
    assert all(0 <= b["x0"] <= b["x1"] < 64 and 0 <= b["y0"] <= b["y1"] < 64 and 0.5 < b["peak"] <= 1 for b in r["boxes"])
    assert r["timings"]["prompt_tokens"] > r["timings"]["reused_tokens"] > 0
assert any(b["peak"] > 0.9 for r in rows for b in r["boxes"])  # the largest value of the run lies between pixels
assert len({r["exemplars"] for r in rows}) == 1
P
# the same pictures as files, as a pattern, in a batch, and twice: the same scores
cut -d, -f1,2 run.jsonl > want.txt
expect 0 "$iadgpt" inspect "${common[@]}" "${normals[@]}" "$test/*/*.png" "$test/good/000.png"
cut -d, -f1,2 out.txt | sort | diff <(sort want.txt) - || fail "a pattern gives other results"
expect 0 "$iadgpt" inspect "${common[@]}" "${normals[@]}" --batch 4 "$test"
python <<'P'
import json
a = {r["file"]: r["score"] for r in map(json.loads, open("run.jsonl"))}
b = {r["file"]: r["score"] for r in map(json.loads, open("out.txt"))}
assert a.keys() == b.keys() and all(abs(a[f] - b[f]) < 1e-5 for f in a)
P
expect 0 "$iadgpt" inspect "${common[@]}" "${normals[@]}" --limit 2 "$test"
[ "$(wc -l < out.txt)" = 2 ] || fail "--limit 2 gave $(wc -l < out.txt) lines"
expect 0 "$iadgpt" inspect "${common[@]}" "${normals[@]}" --threshold 0 one.png
grep -q '"verdict":"anomalous","threshold":0,' out.txt || fail "no verdict above the threshold"
expect 0 "$iadgpt" inspect "${common[@]}" "${normals[@]}" --threshold 1 one.png
grep -q '"verdict":"normal","threshold":1,' out.txt || fail "no verdict below the threshold"
expect 0 "$iadgpt" inspect "${common[@]}" --zero-shot one.png
expect 0 "$iadgpt" inspect "${common[@]}" "${normals[@]}" --compress-query one.png
grep -q '"map":null,"boxes":null' out.txt || fail "a map of a compressed picture"
expect 0 "$iadgpt" inspect "${common[@]}" "${normals[@]}" --explain --max-tokens 5 one.png
grep -q '"words":".*"finish":"' out.txt || fail "--explain gave no words"
expect 0 "$iadgpt" inspect --model model --image-size native --max-pixels 12544 --quiet "${normals[@]}" one.png
grep -q '"resized":\[56,56\]' out.txt || fail "--image-size native was not taken"
expect 0 "$iadgpt" inspect "${common[@]}" "${normals[@]}" --weights int8 --retention 1 --similarity aligned one.png
expect 0 "$iadgpt" inspect "${common[@]}" "${normals[@]}" --device reference one.png

# ---- maps and overlays
expect 0 "$iadgpt" inspect "${common[@]}" "${normals[@]}" --map maps --overlay over --raw-map "$test"
[ "$(find maps -name '*.png' | wc -l)" = 6 ] && [ "$(find over -name '*.jpg' | wc -l)" = 6 ] || fail "maps or overlays are missing"
python <<'P'
import base64, json, struct, zlib
def png16(path):
    data = open(path, "rb").read()
    at, raw = 8, b""
    while at < len(data):
        n, kind = struct.unpack(">I4s", data[at:at + 8])
        if kind == b"IHDR":
            w, h, depth, colour = struct.unpack(">IIBB", data[at + 8:at + 18])
            assert (depth, colour) == (16, 0)
        if kind == b"IDAT": raw += data[at + 8:at + 8 + n]
        at += 12 + n
    raw = zlib.decompress(raw)
    rows, last = [], bytes(2 * w)
    for y in range(h):
        kind, line = raw[y * (2 * w + 1)], bytearray(raw[y * (2 * w + 1) + 1:(y + 1) * (2 * w + 1)])
        for i in range(2 * w):
            a, b, c = line[i - 2] if i > 1 else 0, last[i], last[i - 2] if i > 1 else 0
            p = a + b - c
            near = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
            line[i] = (line[i] + (0, a, b, (a + b) // 2, near)[kind]) & 255
        last = bytes(line)
        rows.append(struct.unpack(">%dH" % w, last))
    return rows
side = json.load(open("maps/maps.json"))
rows = {r["file"]: r for r in map(json.loads, open("out.txt"))}
assert side["range"] == "run" and len(side["maps"]) == 6
lo, hi = side["lo"], side["hi"]
assert lo == min(m["min"] for m in side["maps"]) and hi == max(m["max"] for m in side["maps"])
for m in side["maps"]:
    assert rows[m["file"]]["map"]["f32"] == m["f32"]
    grid = struct.unpack("<16f", base64.b64decode(m["f32"]))
    assert min(grid) == m["min"] or abs(min(grid) - m["min"]) < 1e-8
    pixels = png16("maps/" + m["map"])
    assert len(pixels) == 64 and len(pixels[0]) == 64
    corner = lo + (hi - lo) * pixels[0][0] / 65535  # the corner pixel lies outside the centres of the grid: exactly its cell
    assert abs(corner - grid[0]) <= (hi - lo) / 65535
P
expect 0 "$iadgpt" inspect "${common[@]}" "${normals[@]}" --map-range 0:1 --map fixed one.png
grep -q '"lo":0,"hi":1,' fixed/maps.json || fail "a fixed range is not in maps.json"
grep -q '"boxes":\[\]' out.txt || fail "boxes above half of a range that no map reaches"

# ---- exemplar files
expect 0 "$iadgpt" prepare "${common[@]}" "${normals[@]}" --out gear.exemplars
key=$(field key < out.txt | tr -d '"')
[ "${#key}" = 64 ] || fail "no key"
expect 0 "$iadgpt" prepare --show gear.exemplars
grep -q "\"key\":\"$key\"" out.txt && grep -q '"checksum":"ok"' out.txt || fail "--show says something else"
expect 0 "$iadgpt" inspect --model model --quiet --exemplars gear.exemplars --threads 2 "$test"
cut -d, -f1,2 out.txt | diff want.txt - || fail "an exemplar file gives other scores"
expect 2 "$iadgpt" inspect "${common[@]}" --exemplars gear.exemplars one.png
says 'exemplar file'
cp gear.exemplars bad.exemplars
printf '\x55' | dd of=bad.exemplars bs=1 seek=3000 conv=notrunc status=none
expect 1 "$iadgpt" inspect --model model --quiet --exemplars bad.exemplars one.png
says 'bad.exemplars'
expect 1 "$iadgpt" prepare --show bad.exemplars
says 'checksum'
head -c 900 gear.exemplars > cut.exemplars
expect 1 "$iadgpt" prepare --show cut.exemplars
expect 1 "$iadgpt" prepare --show one.png
"$iadgpt" new-model --config tiny --seed 4 --quiet other 2>/dev/null
expect 2 "$iadgpt" inspect --model other --quiet --exemplars gear.exemplars one.png
expect 2 "$iadgpt" prepare "${common[@]}" --out x
expect 2 "$iadgpt" prepare "${common[@]}" "${normals[@]}"
expect 1 "$iadgpt" prepare "${common[@]}" --normal nowhere.png --out x
[ ! -e x ] || fail "a failed call left a file"

# ---- thresholds from good pictures: ten of them allow 30 % with 95 % confidence
mkdir calib
for i in 02 03 04 05 06 07 08 09 10 11; do cp "$good/0$i.png" calib; done
expect 0 "$iadgpt" inspect "${common[@]}" "${normals[@]}" --calibrate calib --target-fpr 0.3 --calibration-out c.json "$test"
[[ $(head -1 out.txt) == '{"calibration":{"threshold":'* ]] || fail "the calibration is not printed"
python <<'P'
import json
c = json.load(open("c.json"))
scores = sorted(s["score"] for s in c["scores"])
assert c["pictures"] == 10 == len(scores) and c["threshold"] == scores[c["rank"] - 1] and c["reached"] >= 0.95
for line in open("out.txt"):
    r = json.loads(line)
    if "score" in r: assert r["verdict"] == ("anomalous" if r["score"] > c["threshold"] else "normal")
P
tail -n +2 out.txt | cut -d, -f1-4 > with.txt
expect 0 "$iadgpt" inspect "${common[@]}" "${normals[@]}" --calibration c.json --map-range calibration "$test"
cut -d, -f1-4 out.txt | diff with.txt - || fail "a kept calibration gives other verdicts"
expect 0 "$iadgpt" inspect "${common[@]}" "${normals[@]}" --calibrate calib --target-fpr 0.3
expect 1 "$iadgpt" inspect "${common[@]}" "${normals[@]}" --calibrate calib --target-fpr 0.05 one.png
says '59 are needed'
cp "$good/001.png" calib/same.png
expect 2 "$iadgpt" inspect "${common[@]}" "${normals[@]}" --calibrate calib --target-fpr 0.3 one.png
says 'same.png is one of the exemplars'
expect 2 "$iadgpt" inspect "${common[@]}" --exemplars gear.exemplars --calibrate calib one.png
expect 2 "$iadgpt" inspect --model model --quiet --exemplars gear.exemplars --calibrate calib --target-fpr 0.3 one.png
says 'same.png is one of the exemplars'
rm calib/same.png
expect 2 "$iadgpt" inspect "${common[@]}" --normal "$good/005.png" --calibration c.json one.png
says 'c.json'
printf '{"threshold": [' > broken.json
expect 1 "$iadgpt" inspect "${common[@]}" "${normals[@]}" --calibration broken.json one.png
says 'broken.json'
printf '{"threshold": 1, "target_fpr": 0.1, "confidence": 0.9, "reached": 0.9, "pictures": 1, "rank": 99}' > broken.json
expect 1 "$iadgpt" inspect "${common[@]}" "${normals[@]}" --calibration broken.json one.png

# ---- faults: the item is named, the rest goes on
mkdir mixed
cp "$test/good/000.png" mixed/a.png
head -c 300 "$test/good/001.png" > mixed/b.png
cp "$test/good/002.png" mixed/c.png
echo "no picture" > mixed/d.txt
for batch in 1 4; do
    expect 3 "$iadgpt" inspect "${common[@]}" "${normals[@]}" --batch $batch mixed
    says 'mixed/b.png'
    [ "$(grep -c '"score"' out.txt)" = 2 ] && grep -q '"file":"mixed/b.png","error":"' out.txt || fail "the broken picture spoiled the others"
done
python <<'P'
w, h = 1200, 2  # 600 : 1: no size of the model's fits
with open("thin.bmp", "wb") as f:
    f.write(b"BM" + (54 + w * h * 3).to_bytes(4, "little") + bytes(4) + (54).to_bytes(4, "little") + (40).to_bytes(4, "little") +
            w.to_bytes(4, "little") + h.to_bytes(4, "little") + (1).to_bytes(2, "little") + (24).to_bytes(2, "little") + bytes(24) + bytes(w * h * 3))
P
if [ -e thin.bmp ]; then
    expect 3 "$iadgpt" inspect --model model --image-size native --quiet "${normals[@]}" --batch 3 one.png thin.bmp "$test/good/001.png"
    [ "$(grep -c '"score"' out.txt)" = 2 ] || fail "a picture that the model cannot take spoiled its batch"
    says 'thin.bmp'
fi
expect 1 "$iadgpt" inspect "${common[@]}" "${normals[@]}" nowhere.png
says 'nowhere.png'
expect 1 "$iadgpt" inspect "${common[@]}" "${normals[@]}" 'none*.png'
expect 1 "$iadgpt" inspect "${common[@]}" --normal mixed/b.png one.png
says 'mixed/b.png'
expect 1 "$iadgpt" inspect --model nowhere "${normals[@]}" one.png
says 'nowhere'
expect 1 "$iadgpt" inspect "${common[@]}" --normal "$good" --normal parts one.png
says 'at most 16'
expect 2 "$iadgpt" inspect "${common[@]}" one.png
expect 2 "$iadgpt" inspect "${common[@]}" "${normals[@]}" --exemplars x one.png
expect 2 "$iadgpt" inspect "${common[@]}" "${normals[@]}"
expect 2 "$iadgpt" inspect "${common[@]}" "${normals[@]}" --explain --batch 2 one.png
expect 2 "$iadgpt" inspect "${common[@]}" "${normals[@]}" --threshold x one.png
expect 2 "$iadgpt" inspect "${common[@]}" "${normals[@]}" --threshold 1 --calibration c.json one.png
expect 2 "$iadgpt" inspect "${common[@]}" "${normals[@]}" --map-range 2:1 one.png
expect 2 "$iadgpt" inspect "${common[@]}" "${normals[@]}" --map-range sometimes one.png
expect 2 "$iadgpt" inspect --model model --image-size 100x100 "${normals[@]}" one.png
expect 2 "$iadgpt" inspect "${common[@]}" "${normals[@]}" --yes-means defective one.png
expect 1 "$iadgpt" inspect "${common[@]}" "${normals[@]}" --map /dev/null/maps one.png

# ---- --out: what is finished is kept, whatever ends the run
expect 0 "$iadgpt" inspect "${common[@]}" "${normals[@]}" --out whole.jsonl "$test"
[ ! -s out.txt ] || fail "--out and lines on stdout"
cut -d, -f1,2 whole.jsonl | diff want.txt - || fail "--out gives other results"
expect 0 "$iadgpt" inspect "${common[@]}" "${normals[@]}" --out part.jsonl --limit 2 "$test"
expect 0 "$iadgpt" inspect "${common[@]}" "${normals[@]}" --out part.jsonl "$test"
says 'inspected=4 skipped=2'
same() { sed -E 's/"timings":\{[^}]*\}//; s/"(preprocess|vision|prefill|decode)_ms":[0-9.]*//g' "$1"; }
diff <(same whole.jsonl) <(same part.jsonl) || fail "two halves are not the whole, boxes included"
expect 0 "$iadgpt" inspect "${common[@]}" "${normals[@]}" --out part.jsonl "$test"
says 'inspected=0 skipped=6'
diff <(same whole.jsonl) <(same part.jsonl) || fail "a run with nothing to do changed the file"
# a torn last line, as after a power cut
head -c -40 whole.jsonl > torn.jsonl
expect 0 "$iadgpt" inspect "${common[@]}" "${normals[@]}" --out torn.jsonl "$test"
says 'inspected=1 skipped=5'
diff <(same whole.jsonl) <(same torn.jsonl) || fail "a torn line was not repaired"
# pictures that failed are tried again
expect 3 "$iadgpt" inspect "${common[@]}" "${normals[@]}" --out mixed.jsonl mixed
cp "$test/good/001.png" mixed/b.png
expect 0 "$iadgpt" inspect "${common[@]}" "${normals[@]}" --out mixed.jsonl mixed
says 'inspected=1 skipped=2'
grep -q '"error"' mixed.jsonl && fail "an old error stayed"
# another model or other good pictures: refused, nothing changed
cp whole.jsonl before.jsonl
expect 1 "$iadgpt" inspect "${common[@]}" --normal "$good/003.png" --out whole.jsonl "$test"
says 'another --out'
cmp whole.jsonl before.jsonl || fail "a refused run changed the file"
for line in 'not json' '{"file": "x"}' '[1,2]' '{"file":"x","exemplars":7}'; do
    echo "$line" > hostile.jsonl
    expect 1 "$iadgpt" inspect "${common[@]}" "${normals[@]}" --out hostile.jsonl "$test"
    says 'hostile.jsonl:1'
done
sed '1s/"grid":\[4,4\]/"grid":[4000,4000]/' whole.jsonl > hostile.jsonl
expect 1 "$iadgpt" inspect "${common[@]}" "${normals[@]}" --out hostile.jsonl "$test"
sed '1s/"name":"[^"]*"/"name":"..\/..\/escape"/' whole.jsonl > hostile.jsonl
expect 3 "$iadgpt" inspect "${common[@]}" "${normals[@]}" --out hostile.jsonl --map deep/maps "$test"
[ -z "$(find . -name 'escape*')" ] || fail "a name in the file led out of --map"
expect 1 "$iadgpt" inspect "${common[@]}" "${normals[@]}" --out /dev/null/x.jsonl one.png

# interrupted in the middle: exit 130, then the same call goes on; killed: the same
many=()
for i in $(seq 40); do cp "$test/good/00$((i % 3)).png" "m$i.png"; many+=("m$i.png"); done
for signal in INT KILL; do
    rm -f long.jsonl
    "$iadgpt" inspect "${common[@]}" --image-size 448x448 "${normals[@]}" --out long.jsonl "${many[@]}" >/dev/null 2>err.txt &
    pid=$!
    while [ "$(cat long.jsonl 2>/dev/null | wc -l)" -lt 2 ] && kill -0 $pid 2>/dev/null; do sleep 0.02; done
    kill -$signal $pid 2>/dev/null || true
    code=0
    wait $pid || code=$?
    done_lines=$(wc -l < long.jsonl)
    [ "$done_lines" -ge 2 ] || fail "$signal: what was finished is lost"
    if [ "$done_lines" -lt 40 ]; then
        [ $signal = KILL ] || [ "$code" = 130 ] || { cat err.txt >&2; fail "interrupted with exit $code"; }
    fi
    expect 0 "$iadgpt" inspect "${common[@]}" --image-size 448x448 "${normals[@]}" --out long.jsonl "${many[@]}"
    [ "$(grep -c '"score"' long.jsonl)" = 40 ] && [ "$(field file < long.jsonl | sort -u | wc -l)" -ge 1 ] || fail "$signal: the second run did not finish it"
    [ "$(sed -E 's/.*"file":"([^"]*)".*/\1/' long.jsonl | sort -u | wc -l)" = 40 ] || fail "$signal: a picture twice"
done
echo ok
