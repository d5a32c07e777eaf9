#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Checks that every header compiles alone, and an.h as C11.
set -euo pipefail
cd "$(dirname "$0")/.."
flags=$(pkg-config --cflags libnl-3.0 libnl-route-3.0)

check() {
  case $1 in
    nodeos_api/an.h) gcc -std=c11 -Wall -Wextra -Werror -pedantic -I. -fsyntax-only -x c "$1" && echo "$1" ;;
    *)
      # shellcheck disable=SC2086
      echo "#include \"$1\"" | g++ -std=c++20 -Wall -Wextra -Werror -Wno-missing-field-initializers -D_GNU_SOURCE -DSPDLOG_COMPILED_LIB \
        -DSPDLOG_FMT_EXTERNAL -I. $flags -fsyntax-only -x c++ - && echo "$1" ;;
  esac
}
export -f check
export flags

headers=$(git ls-files '*.h' | grep -v '^tests/fuzz/')
passed=$(echo "$headers" | xargs -P "$(nproc)" -I{} bash -c 'check {}' | wc -l)
wanted=$(echo "$headers" | wc -l)
echo "$passed of $wanted headers compile alone"
[ "$passed" -eq "$wanted" ]
