// SPDX-License-Identifier: Apache-2.0
#include "pan_ee/node.h"

#include <gtest/gtest.h>

#include "tests/unit/testing/pan_line.h"

namespace weft::pan {
namespace {

class PanNodeTest : public ::testing::Test {
 protected:
  std::string error(const NodeConfig& config) {
    std::string error;
    auto node = Node::start(config, line_.hosts[0]->node->root().handle(), error);
    EXPECT_EQ(node == nullptr, !error.empty());
    return error;
  }
  void SetUp() override { line_.hosts[0]->pan.reset(); }
  void TearDown() override { line_.start_pan(0, {.address = line_.address(0)}); }

  test::PanLine line_;
};

TEST_F(PanNodeTest, ConfigErrorsAreSentences) {
  const NodeAddress a = line_.address(0), b = line_.address(1);
  EXPECT_EQ(error({}), "a PAN node needs an address");
  EXPECT_EQ(error({.address = a, .neighbours = {{b, "right/pan"}, {b, "right/pan"}}}),
            "neighbour 10.0.0.2: not an address of another node, or there twice");
  EXPECT_EQ(error({.address = a, .neighbours = {{a, "right/pan"}}}),
            "neighbour 10.0.0.1: not an address of another node, or there twice");
  EXPECT_EQ(error({.address = a, .routes = {{*parse_prefix("default"), b}}}),
            "route via 10.0.0.2: that is no neighbour");
  EXPECT_EQ(error({.address = a,
                   .neighbours = {{b, "right/pan"}},
                   .routes = {{*parse_prefix("10.0.0.0/8"), b}, {*parse_prefix("10.0.0.0/8"), b}}}),
            "route to 10.0.0.0/104: there is one already");
}

TEST_F(PanNodeTest, CarrierErrorsPointAtTheColumn) {
  const NodeAddress a = line_.address(0), b = line_.address(1);
  EXPECT_EQ(error({.address = a, .carriers = {"left/pann"}}),
            "left/pann: column 6: no module 'pann', did you mean 'pan'?");
  EXPECT_EQ(error({.address = a, .neighbours = {{b, "rihgt/pan"}}}),
            "rihgt/pan: column 1: no partner 'rihgt', did you mean 'right'?");
  EXPECT_NE(error({.address = a, .carriers = {"left/pan (port=7)"}}).find("column 11"), std::string::npos);
  EXPECT_NE(error({.address = a, .carriers = {"left/pan/pan"}}), "");
  EXPECT_NE(error({.address = a, .carriers = {"left/pan", "left/pan"}}), "");  // the same capsules twice
}

TEST_F(PanNodeTest, AFailedStartLeavesNothing) {
  EXPECT_NE(error({.address = line_.address(0), .carriers = {"left/pan", "nowhere/pan"}}), "");
  std::string why;
  auto node = Node::start({.address = line_.address(0), .carriers = {"left/pan"}},
                          line_.hosts[0]->node->root().handle(), why);
  EXPECT_NE(node, nullptr) << why;
}

TEST_F(PanNodeTest, ShowsItsNeighbours) {
  std::string why;
  auto node = Node::start({.address = line_.address(0),
                           .neighbours = {{line_.address(1), "right/pan"}},
                           .code_folder = WEFT_CODE_FOLDER},
                          line_.hosts[0]->node->root().handle(), why);
  ASSERT_NE(node, nullptr) << why;
  node->ping().send({.destination = line_.address(1)}, [](const Ping::Reply&) {});
  line_.rounds();
  const auto all = node->neighbours();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].carrier, "right/pan");
  EXPECT_EQ(all[0].stats.packets_out, 1u);
}

TEST_F(PanNodeTest, OutlivesTheNodeOs) {
  std::string why;
  auto node = Node::start({.address = line_.address(0)}, line_.hosts[0]->node->root().handle(), why);
  ASSERT_NE(node, nullptr) << why;
  line_.hosts[0]->node.reset();
  EXPECT_EQ(node->domain(), nullptr);
  EXPECT_EQ(node->stats().packets_received, 0u);
  node.reset();
  line_.hosts[0]->start(line_);
}

}  // namespace
}  // namespace weft::pan
