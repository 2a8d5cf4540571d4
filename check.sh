#!/usr/bin/env bash
# check.sh: from a bare Debian or Ubuntu machine to "all tests passed". Installs what is missing (see cmake/setup.sh), builds with gcc
# and clang without a warning, runs the tests plain, under AddressSanitizer + UBSan, and the threaded ones under ThreadSanitizer.
#   ./check.sh           everything (what CI runs)
#   ./check.sh --quick   gcc build and plain tests only
set -euo pipefail
cd "$(dirname "$0")"
jobs=$(nproc)

bash cmake/setup.sh check

step() { printf '\n== %s\n' "$*"; }
build() { # build PRESET [cmake options]
    local preset=$1
    shift
    cmake --preset "$preset" -DIAD_WERROR=ON "$@" >/dev/null
    cmake --build --preset "$preset" -j "$jobs" -- --quiet
}
run() { # run PRESET [ctest options]
    local preset=$1
    shift
    ctest --test-dir "build/$preset" --output-on-failure -j "$jobs" "$@"
}

step "gcc, plain tests"
build release
run release
[ "${1:-}" = --quick ] && exit 0

step "clang, no warnings"
build clang

step "AddressSanitizer and UndefinedBehaviorSanitizer"
build asan
ASAN_OPTIONS=detect_stack_use_after_return=1 UBSAN_OPTIONS=print_stacktrace=1 run asan -E '^tree_'

step "ThreadSanitizer, the threaded tests"
build tsan
run tsan -R 'pool|pixel|ingest_engine|renderset|loader|serve_soak'

step "all checks passed"
