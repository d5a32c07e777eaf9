// SPDX-License-Identifier: Apache-2.0
// Parts: the protocols and drivers that a node is made of.  main.cc lists them.
//
// Threads: the control thread.
#pragma once

#include <memory>
#include <span>

#include "base/clock.h"
#include "config/config.h"
#include "modules/host.h"
#include "modules/neighbours.h"
#include "modules/reassembly.h"
#include "partner/partner.h"
#include "paths/module.h"
#include "paths/sorter.h"

namespace weft {

// What modules and drivers are given of the node; outlives them.
struct NodeServices {
  Pool& pool;
  Clock& clock;
  IpNode& ip;
  Host& host;
  Neighbours& neighbours;
  Reassembly& reassembly;
  Sorter& sorter;  // finds packets their paths
};

struct ModulePart {
  const char* name;  // as in path texts
  std::unique_ptr<Module> (*make)(NodeServices& node);
};

using MadePartner = Result<std::unique_ptr<Partner>>;

struct Parts {
  std::span<const ModulePart> modules;
  // The partner that a [partner.NAME] describes.  `wire` is that of a loop partner.
  MadePartner (*make_partner)(const DriverConfig& driver, const WireConfig& wire, NodeServices& node);
};

}  // namespace weft
