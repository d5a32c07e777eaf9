#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs one fuzz target from its seeds.  What it finds stays in build/fuzz/found/.
#
#   scripts/fuzz.sh TARGET [SECONDS]      default: 600
#   scripts/fuzz.sh all [SECONDS]         one after the other
#
# Build them first: cmake --preset fuzz && cmake --build --preset fuzz --target fuzz_targets
# Exit codes: 0 nothing found, 1 something found, 2 wrong usage.
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

case ${1:-} in
  -h | --help) sed -n '3,/^set /s/^# \{0,1\}//p' scripts/fuzz.sh; exit 0 ;;
  "") echo "fuzz.sh: which target? scripts/fuzz.sh --help" >&2; exit 2 ;;
  all) targets=(build/fuzz/bin/fuzz_*) ;;
  *) targets=("build/fuzz/bin/$1") ;;
esac
found=0
for target in "${targets[@]}"; do
  [ -x "$target" ] || { echo "fuzz.sh: there is no $target; scripts/fuzz.sh --help says how to build it" >&2; exit 2; }
  fuzz "$(basename "$target")" "${2:-600}" || found=1
done
exit $found
