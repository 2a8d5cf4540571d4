#!/usr/bin/env bash
# setup.sh [demo|check]: installs the Debian or Ubuntu packages that building (demo) or building and testing (check) needs.
# With root or sudo it installs what is missing; otherwise it prints the exact line to run and fails.
set -euo pipefail

want=(gcc libc6-dev cmake ninja-build pkg-config
      libjansson-dev libssl-dev libpcre2-dev libsqlite3-dev libxml2-dev
      libcurl4-openssl-dev libpsl-dev zlib1g-dev libjpeg-dev libpng-dev libwebp-dev libtiff-dev libxxhash-dev libdnnl-dev libutf8proc-dev libmicrohttpd-dev libcmocka-dev)
if [ "${1:-demo}" = check ]; then
    want+=(curl g++ clang libomp-dev git libopenmpi-dev openmpi-bin libmpich-dev mpich python3)
    # The browser that tests the server's page: Ubuntu has it as a snap only; without one that test says that it was skipped.
    grep -qx 'ID=debian' /etc/os-release 2>/dev/null && want+=(chromium-headless-shell)
fi

if ! command -v dpkg-query >/dev/null; then
    echo "setup: this is not Debian or Ubuntu; please install the equivalents of: ${want[*]}" >&2
    exit 0 # the build will say what is still missing
fi

missing=()
for package in "${want[@]}"; do
    # "installed" also covers virtual packages that another one provides.
    grep -qx installed <<< "$(dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null)" && continue
    missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

line="apt-get install -y --no-install-recommends ${missing[*]}"
if [ "$(id -u)" -eq 0 ]; then
    run=()
elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
    run=(sudo)
else
    echo "setup: packages are missing and there is no root or sudo here. Run this as root, then start again:" >&2
    echo "    apt-get update && $line" >&2
    exit 1
fi
echo "setup: installing ${missing[*]}" >&2
# An old package list is often good enough; refresh it only when the first try fails.
if ! "${run[@]}" env DEBIAN_FRONTEND=noninteractive $line >/dev/null 2>&1; then
    "${run[@]}" apt-get update >/dev/null
    "${run[@]}" env DEBIAN_FRONTEND=noninteractive $line >/dev/null
fi
