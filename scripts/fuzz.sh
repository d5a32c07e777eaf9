#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs one fuzz target from its seeds.  What it finds stays in build/fuzz/found/.
#
#   scripts/fuzz.sh TARGET [SECONDS]      default: 600
#   scripts/fuzz.sh all [SECONDS]         one after the other
#
# Build them first: cmake --preset fuzz && cmake --build --preset fuzz --target fuzz_targets
set -euo pipefail
cd "$(dirname "$0")/.."

fuzz() {
  local target=$1 seconds=$2
  local grown=build/fuzz/corpus/$target found=build/fuzz/found/$target
  mkdir -p "$grown" "$found"
  if ! build/fuzz/bin/"$target" -max_total_time="$seconds" -max_len=4096 -timeout=60 -rss_limit_mb=3000 -print_final_stats=0 \
    -verbosity=0 -artifact_prefix="$found/" "$grown" tests/fuzz/corpus/"${target#fuzz_}" 2>build/fuzz/"$target".log; then
    tail -30 build/fuzz/"$target".log
    echo "$target found something: see $found"
    return 1
  fi
}

if [ "${1:?which target?}" = all ]; then
  for target in build/fuzz/bin/fuzz_*; do fuzz "$(basename "$target")" "${2:-600}"; done
else
  fuzz "$1" "${2:-600}"
fi
