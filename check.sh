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
launcher=$(command -v ccache || true) # a second run compiles only what changed, also after git clean
configure() { cmake --preset "$1" -DIAD_WERROR=ON -DCMAKE_C_COMPILER_LAUNCHER="$launcher" >/dev/null; }
build() { # build PRESET [target...]
    local preset=$1
    shift
    configure "$preset"
    cmake --build --preset "$preset" -j "$jobs" ${1:+--target} "$@" -- --quiet
}
run() { # run PRESET [ctest options]; one more at a time than there are processors, as some wait for servers and processes that they started
    local preset=$1
    shift
    ctest --test-dir "build/$preset" --output-on-failure -j "$((jobs + 1))" "$@"
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
threaded='^test_.*(pool|pixel|ingest_engine|renderset|loader|serve_soak)'
configure tsan
# A test is a target of the same name: only these and what they link are built.
build tsan $(ctest --test-dir build/tsan -N -R "$threaded" | sed -n 's/^ *Test *#[0-9]*: //p')
run tsan -R "$threaded" --no-tests=error

step "all checks passed"
