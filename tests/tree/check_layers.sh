#!/usr/bin/env bash
# check_layers.sh ROOT: a folder may include only what stands to its left in the order of layers. Reads #include lines.
set -euo pipefail
cd "$1"
# rank of a file by its folder; programs never include each other, hence different names on one rank are strangers
git ls-files -co --exclude-standard -- '*.c' '*.h' '*.cu' '*.cuh' '*.cpp' '*.hpp' | awk '
function layer(path) {
    if (path ~ /^base\/image\//) return "image"
    split(path, part, "/"); return part[1]
}
BEGIN {
    rank["base"] = 0; rank["image"] = 1; rank["manifests"] = 2; rank["synth"] = 3; rank["runtime"] = 3
    rank["crawl"] = 4; rank["annotate"] = 4; rank["train"] = 5; rank["bench"] = 6; rank["tests"] = 7
    only["crawl"] = only["annotate"] = "base image manifests"
    bad = 0; n = 0
}
{
    file = $0; from = layer(file)
    if (!(from in rank)) { print file ": folder of no layer"; bad++; next }
    line = 0
    while ((getline text < file) > 0) {
        line++
        if (text !~ /^[ \t]*#[ \t]*include[ \t]*"/) continue
        split(text, quoted, "\""); target = quoted[2]; to = layer(target); n++
        if (!(to in rank)) { print file ":" line ": include \"" target "\" does not start at the top of the tree"; bad++ }
        else if (to != from && rank[to] >= rank[from]) { print file ":" line ": " from " may not include " to " (" target ")"; bad++ }
        else if (to != from && (from in only) && index(" " only[from] " ", " " to " ") == 0) { print file ":" line ": " from " uses only " only[from]; bad++ }
    }
    close(file)
}
END { print n " includes, " bad " against the order of layers"; exit bad > 0 || n == 0 }'
