#!/usr/bin/env bash
# check_headers.sh ROOT: every header compiles on its own (not those that stand in for CUDA's, tests/cudasim/shadow: they are C++), file names
# are unique in the tree, include guards too.
set -euo pipefail
cd "$1"
flags=(-std=c11 -D_GNU_SOURCE '-DIAD_TEST_DATA=""' -I. -Wall -Wextra -Werror -fsyntax-only $(pkg-config --cflags jansson sqlite3 libxml-2.0 cmocka))
bad=0 count=0
while read -r header; do
    count=$((count + 1))
    printf '#include "%s"\n#include "%s"\ntypedef int iad_not_empty;\n' "$header" "$header" |
        "${CC:-cc}" "${flags[@]}" -x c - || { echo "$header: does not stand alone"; bad=$((bad + 1)); }
done < <(git ls-files -co --exclude-standard -- '*.h' ':!tests/cudasim/shadow/')
twins=$(git ls-files -co --exclude-standard -- '*.c' '*.h' '*.cu' '*.cuh' '*.cpp' '*.hpp' ':!tests/cudasim/shadow/' | sed 's,.*/,,' | sort | uniq -d)
[ -z "$twins" ] || { echo "file names that occur twice: $twins"; bad=$((bad + 1)); }
guards=$(git ls-files -co --exclude-standard -- '*.h' '*.cuh' '*.hpp' ':!tests/cudasim/shadow/' | xargs grep -h '^#ifndef IAD' | sort | uniq -d)
[ -z "$guards" ] || { echo "include guards that occur twice: $guards"; bad=$((bad + 1)); }
echo "$count headers, $bad at fault"
[ "$bad" -eq 0 ] && [ "$count" -gt 0 ]
