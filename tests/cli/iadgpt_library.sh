#!/usr/bin/env bash
# libiadgpt as a user gets it: installed into a prefix, found by pkg-config, linked shared and static, nothing but its functions visible.
set -euo pipefail
fail() { echo "FAILED: $*" >&2; exit 1; }
build=$(dirname "$IAD_BIN")
iadgpt=$IAD_BIN/iadgpt
[ -x "$iadgpt" ] || { echo "iadgpt is not built"; exit 77; }
[ -e "$build/lib/libiadgpt.so" ] && [ -e "$build/lib/libiadgpt.a" ] || { echo "the libraries are not built"; exit 77; }
# A plain program cannot be linked with instrumented objects: it lacks the sanitizer's run-time.
nm "$build/lib/libiadgpt.a" > symbols.txt # into a file: `grep -q` closes a pipe early, and pipefail takes that for a failure
if grep -qE ' U __(asan|tsan|ubsan)_' symbols.txt; then
    echo "skipped: this build is instrumented by a sanitizer, a plain program cannot use its libraries"
    exit 77
fi
command -v pkg-config >/dev/null || { echo "skipped: no pkg-config"; exit 77; }
cc=${CC:-$(sed -n 's/^CMAKE_C_COMPILER:[A-Z]*=//p' "$build/CMakeCache.txt")}

# ---- what is visible
grep '^IADGPT_API' "$IAD_SOURCE/runtime/iadgpt.h" | grep -oE 'iadgpt_[a-z0-9_]+\(' | tr -d '(' | sort > names.txt
[ "$(wc -l < names.txt)" -ge 20 ] || fail "the header has only $(wc -l < names.txt) functions"
nm -D --defined-only "$build/lib/libiadgpt.so" | awk '$2 != "A" { print $3 }' | sort > shared.txt
sed 's/$/@@IADGPT_0.1/' names.txt | diff - shared.txt || fail "the shared library exports something else than the header declares"
nm -g --defined-only "$build/lib/libiadgpt.a" | awk 'NF == 3 { print $3 }' | sort > static.txt
diff names.txt static.txt || fail "the static library exports something else than the header declares"
readelf -d "$build/lib/libiadgpt.so" > dynamic.txt
grep -q 'SONAME.*libiadgpt\.so\.0\]' dynamic.txt || fail "the soname is not libiadgpt.so.0"
# no way to print or to end the process
nm -D --undefined-only "$build/lib/libiadgpt.so" | sed 's/@.*//' | grep -E ' (printf|puts|putchar|vprintf|perror|exit|_exit|abort|__assert_fail|stdout|stderr)$' &&
    fail "the library prints or exits"
# nothing that two threads could fight over: what is writable after loading belongs to the compiler's run-time. (.data.rel.ro is not.)
objdump -t "$build/lib/libiadgpt.so" | awk 'NF >= 5 && ($(NF - 2) == ".bss" || $(NF - 2) == ".data") { print $NF }' |
    grep -vE '^(\.bss|\.data|completed\.[0-9]+|__dso_handle|__TMC_END__|__cpu_model|__cpu_features2|\.gomp_critical_user_.*)$' > writable.txt || true
[ ! -s writable.txt ] || { cat writable.txt; fail "the library has writable globals"; }

# ---- installed
cmake --install "$build" --component iadgpt --prefix "$PWD/prefix" > install.txt
libdir=$(dirname "$(find prefix -name libiadgpt.a)")
export PKG_CONFIG_PATH=$PWD/$libdir/pkgconfig LD_LIBRARY_PATH=$PWD/$libdir
for file in bin/iadgpt include/iadgpt.h; do [ -e "prefix/$file" ] || fail "$file is not installed"; done
[ -e "$libdir/libiadgpt.so.0" ] && [ -e "$libdir/pkgconfig/iadgpt.pc" ] || fail "the library is not installed"
[ "$(pkg-config --modversion iadgpt)" = "$(prefix/bin/iadgpt --version | awk '{ print $2 }')" ] || fail "the versions differ"
# pkg-config's own prefix is the configured one; a moved tree says so with --define-prefix
pc() { pkg-config --define-prefix "$@"; }
[ "$(pc --variable=prefix iadgpt)" -ef prefix ] || { echo "skipped: this pkg-config cannot move a prefix"; exit 77; }
# DESTDIR, as packagers use it
DESTDIR=$PWD/staged cmake --install "$build" --component iadgpt > /dev/null
[ -n "$(find staged -name iadgpt.h)" ] || fail "DESTDIR is not honoured"

# ---- the header alone, in C and in C++
printf '#include <iadgpt.h>\nint main(void) { return iadgpt_version()[0] == 0; }\n' > alone.c
"$cc" -std=c99 -Wall -Wextra -Wpedantic -Werror alone.c $(pc --cflags --libs iadgpt) -o alone && ./alone
if command -v c++ >/dev/null; then
    cp alone.c alone.cc
    c++ -std=c++11 -Wall -Wextra -Werror alone.cc $(pc --cflags --libs iadgpt) -o alonepp && ./alonepp
fi

# ---- the example, both ways, beside the program
"$iadgpt" new-model --config tiny --quiet model
command -v python3 >/dev/null || { echo "skipped: no python3 to draw pictures"; exit 77; }
python3 - <<'P'
for k in range(4):
    with open(f"p{k}.bmp", "wb") as f:
        w, h = 56, 44
        f.write(b"BM" + (54 + w * h * 3).to_bytes(4, "little") + bytes(4) + (54).to_bytes(4, "little") + (40).to_bytes(4, "little") +
                w.to_bytes(4, "little") + h.to_bytes(4, "little") + (1).to_bytes(2, "little") + (24).to_bytes(2, "little") + bytes(24))
        f.write(bytes((x * (k + 1) + y * 3 + c * 40) & 255 for y in range(h) for x in range(w) for c in range(3)))
P
[ "$(wc -l < "$IAD_SOURCE/runtime/example/inspect.c")" -lt 60 ] || fail "the example is too long"
"$cc" -Wall -Wextra -Werror "$IAD_SOURCE/runtime/example/inspect.c" $(pc --cflags --libs iadgpt) -o example
./example model p0.bmp,p1.bmp p2.bmp p3.bmp > shared.tsv
[ "$(wc -l < shared.tsv)" = 2 ] || fail "the example scored $(wc -l < shared.tsv) pictures"
ldd ./example > needs.txt
grep -q libiadgpt.so.0 needs.txt || fail "the example does not use the shared library"
"$cc" "$IAD_SOURCE/runtime/example/inspect.c" $(pc --cflags iadgpt) -Wl,--as-needed "$libdir/libiadgpt.a" $(pc --static --libs iadgpt) -o example_static
ldd ./example_static > needs.txt
grep -q libiadgpt needs.txt && fail "the static example needs the shared library"
./example_static model p0.bmp,p1.bmp p2.bmp p3.bmp > static.tsv
cut -f1,2 shared.tsv > a && cut -f1,2 static.tsv | diff a - || fail "shared and static library differ"
"$iadgpt" inspect --model model --normal p0.bmp,p1.bmp p2.bmp p3.bmp --quiet 2>/dev/null | sed -E 's/.*"file":"([^"]*)","score":([0-9.e-]+).*/\1\t\2/' |
    while IFS=$'\t' read -r file score; do printf '%s\t%.6f\n' "$file" "$score"; done | diff a - || fail "library and program differ"
code=0
./example nowhere p0.bmp p1.bmp 2> err.txt || code=$?
[ "$code" = 1 ] && grep -q nowhere err.txt || fail "the example does not tell what is wrong"

# ---- Python, with nothing but ctypes
if python3 -c 'import ctypes' 2>/dev/null; then
    LIBIADGPT=$PWD/$libdir/libiadgpt.so.0 python3 "$IAD_SOURCE/runtime/example/inspect.py" model p0.bmp,p1.bmp p2.bmp p3.bmp > python.tsv
    cut -f1,2 python.tsv | diff a - || fail "the example in Python gives other scores"
fi
echo ok
