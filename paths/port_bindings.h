// SPDX-License-Identifier: Apache-2.0
// PortBindings: the paths that are bound by the port that packets come in at: by where the
// routing table leads, by link protocol, and the path of the whole port.
//
// Threads: bind_link(), bind_route() and unbind() on the worker between rounds; lookups on
//   the worker.
#pragma once

#include <vector>

#include "paths/bindings.h"
#include "paths/fib.h"

namespace weft {

class PortBindings {
 public:
  static constexpr uint16_t kProtocol4 = 0x0800, kProtocol6 = 0x86dd;  // those that are routed
  static constexpr size_t kMaxProtocols = 256;

  // Where the routing table leads the packets of a vector, if the port has one path for each
  // of its links.  (A copy, so that what is written into packets cannot be taken for a change.)
  struct Routes {
    const NextHop* hops;
    Path* const* by_out_port;
    size_t out_ports;

    // The path that a next hop leads on by; null when that does not decide.
    [[gnu::always_inline]] Path* find(uint32_t next_hop) const {
      const NextHop& next = hops[next_hop];
      return next.leads_on() && next.out_port < out_ports ? by_out_port[next.out_port] : nullptr;
    }
  };
  Routes only_routes(const Fib& fib, uint16_t link_protocol) const {
    const std::vector<Path*>& only = of(link_protocol).only;
    return {fib.next_hops.data(), only.data(), only.size()};
  }
  // The path of a link protocol, or that of the port; null where more must be read.
  Path* only_protocol(uint16_t link_protocol) const {
    const Bindings* same = protocol(link_protocol);
    return same != nullptr ? same->only() : any_.only();
  }

  // Of the pair of this port and `out_port`; null when nothing is bound to it.
  const Bindings* route(uint16_t link_protocol, uint16_t out_port) const {
    const std::vector<Bindings>& bound = of(link_protocol).by_out_port;
    return out_port < bound.size() ? &bound[out_port] : nullptr;
  }
  // Of a link protocol; null when nothing is bound to it.
  const Bindings* protocol(uint16_t link_protocol) const;
  // Of the path "PORT".
  const Bindings& any() const { return any_; }

  // REQUIRES: key.shape == kLink.  Errors: kExists, kLimit, kInvalid.
  Result<void> bind_link(const DemuxKey& key, Path& path);
  // REQUIRES: key.shape == kRoute; its link protocol is kProtocol4 or kProtocol6
  // Errors: kExists, kLimit, kInvalid.
  Result<void> bind_route(const DemuxKey& key, Path& path);
  void unbind(const Path& path);

 private:
  struct Protocol {
    uint16_t link_protocol;
    Bindings bindings;
  };
  struct Family {
    std::vector<Bindings> by_out_port;
    std::vector<Path*> only;  // of each of these, the only path that it can be, or null

    void set_only();
  };

  const Family& of(uint16_t link_protocol) const { return families_[link_protocol == kProtocol6]; }

  Bindings any_;
  std::vector<Protocol> protocols_;  // in order
  Family families_[2];
};

}  // namespace weft
