// SPDX-License-Identifier: Apache-2.0
// TupleFilter: tells from single bytes of a packet's fields which shapes of a TupleTable
// cannot match it, so that most packets need no lookup at all.
// (Lakshman, Stiliadis 1998: bit vectors; here a bit stands for a shape.)
//
// It may say "perhaps" where nothing matches, never "no" where something does.
//
// Threads: as the TupleTable's.
// Time: candidates() is three loads, and does not need the ports.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace weft {

class TupleFilter {
 public:
  // One bit for each shape.
  using Shapes = uint16_t;
  // What is looked at: the octet that most prefixes cover and few networks share (the
  // third of an IPv4 address, the eighth of an IPv6 address), the protocol, the in port's
  // low byte.
  struct Bytes {
    uint8_t source, destination, protocol, in_port;
  };

  // What may match the packets of one port: asked for once for a vector.
  class AtPort {
   public:
    bool none() const { return shapes_ == 0; }
    // The shapes that may match one of them.
    Shapes candidates(uint8_t source, uint8_t destination, uint8_t protocol) const {
      return shapes_ & filter_->by_[kSource][source] & filter_->by_[kDestination][destination] &
             filter_->by_[kProtocol][protocol];
    }

   private:
    friend class TupleFilter;
    AtPort(const TupleFilter& filter, Shapes shapes) : filter_(&filter), shapes_(shapes) {}
    const TupleFilter* filter_;
    Shapes shapes_;
  };
  AtPort at_port(uint16_t in_port) const { return {*this, by_[kInPort][uint8_t(in_port)]}; }

  // Takes note of a tuple of the shape with `bit`.
  void add(Shapes bit, const Bytes& value, const Bytes& mask) {
    add(by_[kSource], bit, value.source, mask.source);
    add(by_[kDestination], bit, value.destination, mask.destination);
    add(by_[kProtocol], bit, value.protocol, mask.protocol);
    add(by_[kInPort], bit, value.in_port, mask.in_port);
  }
  // Forgets all tuples of that shape.
  void forget(Shapes bit) {
    for (auto& of_field : by_) {
      for (Shapes& shapes : of_field) shapes &= Shapes(~bit);
    }
  }

 private:
  enum Field { kSource, kDestination, kProtocol, kInPort, kFields };
  using ByValue = std::array<Shapes, 256>;

  static void add(ByValue& by, Shapes bit, uint8_t value, uint8_t mask) {
    for (size_t byte = 0; byte < by.size(); ++byte) {
      if (((byte ^ value) & mask) == 0) by[byte] |= bit;
    }
  }

  std::array<ByValue, kFields> by_{};
};

}  // namespace weft
