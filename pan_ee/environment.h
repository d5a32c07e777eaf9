// SPDX-License-Identifier: Apache-2.0
// Environment: what a capsule has while its code runs: its bytes, what its code may see of
// them, and what is to become of it.  (PAN, section 4.6.2.)
//
// The code sees the first bytes of the body in its arena, behind a struct pniEnvironment;
// what it asks of the node comes through the helpers of pni.h, which find this in the Call.
// Where a capsule came from is written by the node and cannot be forged: it is not in the
// capsule.
//
// Threads: the worker.
#pragma once

#include <array>
#include <cstdint>

#include "nodeos_api/an.h"

namespace weft::pan {

class LoadedCode;

class Environment {
 public:
  enum class Verdict : uint8_t {
    kNone,     // not decided: it is let go
    kDrop,     // let go, with reason()
    kSend,     // towards destination()
    kDeliver,  // to the application of its code
  };

  // Without a capsule: a code object is loaded or unloaded.
  Environment() = default;
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

  // Nothing is decided of this capsule yet.
  void begin(an_Packet capsule, uint32_t body_length, LoadedCode& code) {
    capsule_ = capsule;
    code_ = &code;
    body_length_ = body_length;
    reason_ = AN_DROP_DISCARD;
    verdict_ = Verdict::kNone;
  }
  // It is let go, whatever was decided.
  void stop(an_DropReason reason) {
    reason_ = reason;
    verdict_ = Verdict::kDrop;
  }

  an_Packet capsule() const { return capsule_; }
  LoadedCode& code() const { return *code_; }
  uint32_t body_length() const { return body_length_; }
  bool has_application() const;
  // Copies `n` bytes of the body from `position` on.  False when it does not have them.
  bool read(uint64_t position, void* into, uint64_t n) const;

  // What is to become of the capsule.  Each returns false when that was decided before, or
  // there is no capsule.
  bool send(uint64_t word_0, uint64_t word_1) {
    destination_[0] = word_0;
    destination_[1] = word_1;
    return decide(Verdict::kSend);
  }
  bool deliver() { return decide(Verdict::kDeliver); }
  bool drop(an_DropReason reason) {
    reason_ = reason;
    return decide(Verdict::kDrop);
  }

  Verdict verdict() const { return verdict_; }
  // A node address, as two words of memory.
  const std::array<uint64_t, 2>& destination() const { return destination_; }
  an_DropReason reason() const { return reason_; }

 private:
  bool decide(Verdict verdict) {
    if (verdict_ != Verdict::kNone || capsule_ == nullptr) return false;
    verdict_ = verdict;
    return true;
  }

  an_Packet capsule_ = nullptr;
  LoadedCode* code_ = nullptr;  // null with the capsule
  uint32_t body_length_ = 0;
  an_DropReason reason_ = AN_DROP_DISCARD;
  Verdict verdict_ = Verdict::kNone;
  std::array<uint64_t, 2> destination_;  // not read before it is written
};

}  // namespace weft::pan
