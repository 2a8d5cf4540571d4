#!/usr/bin/env bash
# run_script.sh SCRIPT SCRATCH: runs one script test in a fresh scratch folder.
set -euo pipefail
rm -rf "$2"
mkdir -p "$2"
cd "$2"
exec bash "$1"
