#!/usr/bin/env bash
# check_banned.sh ROOT: calls that the tree never makes, and library code that prints or exits.
set -euo pipefail
cd "$1"
bad=0
report() { [ -z "$2" ] || { echo "$1"; echo "$2"; bad=1; }; }
sources() { git ls-files -co --exclude-standard -- '*.c' '*.h' '*.cu' '*.cuh' '*.cpp' '*.hpp'; }
code() { sources | xargs grep -nE "$1" | grep -vE '^[^:]+:[0-9]+: *(\*|/\*|//)' || true; }

report "banned calls:" "$(code '\b(strcpy|strcat|sprintf|vsprintf|atoi|atol|atof|system|popen|strtok|gets|localtime|gmtime|alloca) *\(')"
report "heap calls outside base/alloc.c (use base/alloc.h):" \
    "$(code '\b(malloc|calloc|realloc|aligned_alloc) *\(' | grep -vE '^base/alloc\.c:|iad_|^tests/tools/' || true)"
report "exit, abort or assert outside programs, tests and the program frame:" \
    "$(code '\b(exit|_exit|abort|assert) *\(' | grep -vE '^tests/|^base/app\.c:' || true)"
report "grep -q behind a pipe in a script with pipefail (it closes the pipe early, and the writer's death counts):" \
    "$(git ls-files -co --exclude-standard -- '*.sh' | xargs grep -nE '\| *grep -[a-zA-Z]*q' || true)"
report "files over 800 lines:" "$(sources | xargs wc -l | awk '$2 != "total" && $1 > 800')"
[ "$bad" -eq 0 ] && echo "no banned calls in $(sources | wc -l) files"
