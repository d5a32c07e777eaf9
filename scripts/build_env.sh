# SPDX-License-Identifier: Apache-2.0
# Sourced by run.sh and test.sh: what they write lies in build/.

export PYTHONPYCACHEPREFIX=$PWD/build/pycache
# A compiler cache that cannot be written would stop the compiler.
if ! { cache=$(ccache --get-config cache_dir) && mkdir -p "$cache" && [ -w "$cache" ]; } 2>/dev/null; then
  export CCACHE_DIR=$PWD/build/ccache
fi
