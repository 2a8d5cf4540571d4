#!/usr/bin/env bash
# make_static.sh CC OBJCOPY AR OUT FUNCTIONS ARCHIVE...: one archive of one object, in which only FUNCTIONS (separated by ;) are global.
set -euo pipefail
# -d gives common symbols (OpenMP makes them for named critical sections) their place, so that they can be made local too.
cc=$1 objcopy=$2 ar=$3 out=$4 functions=$5
shift 5
work=$(mktemp -d "$out.XXXXXX")
trap 'rm -rf "$work"' EXIT
tr ';' '\n' <<< "$functions" > "$work/names"
roots=()
while read -r name; do roots+=("-Wl,-u,$name"); done < "$work/names"
"$cc" -nostdlib -r -Wl,-d -o "$work/iadgpt.o" "${roots[@]}" -Wl,--start-group "$@" -Wl,--end-group
"$objcopy" --keep-global-symbols="$work/names" "$work/iadgpt.o"
"$ar" rcsD "$work/libiadgpt.a" "$work/iadgpt.o"
mv -f "$work/libiadgpt.a" "$out"
