// SPDX-License-Identifier: Apache-2.0
// Account: what a path, or a domain, has used of the node.
//
// Cycles are charged per Pvec by the worker (work_meter.h); packets and bits at the path's ends.
// A child account charges its parent too, so a domain's account is the sum of its
// paths'.
//
// Threads: charged by one worker; read from any thread.
#pragma once

#include "base/counter.h"

namespace weft {

class Account {
 public:
  explicit Account(Account* parent = nullptr) : parent_(parent) {}
  Account(const Account&) = delete;
  Account& operator=(const Account&) = delete;

  // REQUIRES: nothing was charged yet, and nobody asked whether it is bounded
  void charge_to(Account* parent) { parent_ = parent; }
  // What is charged here is held to a bound, and must be what was used.
  void set_bounded() { bounded_ = true; }
  // Whether it is, or one that is charged too.
  bool bounded() const { return bounded_ || (parent_ != nullptr && parent_->bounded()); }

  void charge_cycles(uint64_t n) {
    for (Account* a = this; a != nullptr; a = a->parent_) a->cycles_.add(n);
  }
  void charge_bits(uint64_t n) {
    for (Account* a = this; a != nullptr; a = a->parent_) a->bits_.add(n);
  }

  uint64_t cycles() const { return cycles_.value(); }  // of the CPU's cycle counter
  uint64_t bits() const { return bits_.value(); }      // handed to the far side, both directions

 private:
  Account* parent_;
  bool bounded_ = false;
  Counter cycles_;
  Counter bits_;
};

}  // namespace weft
