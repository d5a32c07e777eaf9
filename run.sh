#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what is needed, builds, and shows Weft at work.
#
#   ./run.sh             the demonstration
#   ./run.sh --user      the one that needs no privilege: three nodes over UDP
set -euo pipefail
cd "$(dirname "$0")"

scripts/install_deps.sh build demo
echo "Building (build/release; the first time takes minutes) ..."
mkdir -p build
cmake --preset release -Wno-dev -DWEFT_TESTS=OFF -DWEFT_BENCH=OFF >build/release.log
cmake --build --preset release -j "$(nproc)" --target weft weftd >>build/release.log 2>&1 || { tail -40 build/release.log; exit 1; }
exec python3 demo/demo.py "$@"
