#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs the Debian 12 packages that Weft needs.  Every package is named here,
# and only here.
#
#   scripts/install_deps.sh build          to build and run weftd and weft
#   scripts/install_deps.sh build demo     ... and ./run.sh's demonstration
#   scripts/install_deps.sh build demo test ... and ./test.sh
#   scripts/install_deps.sh build demo test bench ... and bench/run with its peers
set -euo pipefail

build=(
  ccache clang-19 cmake g++ git ninja-build pkg-config
  libasmjit-dev libboost-dev libcap-dev libcli11-dev libelf-dev libfmt-dev libnl-3-dev libnl-route-3-dev libpcap-dev
  libseccomp-dev libspdlog-dev libssl-dev libtomlplusplus-dev nlohmann-json3-dev
)
demo=(curl iperf3 iproute2 iputils-ping procps python3)
test=(
  clang-14 clang-format-14 libclang-rt-14-dev libfuzzer-14-dev libgmock-dev libgtest-dev
  ethtool socat tcpdump traceroute tshark
  gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user
)
bench=(dpdk-dev libbenchmark-dev libdpdk-dev)

wanted=()
for group in "${@:-build}"; do
  case $group in
    build) wanted+=("${build[@]}") ;;
    demo) wanted+=("${demo[@]}") ;;
    test) wanted+=("${test[@]}") ;;
    bench) wanted+=("${bench[@]}") ;;
    *) echo "install_deps.sh: no group '$group'; there are build, demo, test, bench" >&2; exit 2 ;;
  esac
done

if ! command -v dpkg-query >/dev/null; then
  echo "install_deps.sh: this is not Debian; install what corresponds to: ${wanted[*]}" >&2
  exit 0
fi
missing=()
for package in "${wanted[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "install_deps.sh: not root, and no sudo: these packages are missing: ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi
echo "Installing: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get -o DPkg::Lock::Timeout=300 update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
