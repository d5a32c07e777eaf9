// SPDX-License-Identifier: Apache-2.0
// Fusion: runs the paths that only forward IP as one loop over the Pvec.
//
// A cut-through path such as "eth0/ip -> eth1" that is found by the routing table
// does the same to every packet: verify, look up, TTL, link header.  This transform
// marks the pair (in port, out port) as fused; as the Sorter of the in port it then
// does demux and all stages of the path in one pass, and appends to the OutPort.
//
// It takes only what is plainly to be forwarded.  Every other packet (an option, a
// fragment to be made, a TTL that ends, a martian, a path that is not fused, a tuple
// that claims it) goes unchanged and in order to the complete path behind it, which
// knows the RFC's answer and the reason for a drop.  A packet behind it that is to take
// the same path is left too: so a flow that mixes fragments or options with plain
// packets comes out as it came in.
//
// Threads: add_port() between rounds, before the port is sorted here; guard() as the
//   tables change; sort(), rewrite() and undo() on the worker.
// Time: sort() does not allocate, and reads the cycle counter in one pass of four.  Paths are
//   told what passed at the end of the round.
// Invariants: a fused path overtakes nothing that waits in its own queues, and nothing
//   of the same Pvec that was left to it.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "modules/flow.h"
#include "modules/local_addresses.h"
#include "paths/fib.h"
#include "paths/out_port.h"
#include "paths/sorter.h"
#include "paths/transform.h"
#include "paths/tuple_table.h"

namespace weft {

class Fusion final : public Transform, public Sorter {
 public:
  // `slow` takes what is left.  Packets that match a tuple are left to it.
  Fusion(const Fib& fib, const LocalAddresses& addresses, Sorter& slow,
         const TupleTable<NarrowFields>& narrow, const TupleTable<WideFields>& wide);
  ~Fusion() override;

  // Makes a port known as an in port and as an out port.  It outlives this.
  void add_port(const Port& port, OutPort& out);

  const char* name() const override { return "fusion"; }
  bool guard(const Path& path) const override;
  void rewrite(Path& path) override;
  void undo(Path& path) override;
  void settle() override;

  void sort(uint16_t in_port, Pvec& v) override;

 private:
  enum Family : uint8_t { kIp4, kIp6, kFamilies };
  struct Lane;    // fusion_lane.h
  struct InPort;  // likewise
  template <Link kLink, bool kTuples, bool kLarge>
  class Loop;  // fusion_loop.h

  static constexpr uint8_t link_length(Link link) {
    return link == Link::kEthernet ? uint8_t{flow::kEthernetHeader} : 0;
  }

  // The lane of a path.  REQUIRES: guard(path)
  Lane& lane(const Path& path) const;
  InPort* find_port(std::string_view name) const;

  template <Link kLink>
  void pass(InPort& in, Pvec& v) const;
  template <Link kLink, bool kTuples, bool kLarge>
  void run(InPort& in, Pvec& v, Pvec& left) const;
  template <Link kLink, bool kTuples, bool kLarge>
  void forward_others(InPort& in, Packet* const* packets, size_t n, Pvec& left) const;
  bool forward_one(InPort& in, Packet& p) const;
  bool forward_one_ip4(InPort& in, Packet& p) const;
  bool forward_one_ip6(InPort& in, Packet& p) const;
  Lane* change_link(InPort& in, Family family, Packet& p, const NextHop& hop, uint32_t total) const;
  void leave(InPort& in, Packet& p, Pvec& left) const;
  Lane* lane_of(InPort& in, const Packet& p) const;
  // Whether some tuple matches, as the demux will read the packet; it then decides.
  bool claimed_ip4(const InPort& in, Packet& p, uint32_t at) const;
  bool claimed_ip6(const InPort& in, Packet& p, uint32_t at) const;

  const Fib& fib_;
  const LocalAddresses& addresses_;
  Sorter& slow_;
  const TupleTable<NarrowFields>& narrow_;
  const TupleTable<WideFields>& wide_;
  std::vector<std::unique_ptr<InPort>> ports_;  // by Port::number; null: not known
};

}  // namespace weft
