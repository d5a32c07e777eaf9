#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what is needed, builds, and shows Weft at work.
#
#   ./run.sh             a router between two hosts, and three active nodes
#   ./run.sh --user      only what needs no privilege: three nodes over UDP
#   ./run.sh --help      this text
#
# Takes minutes the first time, and half a minute after that.  Writes to build/ only, and
# leaves nothing behind: no process, no namespace, no interface, no file elsewhere.
# Exit codes: 0 all went well, 1 something failed, 2 wrong usage.
set -euo pipefail
cd "$(dirname "$0")"

case ${1:-} in
  "" | --user) ;;
  -h | --help) sed -n '3,/^set /s/^# \{0,1\}//p' run.sh; exit 0 ;;
  *) echo "run.sh: no option '$1'; there are --user and --help" >&2; exit 2 ;;
esac
trap 'echo; exit 130' INT

scripts/install_deps.sh build demo
mkdir -p build
. scripts/build_env.sh
echo "Building weftd and weft in build/release (build/release.log) ..."
{ cmake --preset release -Wno-dev -DWEFT_TESTS=OFF -DWEFT_BENCH=OFF &&
  cmake --build --preset release -j "$(nproc)" --target weft weftd; } >build/release.log 2>&1 || {
  tail -40 build/release.log
  echo "run.sh: the build failed; above is the end of build/release.log" >&2
  exit 1
}
exec python3 demo/demo.py "$@"
