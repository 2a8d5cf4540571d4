#!/usr/bin/env bash
# iad-manifest from end to end on a small tree made here: 24-bit BMP files under names that do not matter.
set -euo pipefail
M="$IAD_BIN/iad-manifest"
[ -x "$M" ] || { echo "skipped: iad-manifest is not built"; exit 77; }

fail() { echo "FAILED: $*" >&2; exit 1; }
# expect CODE COMMAND...: runs it with output in out.txt and err.txt, demands the exit code.
expect() {
    local want=$1 got=0
    shift
    "$@" >out.txt 2>err.txt || got=$?
    [ "$got" = "$want" ] || { cat err.txt >&2; fail "$* ended with $got, not $want"; }
}
said() { grep -qF -- "$1" err.txt || { cat err.txt >&2; fail "no '$1' on stderr"; }; }
printed() { grep -qF -- "$1" out.txt || { cat out.txt >&2; fail "no '$1' on stdout"; }; }

le32() { printf '\\x%02x\\x%02x\\x%02x\\x%02x' $(($1 & 255)) $(($1 >> 8 & 255)) $(($1 >> 16 & 255)) $(($1 >> 24 & 255)); }
# bmp FILE SEED: 16 x 12 pixels that follow from the seed; SEED 0: black with a white spot (a mask).
bmp() {
    local w=16 h=12 text x y v
    mkdir -p "$(dirname "$1")"
    text="BM$(le32 $((54 + w * h * 3)))$(le32 0)$(le32 54)$(le32 40)$(le32 $w)$(le32 $h)\\x01\\x00\\x18\\x00"
    text+="$(le32 0)$(le32 0)$(le32 0)$(le32 0)$(le32 0)$(le32 0)"
    for ((y = 0; y < h; y++)); do
        for ((x = 0; x < w; x++)); do
            if [ "$2" = 0 ]; then v=$((x > 3 && x < 7 && y > 4 && y < 8 ? 255 : 0)); else v=$(((x * $2 * 7 + y * 13 + $2 * $2 * 29 + x * y * $2) & 255)); fi
            text+=$(printf '\\x%02x\\x%02x\\x%02x' $v $v $v)
        done
    done
    printf '%b' "$text" >"$1"
}

n=1
for c in nut bolt; do
    for i in 000 001 002 003 004 005; do bmp data/$c/train/good/$i.png $n; n=$((n + 1)); done
    for i in 000 001; do bmp data/$c/test/good/$i.png $n; n=$((n + 1)); done
    for i in 000 001; do bmp data/$c/test/scratch/$i.png $n; n=$((n + 1)); bmp data/$c/ground_truth/scratch/${i}_mask.png 0; done
done

# --- usage ---
expect 2 "$M"
expect 2 "$M" frobnicate
expect 0 "$M" --help; cp out.txt commands.txt
for c in init ingest check stats show refs merge export gallery; do
    grep -q "^  $c " commands.txt || fail "--help does not list $c"
    "$M" $c --help >help.txt || fail "$c --help"
    grep -q -- "--db" help.txt || fail "$c --help does not tell of --db"
    if [ $c != merge ]; then expect 2 "$M" $c --nonsense; fi
done
expect 2 "$M" show --db m.db
expect 2 "$M" stats --db m.db surplus; said 'unexpected word "surplus"'
expect 2 "$M" refs --db m.db; said "--rule"

# --- init, ingest ---
expect 1 "$M" stats --db m.db; said "m.db: no such manifest"
expect 0 "$M" init --db m.db; said "created=1"
expect 0 "$M" init --db m.db; said "created=0"
expect 0 "$M" ingest --db m.db --adapter mvtec --name parts data
said "pictures=20"

# --- stats, show, check ---
expect 0 "$M" stats --db m.db --defects
grep -Eq '^parts +nut +- +6 +0 +2 +2 ' out.txt || { cat out.txt; fail "stats row of nut"; }
printed $'parts\tbolt\tscratch\t2'
said "datasets=1 categories=2 pictures=20"
expect 0 "$M" stats --db m.db --json; printed '"masks": 1'
expect 1 "$M" stats --db m.db --dataset other; said "no data set 'other'"
expect 0 "$M" show --db m.db data/nut/test/scratch/001.png; printed "nut/test/scratch/001.png"; printed "role=gt"
expect 0 "$M" show --db m.db --json nut/train/good/000.png; printed '"exemplar_ok": 1'
expect 0 "$M" show --db m.db --kind category nut
expect 0 "$M" show --db m.db --kind run 1
expect 1 "$M" show --db m.db nut/nothing.png; said "no picture 'nut/nothing.png'"
expect 2 "$M" show --db m.db --kind feeling 1
expect 0 "$M" check --db m.db --files --masks; said "violations=0"; said "files=20"
[ ! -s out.txt ] || fail "check printed something"
expect 0 "$M" check --rules; printed "exemplar-object"

# --- refs ---
expect 0 "$M" refs --db m.db --rule random-nested:5 --shots 1,2,4; said "sets=6"
cp out.txt sets.tsv
[ "$(grep -c . sets.tsv)" = 15 ] || fail "lines of sets.tsv"
for k in 1 2; do # nested: the smaller set is the beginning of the larger
    for c in nut bolt; do
        awk -F'\t' -v c=$c -v k=$k '$2 == c && $6 == k {print $9}' sets.tsv >small.txt
        awk -F'\t' -v c=$c -v k=$k '$2 == c && $6 == 4 {print $9}' sets.tsv | head -n $k >large.txt
        cmp -s small.txt large.txt || fail "random-nested is not nested"
    done
done
! grep -q '/test/' sets.tsv || fail "a test picture as exemplar"
expect 0 "$M" refs --db m.db --rule random-nested:5 --shots 1,2,4 --dry-run; cmp -s out.txt sets.tsv || fail "refs are not reproducible"
expect 0 "$M" refs --db m.db --rule list:sets.tsv --shots 2 --dry-run
cut -f2,9 out.txt | tail -n +2 >again.txt
awk -F'\t' '$6 == 2 {print $2 "\t" $9}' sets.tsv | cmp -s - again.txt || fail "list of exemplars read back"
expect 0 "$M" refs --db m.db --rule first --shots 1 --format json; printed '"path":"nut/train/good/000.png"'
sha=$(sha256sum data/nut/train/good/000.png | cut -d' ' -f1); printed "\"sha256\":\"$sha\""
expect 1 "$M" refs --db m.db --rule anomalydino:9; said "parts/bolt: wants training normals 9 to 9 of the sorted list, there are 6"
expect 3 "$M" refs --db m.db --rule first --shots 4,7; said "failed=2"
expect 2 "$M" refs --db m.db --rule best; said "unknown exemplar rule"
expect 2 "$M" refs --db m.db --rule first --shots x
expect 0 "$M" refs --db m.db --rule paired --shots 1 --category nut; said "queries=4"
expect 0 "$M" refs --rules; printed "promptad-sorted"
expect 0 "$M" check --db m.db

# --- lists and folders that can be taken in again ---
for f in tsv csv jsonl; do
    expect 0 "$M" export --db m.db --format $f --out list_$f; said "pictures=20 masks=4"
    expect 0 "$M" ingest --db back_$f.db --adapter list --name parts list_$f
    expect 0 "$M" export --db back_$f.db --format tsv; cp out.txt back_$f.tsv
    cmp -s back_tsv.tsv back_$f.tsv || fail "export as $f loses something"
done
expect 0 "$M" export --db m.db --format tsv
cmp -s out.txt back_tsv.tsv || { diff out.txt back_tsv.tsv | head >&2; fail "list round trip"; }
expect 0 "$M" export --db m.db --format mvtec --files symlink --out links; [ -L links/nut/test/scratch/000.png ] || fail "no link"
expect 0 "$M" export --db m.db --format mvtec --out folders
expect 0 "$M" ingest --db folders.db --adapter mvtec --name parts folders
expect 0 "$M" export --db folders.db --format tsv; cmp -s out.txt back_tsv.tsv || fail "MVTec round trip"
expect 2 "$M" export --db m.db --format mvtec
expect 1 "$M" export --db m.db --category rivet; said "no category 'rivet'"

# --- merge ---
expect 0 "$M" ingest --db half1.db --adapter mvtec --name parts --limit 12 data
cp -r data data2; rm -r data2/bolt
expect 0 "$M" ingest --db all.db --adapter mvtec --name parts data
expect 0 "$M" ingest --db half2.db --adapter mvtec --name parts data2
expect 0 "$M" merge --db joined.db half1.db half2.db m.db; said "conflicts=0"
expect 0 "$M" export --db joined.db --format tsv; cp out.txt joined.tsv
expect 0 "$M" export --db all.db --format tsv; cmp -s out.txt joined.tsv || fail "merge is not the whole"
expect 0 "$M" merge --db joined.db half1.db half2.db m.db; said "added=0"
expect 0 "$M" check --db joined.db
bmp data2/nut/train/good/000.png 99
expect 0 "$M" ingest --db half2.db --adapter mvtec --name parts data2
expect 3 "$M" merge --db joined.db half2.db; said "parts/nut/train/good/000.png: another file here than there"
expect 2 "$M" merge --db joined.db joined.db; said "into itself"
expect 2 "$M" merge --db joined.db

# --- gallery ---
expect 0 "$M" gallery --db m.db --out page.html --threads 3; said "pictures=20 failed=0"
expect 0 "$M" gallery --db m.db --out page1.html --threads 1; cmp -s page.html page1.html || fail "the gallery depends on threads"
[ "$(grep -c '<figure' page.html)" = 20 ] || fail "figures in the gallery"
! grep -Eq 'src="[^d]|href=|https?:' page.html || fail "the gallery has outside parts"

# --- trouble ---
rm data/nut/train/good/005.png; bmp data/bolt/test/good/000.png 77; bmp data/bolt/train/good/001.png 77
expect 3 "$M" check --db m.db --files
printed $'file-missing\tparts/nut/train/good/005.png'; printed $'file-changed\tparts/bolt/test/good/000.png'; said "violations=3"
expect 3 "$M" gallery --db m.db --out page.html; said "failed=1"
expect 3 "$M" export --db m.db --out partial; said "nut/train/good/005.png: not exported"
# A test picture among the training pictures: found by pixels, though it is another file.
expect 0 "$M" ingest --db m.db --adapter mvtec --name parts data
expect 3 "$M" check --db m.db
printed $'leak-pixels\tparts/bolt/train/good/001.png\tsame pixels as parts/bolt/test/good/000.png'
expect 3 "$M" check --db m.db --json; printed '"rule":"leak-pixels"'
expect 3 "$M" check --db m.db --store-leaks; said "leaks_stored=1"; printed "exemplar-changed"
! grep -q leak- out.txt || fail "a stored leak is still reported"
expect 0 "$M" refs --db m.db --rule first --shots 4 --category bolt
! grep -q 001.png out.txt || fail "a leaking picture is chosen"
expect 0 "$M" show --db m.db bolt/train/good/001.png; printed "dup_of"; printed "leak: same pixels"
echo "manifest commands: all fine"
