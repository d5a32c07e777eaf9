#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what is needed, builds, and passes all tests.
#
#   ./test.sh            all of it
#   ./test.sh STEP...    some of: checks release asan tsan fuzz system
#   ./test.sh --help     this text
#
# system needs root, for network namespaces; fuzz runs each target for FUZZ_SECONDS (3), asan a
# hostile EE for WEFT_HOSTILE_SECONDS (60).
# Long fuzzing is scripts/fuzz.sh, benchmarks are bench/run: neither is a test.
# Exit codes: 0 all passed, 1 something failed, 2 wrong usage.
set -euo pipefail
cd "$(dirname "$0")"

case ${1:-} in -h | --help) sed -n '3,/^set /s/^# \{0,1\}//p' test.sh; exit 0 ;; esac

jobs=$(nproc)
steps=("$@")
[ ${#steps[@]} -gt 0 ] || steps=(checks release asan tsan fuzz system)
fuzz_seconds=${FUZZ_SECONDS:-3}
passed=0
failed=()

say() { printf '\n== %s\n' "$*"; }

# run NAME COMMAND...: one line in the sum at the end.
run() {
  local name=$1 start=$SECONDS
  shift
  if "$@"; then
    passed=$((passed + 1))
    echo "ok: $name ($((SECONDS - start)) s)"
  else
    failed+=("$name")
    echo "FAILED: $name"
  fi
}

build() {
  local preset=$1
  shift
  cmake --preset "$preset" -Wno-dev -DWEFT_TESTS=ON >/dev/null
  cmake --build --preset "$preset" -j "$jobs" "$@" >build/"$preset".log 2>&1 || { tail -40 build/"$preset".log; return 1; }
}

checks() {
  say "checks: layers, documents, format, and that every header compiles alone"
  run "layers" scripts/check_layers.py
  run "documents" scripts/check_docs_links.py
  run "format" scripts/check_format.sh
  run "headers alone" build release --target headers_alone
}

# What users run, as they build it; the system tests use it.
release() {
  say "release: the programs"
  run "build release" build release --target weft weftd weft_snow_library weft_ee_main nat_ee \
    echo_ee_process nat_ee_process pan_ee greedy_ee greedy
}

asan() {
  say "asan: tests under address and undefined behaviour sanitizers, seeds of the fuzz targets among them"
  run "build asan" build asan
  run "tests under asan and ubsan" env WEFT_HOSTILE_SECONDS="${WEFT_HOSTILE_SECONDS:-60}" ctest --test-dir build/asan -j "$jobs" --output-on-failure -LE system
}

# What more than one thread touches.
tsan() {
  say "tsan: what is concurrent"
  local tests=(base_test paths_test geni_test routes_test weftd_test conformance_thread conformance_snow_thread)
  run "build tsan" build tsan --target "${tests[@]/%_thread/}"
  local all
  all=$(IFS='|'; echo "${tests[*]}")
  run "tests under tsan" ctest --test-dir build/tsan -j "$jobs" --output-on-failure -R "^($all)\$"
}

# With clang, which sees other warnings.
fuzz() {
  say "fuzz: each target for $fuzz_seconds seconds"
  run "build fuzz" build fuzz --target fuzz_targets
  local target
  for target in build/fuzz/bin/fuzz_*; do
    run "$(basename "$target")" scripts/fuzz.sh "$(basename "$target")" "$fuzz_seconds"
  done
}

system() {
  say "system: real programs in network namespaces"
  local test status
  for test in tests/system/*_test.py; do
    status=0
    "$test" || status=$?
    case $status in
      0) passed=$((passed + 1)); echo "ok: $test" ;;
      77) echo "not run: $test (the line above says why)" ;;
      *) failed+=("$test"); echo "FAILED: $test" ;;
    esac
  done
}

for step in "${steps[@]}"; do
  case $step in
    checks | release | asan | tsan | fuzz | system) ;;
    *) echo "test.sh: no step '$step'; there are checks release asan tsan fuzz system" >&2; exit 2 ;;
  esac
done
scripts/install_deps.sh build demo test || exit 1
mkdir -p build
. scripts/build_env.sh
for step in "${steps[@]}"; do "$step"; done

say "took $((SECONDS / 60)) min $((SECONDS % 60)) s"
for name in "${failed[@]}"; do echo "failed: $name"; done
echo "$passed passed, ${#failed[@]} failed"
[ ${#failed[@]} -eq 0 ]
