#!/usr/bin/env bash
# What goes wrong with a manifest's file: foreign, newer, damaged, read-only, no room, killed in the middle.
set -euo pipefail
M="$IAD_BIN/iad-manifest"
[ -x "$M" ] || { echo "skipped: iad-manifest is not built"; exit 77; }

fail() { echo "FAILED: $*" >&2; exit 1; }
expect() {
    local want=$1 got=0
    shift
    "$@" >out.txt 2>err.txt || got=$?
    [ "$got" = "$want" ] || { cat err.txt >&2; fail "$* ended with $got, not $want"; }
}
said() { grep -qF -- "$1" err.txt || { cat err.txt >&2; fail "no '$1' on stderr"; }; }

# Grey PNG-named PGM-like pictures are not readable, BMP is: 4 x 4 pixels, 24 bits.
bmp() {
    mkdir -p "$(dirname "$1")"
    local text='BM\x66\x00\x00\x00\x00\x00\x00\x00\x36\x00\x00\x00\x28\x00\x00\x00\x04\x00\x00\x00\x04\x00\x00\x00\x01\x00\x18\x00' i
    for ((i = 0; i < 24; i++)); do text+='\x00'; done
    for ((i = 0; i < 16; i++)); do text+=$(printf '\\x%02x\\x%02x\\x%02x' $(((i * $2 + $2) & 255)) $(((i * 7 + $2 / 256 * 31) & 255)) $((($2 * 3) & 255))); done
    printf '%b' "$text" >"$1"
}
for ((i = 1; i <= 60; i++)); do bmp "data/nut/train/good/$(printf %03d $i).png" $i; done
for ((i = 61; i <= 80; i++)); do bmp "data/nut/test/good/$(printf %03d $i).png" $i; done
expect 0 "$M" ingest --db m.db --adapter mvtec --name parts data
expect 0 "$M" export --db m.db; cp out.txt whole.tsv

# --- not a manifest ---
echo "somebody's notes, longer than the sixteen bytes of a header" >notes.txt
cp notes.txt notes.copy
for c in "stats" "check" "init" "refs --rule first" "gallery --out x.html"; do
    expect 1 "$M" $c --db notes.txt; said "notes.txt: not a manifest"
done
cmp -s notes.txt notes.copy || fail "a foreign file was changed"
expect 1 "$M" stats --db nowhere/m.db; said "nowhere/m.db"
expect 1 "$M" init --db nowhere/m.db; said "nowhere/m.db: its folder nowhere does not exist"
expect 1 "$M" stats --db data; said "data: not a file"
expect 1 "$M" merge --db m.db notes.txt; said "notes.txt: not a manifest"

# --- newer schema: user_version is the big-endian number at byte 60 ---
cp m.db newer.db
printf '\x00\x00\x00\x63' | dd of=newer.db bs=1 seek=60 conv=notrunc status=none
cp newer.db newer.copy
for c in "stats" "check" "init"; do
    expect 1 "$M" $c --db newer.db; said "written by a newer program (schema 99"
done
expect 1 "$M" ingest --db newer.db --adapter mvtec data; said "newer program"
cmp -s newer.db newer.copy || fail "a newer manifest was changed"
rm -f newer.db-wal newer.db-shm

# --- damaged: cut off, and overwritten in the middle ---
size=$(wc -c <m.db)
head -c $((size / 2)) m.db >cut.db
for c in "stats" "check" "export" "init"; do
    code=0
    "$M" $c --db cut.db >out.txt 2>err.txt || code=$?
    [ $code = 1 ] || [ $code = 3 ] || [ $code = 0 ] || fail "$c on a cut manifest ended with $code"
done
expect 1 "$M" check --db cut.db; said "damaged"
cp m.db holed.db
head -c 40000 /dev/urandom | dd of=holed.db bs=1 seek=$((size / 2)) conv=notrunc status=none
code=0
"$M" check --db holed.db >out.txt 2>err.txt || code=$?
[ $code = 1 ] || [ $code = 3 ] || fail "check on an overwritten manifest ended with $code"

# --- read-only (root writes anywhere: the right to do so is dropped) ---
drop=""
if [ "$(id -u)" = 0 ]; then drop="setpriv --reuid=65534 --regid=65534 --clear-groups"; fi
mkdir -p closed; cp m.db closed/m.db; chmod 444 closed/m.db; chmod 555 closed
if $drop test -x "$M" -a -r closed/m.db 2>/dev/null; then
    expect 0 $drop "$M" stats --db closed/m.db
    expect 0 $drop "$M" export --db closed/m.db; cmp -s out.txt whole.tsv || fail "a read-only manifest reads differently"
    expect 1 $drop "$M" refs --db closed/m.db --rule first; said "read-only"
    expect 1 $drop "$M" init --db closed/new.db
    [ ! -e closed/new.db ] || fail "something was made in a closed folder"
else
    echo "part skipped: no unprivileged user can reach this folder"
fi
chmod 755 closed

# --- no room: a limit on file sizes stands in for a full disk ---
blocks=$(($(wc -c <m.db) / 1024 + 16))
code=0
(trap '' XFSZ; ulimit -f $blocks; exec "$M" merge --db small.db m.db) >out.txt 2>err.txt || code=$?
[ $code = 1 ] || fail "merge without room ended with $code"
grep -Eq 'small.db: .*(disk is full|File too large|disk I/O error)' err.txt || { cat err.txt >&2; fail "no word about the disk"; }
expect 0 "$M" merge --db small.db m.db; said "conflicts=0"
expect 0 "$M" check --db small.db
expect 0 "$M" export --db small.db; cmp -s out.txt whole.tsv || fail "after a full disk the merge is not whole"
expect 1 bash -c "'$M' export --db m.db >/dev/full"; said "cannot write the output"

# --- kill -9 at random moments: nothing half-done is visible, the same command finishes ---
RANDOM=11
survived=0
for round in 1 2 3 4 5 6 7 8 9 10; do
    rm -f k.db k.db-wal k.db-shm
    "$M" merge --db k.db m.db >/dev/null 2>&1 &
    pid=$!
    sleep "0.0$((RANDOM % 60 + 10))"
    kill -9 $pid 2>/dev/null || survived=$((survived + 1))
    wait $pid 2>/dev/null || true
    if [ -s k.db ]; then
        code=0
        "$M" stats --db k.db --json >state.txt 2>err.txt || code=$?
        # Killed before the schema was written: still empty. Otherwise all pictures or none.
        if [ $code = 0 ]; then
            grep -Eq '"pictures": 80|"datasets": \[\]' state.txt || { cat state.txt >&2; fail "round $round: half a merge"; }
        else
            grep -Eq 'empty, not a manifest' err.txt || { cat err.txt >&2; fail "round $round"; }
        fi
    fi
    expect 0 "$M" merge --db k.db m.db
    expect 0 "$M" export --db k.db; cmp -s out.txt whole.tsv || fail "round $round: not the same after kill -9"
    "$M" refs --db k.db --rule random-nested:1 --shots 1,2,4,8,16 >/dev/null 2>&1 &
    pid=$!
    sleep "0.0$((RANDOM % 40 + 10))"
    kill -9 $pid 2>/dev/null || true
    wait $pid 2>/dev/null || true
    expect 0 "$M" check --db k.db
    expect 0 "$M" refs --db k.db --rule random-nested:1 --shots 1,2,4,8,16
    if [ -f refs.txt ]; then cmp -s out.txt refs.txt || fail "round $round: other exemplars"; else cp out.txt refs.txt; fi
done
echo "manifest faults: all fine ($survived of 10 merges were done before the kill)"
