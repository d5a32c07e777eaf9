// SPDX-License-Identifier: Apache-2.0
// Bindings: the paths that are bound under one key of the demux, told apart by their
// payload keys.  (NodeOS API: demultiplexing keys.)
//
// Threads: add() and remove() on the worker between rounds; find() on the worker.
// Time: find() is linear in the payload keys under this one key.
// Invariants: the longest payload key first; no two of one length can match the
//   same packet.
#pragma once

#include <vector>

#include "paths/demux_key.h"
#include "paths/field_reader.h"
#include "paths/path.h"

namespace weft {

// The paths with one payload key: more than one only if they share.
struct Binding {
  std::vector<PayloadMatch> payload;
  unsigned bits = 0;  // of the payload key
  bool share = false;
  std::vector<Path*> paths;
};

// Whether the payload of a packet is what all of `payload` ask for.  Reads across
// Segs, and nothing behind the packet's end.
bool payload_matches(const std::vector<PayloadMatch>& payload, const Packet& p, const PacketFields& fields);

class Bindings {
 public:
  static constexpr size_t kMaxBindings = 4096;      // under one key
  static constexpr size_t kMaxPayloadBytes = 1024;  // of one payload key, all parts together

  bool empty() const { return bindings_.empty(); }

  // The path, when there is one and it has no payload key; else null.
  Path* only() const { return only_; }

  // The binding with the longest payload key that matches; null when none does.
  const Binding* find(const Packet& p, const PacketFields& fields) const {
    for (const Binding& b : bindings_) {
      if (b.payload.empty() || payload_matches(b.payload, p, fields)) return &b;
    }
    return nullptr;
  }

  // Errors: kExists, kLimit, kInvalid (a mask that is not as long as its value).
  Result<void> add(const DemuxKey& key, Path& path);
  // False when the path is not here.
  bool remove(const Path& path);

  // Some path that is bound here.  REQUIRES: !empty()
  const Path& any() const { return *bindings_.front().paths.front(); }

 private:
  void set_only();

  Path* only_ = nullptr;
  std::vector<Binding> bindings_;
};

}  // namespace weft
