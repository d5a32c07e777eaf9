// SPDX-License-Identifier: Apache-2.0
// HostileEe: an EE behind Snow that does what bytes tell it: calls, well formed or not, with
// handles that it was given or invents, and anything in its memory.
//
// Threads: the node's control thread.
#pragma once

#include <vector>

#include "tests/fuzz/input.h"
#include "tests/unit/testing/snow_line.h"

namespace weft::fuzz {

class HostileEe {
 public:
  HostileEe(test::SnowLine& line, const snow::SessionLimits& limits);

  // One deed.  False when the session is over.
  bool act(Input& input);
  test::RawEe& ee() { return ee_; }
  // A handle for it to use.
  void knows(uint64_t handle) { handles_.push_back(handle); }

 private:
  void learn();
  uint64_t handle(uint8_t choice) const;
  void call(Input& input);
  void make(Input& input);
  void use_files(Input& input);
  void make_of_two(uint8_t what, Input& input);
  void poke(Input& input);
  void send(Input& input);
  void lend(Input& input);

  test::SnowLine& line_;
  test::RawEe ee_;
  std::vector<uint64_t> handles_{0, 1, UINT64_MAX};
  std::vector<uint32_t> openings_{0, UINT32_MAX};
  uint32_t tx_ = 0, fill_ = 0;
};

}  // namespace weft::fuzz
