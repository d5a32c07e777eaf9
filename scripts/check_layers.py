#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that no folder includes one above it (docs/architecture.md)."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Folder: the folders whose headers it may include, besides its own.
MAY_INCLUDE = {
    "base": [],
    "partner": ["base"],
    "paths": ["base", "partner"],
    "modules": ["base", "partner", "paths"],
    "geni": ["base", "partner", "paths"],
    "routes": ["base", "partner", "paths", "modules"],
    "nodeos_api": ["base", "partner", "paths", "geni"],
    "isolation": ["base"],
    "mee": ["nodeos_api/an.h", "nodeos_api/an_ee.h", "base"],
    "pan_ee": ["nodeos_api/an.h", "nodeos_api/an_ee.h", "vm", "base"],
    "vm": ["base"],
    "config": ["base", "partner", "paths"],
    "admin": ["base"],
    "tools/options": [],
    "tools/weft": ["base", "admin", "partner", "tools/options"],
    "tools/bpf_plugin": ["base", "vm"],
    "tools/weft_cc": ["base", "vm", "pan_ee/code_object.h", "pan_ee/code/pni_abi.h", "tools/options"],
    "tools/weftd": ["tools/options", "base", "partner", "paths", "modules", "geni", "routes", "nodeos_api", "pan_ee", "mee", "isolation", "config", "admin"],
    "examples": ["nodeos_api/an.h", "nodeos_api/an_ee.h"],
}
# C whose headers find each other where they lie: what is installed, and examples, which are
# built out of the tree too.
BESIDE_EACH_OTHER = ("pan_ee/code/", "examples/")
# Drivers do not see each other.
DRIVERS = {"af_packet", "loop", "pcap", "shm_guest", "shm_ring", "tap", "udp"}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def folder_of(path):
    parts = path.split("/")
    return "/".join(parts[:2]) if parts[0] == "tools" else parts[0]


def complaints(source):
    relative = source.relative_to(ROOT).as_posix()
    folder = folder_of(relative)
    for included in INCLUDE.findall(source.read_text()):
        target = folder_of(included)
        if relative.startswith(BESIDE_EACH_OTHER) and (source.parent / included).exists():
            continue
        if "/" not in included:
            yield f"{relative}: include \"{included}\" from the root of the project"
        elif target == folder:
            stem = included.split("/")[1].split(".")[0]
            if folder == "partner" and stem in DRIVERS and stem != source.stem:
                yield f"{relative}: drivers do not see each other, but it includes {included}"
        elif target not in MAY_INCLUDE[folder] and included not in MAY_INCLUDE[folder]:
            yield f"{relative}: {folder} may not include {included}"


def main():
    sources = [f for folder in MAY_INCLUDE for pattern in ("*.h", "*.cc", "*.c") for f in (ROOT / folder).rglob(pattern)]
    found = [c for source in sorted(sources) for c in complaints(source)]
    print("\n".join(found) if found else f"{len(sources)} files keep the layers")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
