// SPDX-License-Identifier: Apache-2.0
// Demux: finds each packet the path that asked for it most specifically.
//
// In this order: tuples of header fields with masks (one hash lookup for each
// tuple shape in use), of these the one with the most bits; NodeOS payload keys
// among the paths of one tuple; local addresses; longest prefix, which names the
// path by the pair (in port, out port); the path of the link protocol; the path
// of the whole port.  (architecture.md section 5.)
//
// Threads: bind() and unbind() on the worker between rounds; sort() on the worker.
// Time: sort() does not allocate; nothing that traffic does makes memory grow.
// Invariants: two keys that are equal are refused, unless both share.
#pragma once

#include <memory>

#include "paths/demux_key.h"
#include "paths/fib.h"
#include "paths/field_reader.h"
#include "paths/path.h"
#include "paths/sorter.h"

namespace weft {

class Demux final : public Sorter {
 public:
  Demux(const Fib& fib, const FieldReader& reader, Pool& pool);
  ~Demux() override;

  // A port whose packets will be sorted.  REQUIRES: numbers come in order from 0.
  void add_port(uint16_t number, Link link);

  // Errors: kExists (an equal key is bound, and not both share), kLimit.
  Result<void> bind(const DemuxKey& key, Path& path);
  void unbind(Path& path);

  // Every packet is enqueued at its path's near end, or dropped.
  void sort(uint16_t in_port, Pvec& v) override;

  // Packets for which no path was found, by reason.
  const DropCounters& drops() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace weft
