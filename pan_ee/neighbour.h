// SPDX-License-Identifier: Apache-2.0
// Neighbour: a node that capsules leave for, and those of one vector that do.
//
// Threads: made by the control thread before capsules flow; batch and end on the worker.
#pragma once

#include <array>
#include <string>
#include <utility>

#include "nodeos_api/an.h"
#include "pan_ee/address.h"

namespace weft::pan {

// Capsules that go their way at once.
inline constexpr size_t kBatch = 64;

struct Neighbour {
  Neighbour(const NodeAddress& a, std::string c) : address(a), carrier(std::move(c)) {}
  Neighbour(const Neighbour&) = delete;
  Neighbour& operator=(const Neighbour&) = delete;

  const NodeAddress address;
  const std::string carrier;
  an_OutChan channel = nullptr;
  // Those that leave for it, until all of the vector have been evaluated.
  std::array<an_Packet, kBatch> batch;
  an_Packet* end = batch.data();
};

}  // namespace weft::pan
