// SPDX-License-Identifier: Apache-2.0
// TupleBindings: the paths that are bound by tuples of one family's header fields.
//
// Tuples that ask for packets to this node stand apart: only packets that the
// routing table calls local are compared with them.  The others, of which most
// nodes have none, are compared with every packet.
//
// Threads: add() and remove() on the worker between rounds; lookups on the worker.
// Invariants: of the tuples that match one packet no two have the same number of
//   bits, so the most specific one is certain.
#pragma once

#include <memory>
#include <vector>

#include "paths/bindings.h"
#include "paths/tuple_table.h"

namespace weft {

template <typename Fields>
class TupleBindings {
 public:
  // Tuples that do not ask for packets to this node.
  const TupleTable<Fields>& transit() const { return transit_; }

  // Whether some tuple may want a packet that is not to this node.  `place` as below.
  bool wanted(const Fields& fields, const Fields& place) const {
    return !transit_.empty() && transit_.find(transit_.merge(fields, place)) != transit_.kNone;
  }

  // The binding of the most specific tuple that takes the packet; null when none
  // does.  `fields` is of `read`; `place` holds `local` and `in_port`, and nothing else.
  const Binding* find(const Packet& p, const PacketFields& read, const Fields& fields,
                      const Fields& place) const {
    const bool local = place.local != 0 && !local_.empty();
    if (transit_.empty() && !local) return nullptr;
    const Fields merged = transit_.merge(fields, place);
    const Binding* best = nullptr;
    unsigned best_bits = 0;
    look(transit_, p, read, merged, best, best_bits);
    if (local) look(local_, p, read, merged, best, best_bits);
    return best;
  }

  // Errors: kExists, kLimit, kInvalid.
  Result<void> add(const Fields& fields, const Fields& mask, const DemuxKey& key, Path& path) {
    TupleTable<Fields>& table = table_of(fields, mask);
    if (const uint32_t value = table.at(fields, mask)) return entries_[value]->bindings.add(key, path);
    if (const Path* rival = equally_specific(fields, mask)) {
      return Error{Code::kExists, path.text() + ": as specific as the path '" + rival->text() +
                                      "', and some packets match both; narrow one of them"};
    }
    auto entry = std::make_unique<Entry>(Entry{fields, mask, {}});
    if (auto added = entry->bindings.add(key, path); !added) return added;
    const uint32_t value = free_value();
    if (!table.insert(fields, mask, value)) {
      return Error{Code::kLimit, path.text() + ": the demux has room for " +
                                     std::to_string(table.kMaxShapes) + " shapes and " +
                                     std::to_string(table.kMaxEntries) + " tuples of header fields"};
    }
    entries_[value] = std::move(entry);
    return {};
  }

  void remove(const Path& path) {
    for (std::unique_ptr<Entry>& entry : entries_) {
      if (entry == nullptr || !entry->bindings.remove(path) || !entry->bindings.empty()) continue;
      table_of(entry->fields, entry->mask).erase(entry->fields, entry->mask);
      entry.reset();
    }
  }

 private:
  struct Entry {
    Fields fields, mask;
    Bindings bindings;
  };

  TupleTable<Fields>& table_of(const Fields& fields, const Fields& mask) {
    return (fields.local & mask.local) != 0 ? local_ : transit_;
  }

  void look(const TupleTable<Fields>& table, const Packet& p, const PacketFields& read, const Fields& fields,
            const Binding*& best, unsigned& best_bits) const {
    if (table.most_bits() <= best_bits && best != nullptr) return;
    table.find_if(fields, [&](const Fields& mask, unsigned bits, uint32_t value) {
      if (best != nullptr && bits <= best_bits) return true;
      // The ports of a fragment are known when it is reassembled.
      if (read.fragment && (mask.source_port | mask.destination_port) != 0) return false;
      const Binding* found = entries_[value]->bindings.find(p, read);
      if (found == nullptr) return false;
      best = found;
      best_bits = bits;
      return true;
    });
  }

  // A path whose tuple has as many bits and matches some of the same packets.
  const Path* equally_specific(const Fields& fields, const Fields& mask) const {
    const unsigned bits = transit_.count_bits(mask);
    for (const std::unique_ptr<Entry>& e : entries_) {
      if (e != nullptr && transit_.count_bits(e->mask) == bits &&
          transit_.overlap(fields, mask, e->fields, e->mask)) {
        return &e->bindings.any();
      }
    }
    return nullptr;
  }

  // An unused index of entries_, but not 0.
  uint32_t free_value() {
    auto free = std::find(entries_.begin() + 1, entries_.end(), nullptr);
    if (free == entries_.end()) free = entries_.insert(free, nullptr);
    return uint32_t(free - entries_.begin());
  }

  TupleTable<Fields> transit_, local_;
  std::vector<std::unique_ptr<Entry>> entries_{1};  // by the tables' values
};

}  // namespace weft
