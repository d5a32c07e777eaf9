// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/snow/ee_handles.h"

#include <gtest/gtest.h>

#include "nodeos_api/kinds.h"

namespace weft::snow {
namespace {

constexpr size_t kLimit = 100;

// Objects of the node, as far as a table of handles knows them.
class EeHandlesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (size_t i = 0; i < kLimit; ++i) {
      ASSERT_TRUE(handles_.has_room(&closed_)) << i;
      real_.push_back(weft::handles().add(AN_OUTCHAN, this));
      given_.push_back(
          handles_.give<OutChanKind>(reinterpret_cast<an_OutChan>(real_.back()), Opening{uint32_t(i)}));
    }
  }
  void TearDown() override {
    for (uint64_t handle : real_) weft::handles().remove(handle);
  }
  void end(size_t i) {
    weft::handles().remove(real_[i]);
    real_.erase(real_.begin() + long(i));
  }

  EeHandles handles_{kLimit};
  std::vector<Opening> closed_;
  std::vector<uint64_t> real_, given_;
};

TEST_F(EeHandlesTest, WhoIsAtTheLimitIsRefused) {
  EXPECT_FALSE(handles_.has_room(&closed_));
  EXPECT_EQ(an_errno(), AN_ELIMIT);
  EXPECT_EQ(handles_.size(), kLimit);
}

TEST_F(EeHandlesTest, WhatEndedMakesRoom) {
  end(7);
  handles_.some_ended();
  ASSERT_TRUE(handles_.has_room(&closed_));
  ASSERT_EQ(closed_.size(), 1u);
  EXPECT_EQ(closed_[0].id, 7u);
  EXPECT_EQ(handles_.size(), kLimit - 1);
  EXPECT_EQ(handles_.real<OutChanKind>(given_[7]), nullptr);
  EXPECT_EQ(an_errno(), AN_EDEAD);
}

// An EE that sat at its limit and asked on had all its handles looked at each time.
TEST_F(EeHandlesTest, ARefusalLooksAtNoHandle) {
  EXPECT_FALSE(handles_.has_room(&closed_));
  end(7);  // which nobody says
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(handles_.has_room(&closed_));
  EXPECT_TRUE(closed_.empty());
  handles_.some_ended();
  EXPECT_TRUE(handles_.has_room(&closed_));
}

}  // namespace
}  // namespace weft::snow
