#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Checks that the sources are as clang-format 14 leaves them; --fix makes them so.
set -euo pipefail
cd "$(dirname "$0")/.."
mode=(--dry-run --Werror)
[ "${1:-}" = --fix ] && mode=(-i)
git ls-files '*.h' '*.cc' '*.c' | xargs clang-format-14 "${mode[@]}"
