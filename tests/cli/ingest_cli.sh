# The command around the engine: exit codes, table, options, lists as roots, refusals.
set -euo pipefail
manifest=$IAD_BIN/iad-manifest helper=$IAD_TESTBIN/test_ingest_layouts
exits() { # exits CODE COMMAND...: output in out.txt, errors in err.txt
    local want=$1 code=0
    shift
    "$@" > out.txt 2> err.txt || code=$?
    if [ $code != "$want" ]; then
        echo "exit code $code, not $want: $*"
        cat err.txt
        exit 1
    fi
}
"$helper" --write fixtures
chmod -R u+w fixtures

# A known data set: recognised, counted beside the published numbers.
exits 0 "$manifest" ingest --db a.db fixtures/mvtec-ad/data
grep -q 'recognised as MVTec AD' err.txt
grep -q 'dataset=mvtec-ad pictures=12 added=12 ' err.txt
grep -qE '^carpet +train +2/280 +0/0 +0/0 +part of it$' out.txt
grep -q '^13 published categories of MVTec AD are not here$' out.txt
exits 0 "$manifest" ingest --db a.db fixtures/mvtec-ad/data
grep -q ' added=0 changed=0 same=12 ' err.txt
grep -q ' bytes=0 ' err.txt

# Not recognised on request; then the folder gives the name.
exits 0 "$manifest" ingest --db b.db --adapter mvtec --option set=none --threads 2 fixtures/mvtec-ad/data
grep -q 'dataset=data ' err.txt

# Broken and refused pictures: finished, but not everything went in; each is named.
exits 3 "$manifest" ingest --db c.db fixtures/own/data
grep -q 'warning: bad: line/widget/test/good/cut.jpg: truncated' err.txt
grep -q 'warning: refused: line/widget/test/good/link.png: a link leads out' err.txt
grep -q 'warning: not usable: line/widget/test/good/gone.png: No such file' err.txt
grep -q ' bad=3 ' err.txt
exits 3 "$manifest" ingest --db c.db fixtures/own/data # known to be bad is still bad
grep -q ' bad=3 ' err.txt

# More than was published: refused before anything is written, unless asked for.
mkdir -p fixtures/btad/data/BTech_Dataset_transformed/04
cp -r fixtures/btad/data/BTech_Dataset_transformed/03/. fixtures/btad/data/BTech_Dataset_transformed/04
exits 1 "$manifest" ingest --db d.db --adapter btad fixtures/btad/data
grep -q 'not BTAD as published, there is more: 04' err.txt
grep -qE '^04 +train +2 +0 +0 +NOT in the data set as published$' out.txt
exits 0 "$manifest" ingest --db d.db --adapter btad --any-counts fixtures/btad/data
grep -q ' added=24 ' err.txt

# A list file as root, pieces of an option with commas, the limit.
exits 3 "$manifest" ingest --db e.db --name one fixtures/list/data/list.csv
grep -q 'dataset=one ' err.txt
grep -q 'refused: ../secret.png' err.txt
grep -q 'refused: /etc/passwd' err.txt
exits 3 "$manifest" ingest --db e.db --name two --option strip=/data/ fixtures/list-jsonl/data/list.jsonl
exits 0 "$manifest" ingest --db e.db --name three --adapter folder --option normal=OK,normal --option masks=masks,gt --limit 3 fixtures/folder/data
grep -q 'pictures=3 added=3 ' err.txt

# A dry run writes nothing.
exits 0 "$manifest" ingest --dry-run fixtures/mvtec-loco/data
grep -qE '^breakfast_box +train +2/351 ' out.txt
test ! -e dry.db

# Wrong usage.
exits 2 "$manifest" ingest fixtures/mpdd/data
exits 2 "$manifest" ingest --db f.db
exits 2 "$manifest" ingest --db f.db --adapter nonsense fixtures/mpdd/data
exits 2 "$manifest" ingest --db f.db --adapter btad --option set=none fixtures/btad/data
grep -q 'adapter btad has no option "set"' err.txt
exits 2 "$manifest" ingest --db f.db --option novalue fixtures/mpdd/data
exits 1 "$manifest" ingest --db f.db /no/such/folder
mkdir empty
exits 1 "$manifest" ingest --db f.db empty
exits 1 "$manifest" ingest --db f.db --adapter visa empty
exits 0 "$manifest" ingest --adapters
grep -q '^real-iad ' out.txt
exits 1 "$manifest" ingest --db a.db --name mvtec-ad fixtures/mpdd/data # the name is taken by another folder
grep -q 'choose another --name' err.txt

# Databases that cannot be written.
exits 1 "$manifest" ingest --db no/such/dir/x.db fixtures/mpdd/data
grep -q 'no/such/dir' err.txt
echo text > text.db
exits 1 "$manifest" ingest --db text.db fixtures/mpdd/data
test "$(cat text.db)" = text

# Pictures and manifest moved together go on being the same data set.
mkdir here
cp -r fixtures/mpdd/data here/pictures
exits 0 "$manifest" ingest --db here/m.db here/pictures
mv here there
exits 0 "$manifest" ingest --db there/m.db there/pictures
grep -q ' added=0 ' err.txt
