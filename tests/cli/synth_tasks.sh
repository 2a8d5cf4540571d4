#!/usr/bin/env bash
# iad-synth tasks: records of all stages from rendered parts; threads, growth, kill -9, refusals.
set -euo pipefail
synth=$IAD_BIN/iad-synth
manifest=$IAD_BIN/iad-manifest
[ -x "$synth" ] && [ -x "$manifest" ] || { echo "iad-synth or iad-manifest is not built"; exit 77; }
"$synth" tasks --help >/dev/null 2>&1 || { echo "iad-synth has no tasks"; exit 77; }
command -v sqlite3 >/dev/null || command -v python3 >/dev/null || { echo "neither sqlite3 nor python3"; exit 77; }
fail() { echo "FAILED: $*" >&2; exit 1; }
expect() {
    local want=$1 got=0
    shift
    "$@" >out.txt 2>err.txt || got=$?
    [ "$got" = "$want" ] || { cat out.txt err.txt >&2; fail "exit $got instead of $want: $*"; }
}
sql() { # DB STATEMENT
    if command -v sqlite3 >/dev/null; then sqlite3 "$1" "$2"; else
        python3 -c 'import sqlite3, sys
c = sqlite3.connect(sys.argv[1], isolation_level=None)
for r in c.execute(sys.argv[2]): print("|".join("" if v is None else str(v) for v in r))' "$1" "$2"
    fi
}
# Everything of the records but the run that made them and row numbers.
records() { # DB CONDITION
    sql "$1" "SELECT d.name,c.name,t.stage,t.task,t.shots,p.text,t.seed,t.question,t.answer,coalesce(t.yes_means,''),coalesce(t.query_pos,-1),coalesce(hex(m.sha256),''),
        coalesce(t.boxes,''),coalesce(t.anomaly_spans,''),t.part,t.external_id,(SELECT group_concat(coalesce(hex(i.pixel_sha256),hex(y.recipe_sha256))||x.role||coalesce(x.jitter,''),';')
        FROM (SELECT * FROM task_image WHERE task_id=t.id ORDER BY pos) x LEFT JOIN image i ON i.id=x.image_id LEFT JOIN synth y ON y.id=x.synth_id)
        FROM task t JOIN dataset d ON d.id=t.dataset_id JOIN category c ON c.id=t.category_id LEFT JOIN template p ON p.id=t.template_id LEFT JOIN mask m ON m.id=t.mask_id
        WHERE $2 ORDER BY t.task,t.external_id"
}

# A corpus: two families; real anomalies come from turning the test part into a training part, so that they need no recipes.
expect 0 "$synth" render --families gear,wood --size 96 --train 8 --good 2 --bad 12 --out parts --db base.db --name parts
if "$synth" anomalies --help >/dev/null 2>&1; then
    expect 0 "$synth" anomalies --db base.db --preset full --per-image 2 --seed 5
    [ "$(sql base.db 'SELECT count(*) FROM synth')" -gt 0 ] || fail "no recipes"
fi
sql base.db "UPDATE image SET part='train' WHERE label='anomalous' AND (id%2)=0"
sql base.db "INSERT INTO caption(image_id,aspect,lang,text) SELECT id,'overall','en','A picture of part '||id||'.' FROM image WHERE part='train' AND id%3=0"

# wrong calls
cp base.db a.db
expect 2 "$synth" tasks --stage 2
expect 2 "$synth" tasks --db a.db
expect 2 "$synth" tasks --db a.db --stage 4
expect 2 "$synth" tasks --db a.db --stage 2 --makers nobody
grep -q nobody err.txt || fail "the message does not name the maker"
expect 2 "$synth" tasks --db a.db --stage 2 --makers caption
expect 2 "$synth" tasks --db a.db --stage 2 --dataset none
expect 2 "$synth" tasks --db a.db --stage 2 --categories none
expect 2 "$synth" tasks --db a.db --stage 2 --share 1,2
expect 2 "$synth" tasks --db a.db --stage 2 --none-share 1.5
expect 2 "$synth" tasks --db a.db --stage 2 extra
expect 1 "$synth" tasks --db missing.db --stage 2
expect 1 "$synth" tasks --db a.db --stage 2 --templates missing
[ "$(sql a.db 'SELECT count(*) FROM task')" = 0 ] || fail "a refused call wrote records"

# only defects that are plain to see
expect 2 "$synth" tasks --db a.db --stage 3 --min-area 2
if [ "$(sql base.db 'SELECT count(*) FROM synth')" -gt 0 ]; then
    cp base.db plain.db
    bound=$(sql base.db "SELECT avg(delta_mean) FROM synth WHERE kind='anomalous'")
    expect 0 "$synth" tasks --db plain.db --stage 3 --per-picture 8 --anomalies synthetic --min-area 0.01 --min-change "$bound"
    shown="FROM task_image x JOIN synth y ON y.id=x.synth_id WHERE y.kind='anomalous'"
    [ "$(sql plain.db "SELECT count(*) $shown")" -gt 0 ] || fail "no plain defect is shown"
    [ "$(sql plain.db "SELECT count(*) $shown AND (y.area_frac<0.01 OR y.delta_mean<$bound)")" = 0 ] || fail "a defect below the bounds is shown"
fi

# counting without writing
expect 0 "$synth" tasks --db a.db --stage 2 --per-picture 8 --dry-run
planned=$(sed -n 's/.* records=\([0-9]*\) .*/\1/p' err.txt)
[ "$planned" -gt 50 ] || fail "only $planned records planned"
[ "$(sql a.db 'SELECT count(*) FROM task')" = 0 ] || fail "--dry-run wrote records"

# all stages, one and eight threads
cp base.db b.db
for stage in 1 2 3; do
    expect 0 "$synth" tasks --db a.db --stage $stage --per-picture 8 --threads 1
    grep -q "^iad-synth tasks: stage=$stage records=[1-9]" err.txt || { cat err.txt; fail "no records of stage $stage"; }
    expect 0 "$synth" tasks --db b.db --stage $stage --per-picture 8 --threads 8 --quiet --json
    grep -q '"records": [1-9]' out.txt || fail "no JSON result"
done
[ "$(sql a.db 'SELECT count(*) FROM task WHERE stage=2')" = "$planned" ] || fail "another number than --dry-run said"
records a.db 1 >a.txt
records b.db 1 >b.txt
cmp a.txt b.txt || fail "1 and 8 threads differ"
[ "$(sql a.db 'SELECT group_concat(id||external_id) FROM (SELECT * FROM task ORDER BY id)')" = "$(sql b.db 'SELECT group_concat(id||external_id) FROM (SELECT * FROM task ORDER BY id)')" ] \
    || fail "row numbers depend on threads"
expect 0 "$manifest" check --db a.db
[ "$(sql a.db "SELECT count(*) FROM run WHERE tool='iad-synth tasks' AND status='ok' AND config IS NOT NULL AND counts IS NOT NULL")" = 3 ] || fail "no run rows"

# again: finished categories are passed over; another seed gives other records
expect 0 "$synth" tasks --db a.db --stage 2 --per-picture 8
grep -q 'records=0 .*done_before=2' err.txt || { cat err.txt; fail "finished categories were made again"; }
expect 0 "$synth" tasks --db a.db --stage 2 --per-picture 8 --seed 2 --limit 3
[ "$(sql a.db "SELECT count(*) FROM task WHERE stage=2")" -le "$((planned + 18))" ] || fail "--limit"

# another category changes no record
cp base.db c.db
expect 0 "$synth" render --families screw --size 96 --train 6 --good 2 --bad 6 --out more --db c.db --name more
for stage in 1 2 3; do expect 0 "$synth" tasks --db c.db --stage $stage --per-picture 8; done
records c.db "d.name='parts'" >c.txt
cmp a.txt c.txt || fail "a further category changed records"

# killed at some moments of a longer run: the same call finishes with the same records
cp base.db whole.db
cp base.db k.db
long=(--stage 2 --per-picture 300 --threads 2 --quiet)
expect 0 "$synth" tasks --db whole.db "${long[@]}"
for pause in 0.1 0.2 0.3 0.5 0.7; do
    "$synth" tasks --db k.db "${long[@]}" >/dev/null 2>&1 &
    pid=$!
    sleep "$pause"
    kill -9 "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
done
expect 0 "$synth" tasks --db k.db "${long[@]}"
records whole.db "t.stage=2" >whole.txt
records k.db "t.stage=2" | cmp - whole.txt || fail "a killed run does not end like a whole one"
expect 0 "$manifest" check --db k.db

# a benchmark's data set gives no training records, and records for measuring on demand
cp base.db e.db
sql e.db "UPDATE dataset SET eval_overlap='mvtec'"
expect 0 "$synth" tasks --db e.db --stage 2
grep -q 'records=0 .*eval_left_out=2' err.txt || { cat err.txt; fail "a benchmark's pictures were used for training"; }
expect 0 "$synth" tasks --db e.db --stage 2 --part eval
[ "$(sql e.db "SELECT count(*)>0 AND min(part)='eval' FROM task")" = 1 ] || fail "no records with part eval"
expect 0 "$manifest" check --db e.db

# a broken mask: its category is named and passed over, the others are made
cp base.db f.db
sql f.db "UPDATE mask SET width=95 WHERE id=(SELECT x.mask_id FROM image_mask x JOIN image i ON i.id=x.image_id JOIN category c ON c.id=i.category_id WHERE c.name='gear' AND i.part='train' LIMIT 1)"
expect 3 "$synth" tasks --db f.db --stage 2
grep -q 'parts/gear: mask' err.txt || { cat err.txt; fail "the message does not name category and mask"; }
[ "$(sql f.db "SELECT count(*)>0 FROM task t JOIN category c ON c.id=t.category_id WHERE c.name='wood'")" = 1 ] || fail "the other category was not made"
echo ok
