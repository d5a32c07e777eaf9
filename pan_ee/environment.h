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
#include "vm/fault.h"

namespace weft::pan {

class LoadedCode;

class alignas(64) Environment {
 public:
  enum class Verdict : uint8_t {
    kNone,     // not decided: it is let go
    kDrop,     // let go, with reason()
    kSend,     // towards destination()
    kDeliver,  // to the application of its code
    kStopped,  // let go, whatever was decided: its code was stopped by fault()
  };

  // Without a capsule: a code object is loaded or unloaded.  `from_network`: where its capsules
  // will come from.
  explicit Environment(bool from_network = true) : shown_{.from_network = from_network} {}
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

  // Nothing is decided of this capsule yet.  At `header` are the header and the first `at_hand`
  // bytes of the body, which `code` may see and write.
  void begin(an_Packet capsule, uint8_t* header, uint32_t body_length, uint32_t at_hand, LoadedCode& code) {
    capsule_ = capsule;
    header_ = header;
    code_ = &code;
    body_length_ = body_length;
    shown_.at_hand = at_hand;
    verdict_ = Verdict::kNone;
  }
  void stop(vm::Fault fault) {
    why_ = uint8_t(fault);
    verdict_ = Verdict::kStopped;
  }

  an_Packet capsule() const { return capsule_; }
  uint8_t* header() const { return header_; }
  LoadedCode& code() const { return *code_; }
  uint32_t body_length() const { return body_length_; }
  uint32_t at_hand() const { return shown_.at_hand; }
  bool from_network() const { return shown_.from_network != 0; }
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
    why_ = uint8_t(reason);
    return decide(Verdict::kDrop);
  }

  Verdict verdict() const { return verdict_; }
  // A node address, as two words of memory.
  const std::array<uint64_t, 2>& destination() const { return destination_; }
  an_DropReason reason() const { return an_DropReason(why_); }
  vm::Fault fault() const { return vm::Fault(why_); }

 private:
  friend class LoadedCode;
  bool decide(Verdict verdict) {
    if (verdict_ != Verdict::kNone) return false;
    verdict_ = verdict;
    return true;
  }

  an_Packet capsule_ = nullptr;
  uint8_t* header_ = nullptr;
  uint32_t body_length_ = 0;
  struct Shown {  // as a struct pniEnvironment has it
    uint32_t at_hand = 0;
    uint16_t from_network = 0;
    uint16_t written = 0;
  } shown_;
  Verdict verdict_ = Verdict::kDrop;  // without a capsule there is nothing to decide
  // Not read before they are written.
  uint8_t why_;                 // reason() or fault()
  LoadedCode* code_ = nullptr;  // null with the capsule
  std::array<uint64_t, 2> destination_;
};

static_assert(sizeof(Environment) == 64);

}  // namespace weft::pan
