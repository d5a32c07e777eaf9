// SPDX-License-Identifier: Apache-2.0
// GeniNode: the NodeOS of this process, whose paths are Geni's.
//
// A process usually has one; tests have several.
//
// Threads: as Node.
#pragma once

#include "base/log.h"
#include "geni/geni.h"
#include "nodeos_api/node.h"

namespace weft {

class GeniNode final : public Node {
 public:
  struct Parts {  // all outlive the node
    Geni& geni;
    Worker& worker;
    Pool& pool;
    Clock& clock;
    Logger& log;
    FileSpace* files = nullptr;  // null: its domains have none
  };

  explicit GeniNode(const Parts& parts)
      : Node(parts.worker, parts.pool, parts.clock, parts.files), geni_(parts.geni), log_(parts.log) {}
  // Ends all domains, with AN_TERM_NODE.
  ~GeniNode() override { end_domains(); }

  // The node of a domain.  REQUIRES: it is of this process
  static GeniNode& of(const Domain& domain) { return static_cast<GeniNode&>(domain.node()); }

  Geni& geni() const { return geni_; }
  Logger& log() const { return log_; }
  std::string_view port_name(uint16_t port) const override { return geni_.port(port).name; }

 private:
  Geni& geni_;
  Logger& log_;
};

}  // namespace weft
