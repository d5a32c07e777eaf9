// SPDX-License-Identifier: Apache-2.0
// The rehearsal: a node is put together as the config says, over partners that are
// only described.  So what reading cannot tell (whether udp reads "dstprot", whether
// two paths want the same packets) is known before a device is touched, by the code
// that will do it.
//
// Threads: the control thread.
#pragma once

#include <vector>

#include "config/errors.h"
#include "tools/weftd/parts.h"

namespace weft {

// REQUIRES: `config` was read without errors.
// What is wrong, in the order of the file.  Opens no device and no socket; looks into a
// pcap file that is to be replayed for its link, where there is one.
std::vector<ConfigError> rehearse(const Config& config, const Parts& parts);

}  // namespace weft
