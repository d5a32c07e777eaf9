// SPDX-License-Identifier: Apache-2.0
// Port: a partner that is joined to the set of paths, under a name and a number.
//
// Threads: written by the control thread, before packets flow or between rounds; read by the worker,
//   and by the control thread.
#pragma once

#include <string>

#include "partner/partner.h"

namespace weft {

struct Port {
  uint16_t number = Packet::kNoPort;  // dense, from 0; Packet::in_port
  std::string name;                   // first name of path texts: "eth0"
  PartnerInfo info;                   // as it was when it was joined, or last refreshed
  Partner* partner = nullptr;
  Opening opening;
};

}  // namespace weft
