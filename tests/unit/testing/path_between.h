// SPDX-License-Identifier: Apache-2.0
// A path of its own, without a node, between two partners of the test.
//
// Invariants, held against it when a test ends: every packet that came in is accounted for, and
// is back in the pool.
#pragma once

#include <gtest/gtest.h>

#include "paths/path.h"
#include "tests/unit/testing/partners.h"

namespace weft::test {

class PathBetween : public ::testing::Test {
 protected:
  explicit PathBetween(const char* text, PathQueues queues = {})
      : path_(*parse_path(text), queues, &domain_) {
    path_.join(End::kNear, &near_, Opening{0});
    path_.join(End::kFar, &far_, Opening{0});
  }
  void TearDown() override {
    path_.close();
    const Path::Ledger l = path_.ledger();
    EXPECT_EQ(l.in_packets + l.made, l.out_packets + path_.dropped() + path_.held());
    near_.lose_all();
    far_.lose_all();
    EXPECT_EQ(pool_->in_use(), 0u);
  }

  std::unique_ptr<Pool> pool_ = *Pool::create({.packets = 256, .pages = PageKind::k4K});
  TestPartner near_, far_;
  Account domain_;
  Path path_;
};

}  // namespace weft::test
