// SPDX-License-Identifier: Apache-2.0
// LinkQuestions: asks neighbours for their link addresses, through the paths of the
// node that speak ARP and ICMPv6.
//
// Threads: the control thread; what is sent is made on the worker.
#pragma once

#include <map>

#include "geni/geni.h"
#include "modules/host.h"
#include "routes/neighbour_table.h"

namespace weft {

class LinkQuestions final : public LinkAsker {
 public:
  // What is given outlives it.
  LinkQuestions(Worker& worker, Geni& geni, IpNode& node) : worker_(worker), geni_(geni), node_(node) {}

  // "PORT/arp" (family 4), "PORT/ip6/icmp6" (family 6): questions of that family on that
  // port go into its far end.
  void add_path(uint16_t port, uint8_t family, Opening path) { paths_[{port, family}] = path; }

  // Asks nothing on a port without such a path.
  void ask(uint16_t port, uint8_t family, const Address& target, unsigned attempt,
           const MacAddress* known) override;

  // Questions that a full path did not take.
  const DropCounters& drops() const { return drops_; }

 private:
  Worker& worker_;
  Geni& geni_;
  IpNode& node_;
  std::map<std::pair<uint16_t, uint8_t>, Opening> paths_;
  DropCounters drops_;
};

}  // namespace weft
