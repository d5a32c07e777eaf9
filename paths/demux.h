// SPDX-License-Identifier: Apache-2.0
// Demux: finds each packet the path that asked for it most specifically.
//
// In this order: tuples of header fields with masks (one hash lookup for each
// tuple shape in use), of these the one with the most bits; NodeOS payload keys
// among the paths of one tuple; local addresses; longest prefix, which names the
// path by the pair (in port, out port); the path of the link protocol; the path
// of the whole port.
//
// Of two keys that a packet matches the one with more bits wins; keys with equally
// many bits that some packet could match are refused when they are bound.  A payload
// key tells apart the paths of one tuple: the longest that matches.
//
//   packet to this node      tuple, else the path "PORT/ip", else "PORT"
//   to be forwarded          tuple, else the path of (in port, out port), else as below
//   no route, prohibited     the path "PORT/ip", which answers, else "PORT"
//   a fragment               no tuple with ports: they are known when it is whole
//   of another protocol      the path of that protocol, else "PORT"
//
// Threads: bind() and unbind() on the worker between rounds; sort() on the worker.
// Time: sort() does not allocate; nothing that traffic does makes memory grow.
// Invariants: two keys that are equal are refused, unless both share.
//   in + copied() = enqueued + drops().
#pragma once

#include <array>
#include <memory>

#include "paths/demux_key.h"
#include "paths/fib.h"
#include "paths/field_reader.h"
#include "paths/path.h"
#include "paths/sorter.h"
#include "paths/tuple_bindings.h"

namespace weft {

class Demux final : public Sorter {
 public:
  Demux(const Fib& fib, const FieldReader& reader, Pool& pool);
  ~Demux() override;

  // A port whose packets will be sorted.  REQUIRES: numbers come in order from 0.
  void add_port(uint16_t number, Link link);

  // The key's in port and out port count for every shape.
  // Errors: kExists (an equal key is bound, and not both share, or one that is as
  // specific), kLimit, kNotFound (no such port), kInvalid (not a key).
  Result<void> bind(const DemuxKey& key, Path& path);
  // Takes away all that the path is bound to.
  void unbind(Path& path);

  // Every packet is enqueued at its path's near end, or dropped.  Sets Packet::in_port,
  // l3, l4, and for IP next_hop (the routing table's answer) and kLocal.
  void sort(uint16_t in_port, Pvec& v) override;

  // For a fused loop: the tuples that may want a packet that is not addressed to this
  // node.  Of the fields asked for, `in_port` is set, `local` is 0.
  const TupleTable<NarrowFields>& narrow_transit() const { return narrow_.transit(); }
  const TupleTable<WideFields>& wide_transit() const { return wide_.transit(); }

  // Packets for which no path was found, by reason; and kPoolExhausted: copies that
  // could not be made.
  const DropCounters& drops() const { return drops_; }
  // Copies that sharing asked for.
  uint64_t copied() const { return copied_.value(); }

 private:
  struct Port;

  // Each names the path that takes the packet whole; null when it was
  // dropped.
  Path* find_by_fields(const Port& port, Packet* p);
  Path* find(const Port& port, Packet* p, const PacketFields& read);
  template <typename Fields, size_t kBytes>
  Path* find_network(const Port& port, Packet* p, const PacketFields& read, const Fields& fields,
                     const Fields (&places)[2], const TupleBindings<Fields>& tuples,
                     const Lpm<kBytes>& routes);
  template <typename Fields>
  Path* find_most_specific(const Port& port, Packet* p, const PacketFields& read, const Fields& fields,
                           const Fields (&places)[2], const TupleBindings<Fields>& tuples,
                           const NextHop& next);
  Path* find_link(const Port& port, Packet* p, const PacketFields& read, DropReason reason);
  Path* take(const Binding& binding, Packet* p);

  const Fib& fib_;
  const FieldReader& reader_;
  Pool& pool_;
  TupleBindings<NarrowFields> narrow_;
  TupleBindings<WideFields> wide_;
  std::vector<std::unique_ptr<Port>> ports_;
  std::array<Glance, Pvec::kCapacity> glances_;  // of the vector that is being sorted
  DropCounters drops_;
  Counter copied_;
};

}  // namespace weft
