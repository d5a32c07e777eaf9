// SPDX-License-Identifier: Apache-2.0
// The node of an arena in this process.
//
// Threads: its control thread.
#pragma once

#include "nodeos_api/geni_node.h"
#include "tests/conformance/arena.h"

weft::GeniNode& node_of(arena& world);
