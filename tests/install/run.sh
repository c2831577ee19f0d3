#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs a build into a folder of its own and uses it from there: tests/install/run.sh BUILD.
# The program finds its zoo and profiles, and a program of another project compiles against the
# library through pkg-config, static and shared.
set -euo pipefail
build=$(realpath "$1")
here=$(dirname "$(realpath "$0")")
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

DESTDIR=$root meson install -C "$build" --no-rebuild --quiet
prefix=$root$(meson introspect --buildoptions "$build" |
    python3 -c 'import json, sys; print({o["name"]: o["value"] for o in json.load(sys.stdin)}["prefix"])')
program=$prefix/bin/joulecast
cd "$root" # nothing of the source tree is near

"$program" --version
"$program" profiles -f csv
"$program" predict -f csv lenet5 | sed -n 1,3p
"$program" predict lenet5 -f json | python3 -c '
import json, sys
assert json.load(sys.stdin)["totals"]["params"] == 61706'
for page in joulecast joulecast-predict joulecast-batch; do
    test -f "$prefix/share/man/man1/$page.1" || test -f "$prefix/share/man/man1/$page.1.gz"
done
test -f "$prefix/share/joulecast/docs/TECHNIQUES.md" # which man pages name
"$program" compare lenet5 -t 'prune: 0.5' -a eyeriss -f csv | sed -n 1,3p
test -f "$prefix/share/bash-completion/completions/joulecast"
bash -n "$prefix/share/bash-completion/completions/joulecast"

export PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR=$root
PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name joulecast.pc)")
library=$(dirname "$(find "$prefix" -name libjoulecast.so)")
# shellcheck disable=SC2046 # flags are words
cc -o "$prefix/bin/shared" "$here/client.c" $(pkg-config --cflags joulecast) -L"$library" -ljoulecast
LD_LIBRARY_PATH=$library "$prefix/bin/shared" lenet5
# OpenBLAS asks for Fortran's library where it is linked statically: Debian's gfortran has it.
# shellcheck disable=SC2046
cc -o "$prefix/bin/static" "$here/client.c" $(pkg-config --cflags joulecast) "$library/libjoulecast.a" \
    $(PKG_CONFIG_SYSROOT_DIR='' pkg-config --static --libs joulecast |
        tr ' ' '\n' | grep -v -e joulecast -e "^-L" | tr '\n' ' ')
"$prefix/bin/static" lenet5
if nm -D --defined-only "$library/libjoulecast.so" | awk '$2 == "T" { print $3 }' | grep -v '^jc_'; then
    echo "libjoulecast.so exports the names above, which are not its own" >&2
    exit 1
fi
echo "installation works"
