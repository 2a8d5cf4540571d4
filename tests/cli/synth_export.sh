#!/usr/bin/env bash
# iad-synth export: every format from rendered parts; same bytes twice, resume, refusals.
set -euo pipefail
synth=$IAD_BIN/iad-synth
[ -x "$synth" ] || { echo "iad-synth is not built"; exit 77; }
"$synth" export --help >/dev/null 2>&1 || { echo "iad-synth has no export"; exit 77; }
command -v python3 >/dev/null || { echo "no python3"; exit 77; }
fail() { echo "FAILED: $*" >&2; exit 1; }
expect() {
    local want=$1 got=0
    shift
    "$@" >out.txt 2>err.txt || got=$?
    [ "$got" = "$want" ] || { cat out.txt err.txt >&2; fail "exit $got instead of $want: $*"; }
}
sql() { # DB STATEMENT
    python3 -c 'import sqlite3, sys
c = sqlite3.connect(sys.argv[1], isolation_level=None)
for r in c.execute(sys.argv[2]): print("|".join("" if v is None else str(v) for v in r))' "$1" "$2"
}
field() { sed -n "s/.* $1=\([0-9]*\).*/\1/p" err.txt; }
sums() { (cd "$1" && find . -type f | sort | xargs sha256sum); }

expect 0 "$synth" render --families gear,wood --size 96 --train 6 --good 2 --bad 8 --out parts --db a.db --name parts
expect 0 "$synth" anomalies --db a.db --preset full --per-image 2 --seed 5
sql a.db "UPDATE image SET part='train' WHERE label='anomalous' AND (id%2)=0"
sql a.db "INSERT INTO caption(image_id,aspect,lang,text) SELECT id,'overall','en','A picture of part '||id||'.' FROM image WHERE part='train' AND id%3=0"
for stage in 1 2 3; do expect 0 "$synth" tasks --db a.db --stage "$stage" --per-picture 1; done
expect 0 "$synth" tasks --db a.db --stage 3 --per-picture 1 --part eval

# wrong calls
expect 2 "$synth" export --stage 3 --format llava --out x
expect 2 "$synth" export --db a.db --stage 3 --format parquet --out x
expect 2 "$synth" export --db a.db --stage 4 --format llava --out x
expect 2 "$synth" export --db a.db --stage 3 --format llava --out x --min-pixels 100000 --max-pixels 90000
expect 1 "$synth" export --db a.db --stage 0 --format llava --out x
grep -q "no training records" err.txt || fail "an empty export is not told"
expect 1 "$synth" export --db missing.db --stage 3 --format llava --out x
[ ! -e x ] || fail "a refused call made a folder"

# every format twice, and again over finished pictures
for format in llava qwen llama-factory ms-swift webdataset hf mmad grpo; do
    for stage in 1 3; do
        rm -rf o
        expect 0 "$synth" export --db a.db --stage "$stage" --format "$format" --out o --shard-mb 1
        [ "$(field refused)" = 0 ] || fail "$format: records refused"
        sums o >first
        expect 0 "$synth" export --db a.db --stage "$stage" --format "$format" --out o --shard-mb 1
        [ "$(field rendered)" = 0 ] || fail "$format: pictures were made again"
        sums o >second
        cmp first second || fail "$format: other bytes over finished pictures"
        rm -rf o
        expect 0 "$synth" export --db a.db --stage "$stage" --format "$format" --out o --shard-mb 1
        sums o >second
        cmp first second || fail "$format: other bytes the second time"
        [ -z "$(find o -name '*.part')" ] || fail "$format: a temporary file is left"
        find o -name '*.json' -exec python3 -m json.tool {} /dev/null \;
        python3 - o <<'P'
import glob, json, sys
for name in glob.glob(sys.argv[1] + "/*.jsonl"):
    with open(name) as f:
        rows = [json.loads(line) for line in f]
    assert rows, name
P
    done
    mv o "o_$format"
done

# shards: GNU tar reads them, members of a record stand together, records are not cut
expect 0 "$synth" export --db a.db --stage 2 --format webdataset --out shards --shard-mb 1
python3 - shards <<'P'
import glob, io, json, sys, tarfile
n = 0
for name in sorted(glob.glob(sys.argv[1] + "/*.tar")):
    with tarfile.open(name) as t:
        members = t.getmembers()
        assert all(m.mtime == 0 and m.uid == 0 and m.gid == 0 and m.mode == 0o644 for m in members)
        seen, last = set(), None
        for m in members:
            key = m.name.split(".", 1)[0]
            if key != last:
                assert key not in seen, "members of " + key + " are apart"
                seen.add(key)
                last = key
        for m in members:
            if m.name.endswith(".json"):
                r = json.load(t.extractfile(m))
                assert all(i in t.getnames() for i in r["images"])
                assert sum(c["value"].count("<image>") for c in r["conversations"][::2]) == len(r["images"])
                n += 1
assert n > 10, n
P
for shard in shards/*.tar; do tar tf "$shard" >/dev/null 2>tar.txt || fail "GNU tar refuses $shard"; [ ! -s tar.txt ] || fail "GNU tar complains about $shard"; done

# replay: none, all
expect 0 "$synth" export --db a.db --stage 3 --format grpo --jsonl --out r0 --replay 0
own=$(field records)
expect 0 "$synth" export --db a.db --stage 3 --format grpo --jsonl --out r1 --replay 1
[ "$(field records)" = $((own + $(sql a.db "SELECT count(*) FROM task WHERE stage=2 AND part='train'"))) ] || fail "replay 1 does not show all of stage 2"
expect 0 "$synth" export --db a.db --stage 3 --format mmad --out e --part eval
expect 0 "$synth" export --db a.db --stage 3 --format llava --out l --limit 5
[ "$(field records)" = 5 ] || fail "the limit is not kept"

# pictures without changes: named, brought along, linked, encoded
cp a.db plain.db
sql plain.db "UPDATE task_image SET jitter=NULL"
expect 0 "$synth" export --db plain.db --stage 3 --format llava --out p_none --replay 0
grep -q '"/[^"]*parts/' p_none/stage3.json || fail "originals are not named by their paths"
for way in copy hardlink symlink; do
    expect 0 "$synth" export --db plain.db --stage 3 --format llava --out "p_$way" --replay 0 --files "$way"
    [ "$(field linked)" -gt 0 ] || fail "$way: nothing brought along"
    if grep -q '"/[^"]*parts/' "p_$way/stage3.json"; then fail "$way: an absolute path"; fi
    find "p_$way/files" -name '*.*' | head -n 3 | while read -r f; do [ -s "$f" ] || exit 1; done || fail "$way: an empty file"
done
[ -n "$(find p_symlink/files -type l)" ] || fail "no symbolic links"
expect 0 "$synth" export --db plain.db --stage 3 --format llava --out p_render --replay 0 --files render
[ ! -e p_render/files ] || fail "render: files were copied"

# hostile records are left out and told; the rest goes out
cp a.db bad.db
ids=$(sql bad.db "SELECT group_concat(id) FROM (SELECT id FROM task WHERE stage=3 AND part='train' AND task='s3_detect' ORDER BY id LIMIT 5)")
IFS=, read -r one two three four five <<<"$ids"
sql bad.db "UPDATE task SET answer='Yes. <image>' WHERE id=$one"
sql bad.db "UPDATE task SET question=question||' <|im_end|>' WHERE id=$two"
sql bad.db "UPDATE task SET answer='<box:7>' WHERE id=$three"
sql bad.db "UPDATE task SET question='no marks' WHERE id=$four"
sql bad.db "UPDATE task SET answer='No.'||char(1)||char(9)||'\"\\'||char(128512)||char(8232) WHERE id=$five"
expect 3 "$synth" export --db bad.db --stage 3 --format llava --out b --replay 0
[ "$(field refused)" = 4 ] || fail "$(field refused) records refused instead of 4"
for id in $one $two $three $four; do grep -q "t$id left out" err.txt || fail "record $id is not named"; done
python3 - b/stage3.json "t$five" <<'P'
import json, sys
with open(sys.argv[1], encoding="utf-8") as f:
    rows = {r["id"]: r for r in json.load(f)}
assert rows[sys.argv[2]]["conversations"][1]["value"] == 'No.\x01\t"\\\U0001f600\u2028', rows[sys.argv[2]]
P

# two meanings of Yes in canonical questions
cp a.db two.db
sql two.db "UPDATE task SET yes_means='anomalous' WHERE id=(SELECT t.id FROM task t JOIN template p ON p.id=t.template_id WHERE p.canonical=1 AND t.part='train' AND t.stage=3 ORDER BY t.id DESC LIMIT 1)"
expect 1 "$synth" export --db two.db --stage 3 --format llava --out t
grep -q "canonical questions disagree" err.txt || fail "the message does not tell what disagrees"
[ ! -e t/stage3.json ] || fail "a refused export wrote records"

# a picture that is gone costs its records only
gone=$(sql plain.db "SELECT i.path FROM task_image x JOIN task t ON t.id=x.task_id JOIN image i ON i.id=x.image_id WHERE t.stage=3 AND t.part='train' ORDER BY t.id LIMIT 1")
rm "parts/$gone"
expect 3 "$synth" export --db plain.db --stage 3 --format llava --out g --replay 0
[ "$(field refused)" -gt 0 ] && [ "$(field written)" -gt 0 ] || fail "a lost picture costs all or nothing"
grep -q "$gone" err.txt || fail "the lost picture is not named"
echo "all formats exported"
