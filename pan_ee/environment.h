// SPDX-License-Identifier: Apache-2.0
// Environment: what a capsule has while its code runs: where it came from, its body,
// and what is to become of it.  (PAN, section 4.6.2.)
//
// Where it came from is written by the node and cannot be forged: it is not in the
// capsule.
//
// Threads: the worker; lives for one evaluation.
#pragma once

#include <cstdint>
#include <span>

#include "nodeos_api/an.h"
#include "pan_ee/address.h"

namespace weft::pan {

class Environment {
 public:
  enum class Origin : uint8_t {
    kApplication,  // inserted through an application link of this node
    kNetwork,      // received from a network link
  };
  enum class Verdict : uint8_t {
    kDrop,     // let go, with reason()
    kSend,     // towards destination()
    kDeliver,  // it reached whom it was for
  };

  Environment(Origin origin, const NodeAddress& local, std::span<uint8_t> window, uint32_t body_length)
      : origin_(origin), local_(local), window_(window), body_length_(body_length) {}
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

  Origin origin() const { return origin_; }
  const NodeAddress& local_address() const { return local_; }
  uint64_t now_ns() const { return an_timeGet(AN_TIME_MONOTONIC); }

  // The first bytes of the body, in one piece, to read and write: as many as the code
  // object asked for, or as there are.
  std::span<uint8_t> window() const { return window_; }
  uint32_t body_length() const { return body_length_; }

  // What is to become of the capsule.  The last call counts; without one it is let go.
  void send(const NodeAddress& destination) {
    verdict_ = Verdict::kSend;
    destination_ = destination;
  }
  void deliver() { verdict_ = Verdict::kDeliver; }
  void drop(an_DropReason reason) {
    verdict_ = Verdict::kDrop;
    reason_ = reason;
  }

  Verdict verdict() const { return verdict_; }
  const NodeAddress& destination() const { return destination_; }
  an_DropReason reason() const { return reason_; }

 private:
  Origin origin_;
  Verdict verdict_ = Verdict::kDrop;
  an_DropReason reason_ = AN_DROP_DISCARD;
  const NodeAddress& local_;
  std::span<uint8_t> window_;
  uint32_t body_length_;
  NodeAddress destination_;
};

}  // namespace weft::pan
