// SPDX-License-Identifier: Apache-2.0
#include "pan_ee/node_config.h"

#include <gmock/gmock.h>

namespace weft::pan {
namespace {

using ::testing::ElementsAre;

Result<NodeConfig> read(std::vector<const char*> arguments) { return read_arguments(arguments); }

std::string error_of(std::vector<const char*> arguments) {
  const auto config = read(std::move(arguments));
  return config ? "no error" : config.error().sentence;
}

TEST(NodeConfig, AllThatThereIs) {
  const auto config = read({"address 10.0.0.1", "neighbour 10.0.0.2 a/ip/pan (src=10.1.0.2)",
                            "neighbour 127.0.0.1:4000 udp0/pan", "route 10.2.0.0/16 via 10.0.0.2",
                            "route default via 127.0.0.1:4000", "carrier b/pan", "code /usr/share/my code",
                            "engine interpreter", "budget 77"});
  ASSERT_TRUE(bool(config)) << config.error().sentence;
  EXPECT_EQ(to_text(config->address), "10.0.0.1");
  ASSERT_EQ(config->neighbours.size(), 2u);
  EXPECT_EQ(to_text(config->neighbours[0].address), "10.0.0.2");
  EXPECT_EQ(config->neighbours[0].carrier, "a/ip/pan (src=10.1.0.2)");
  EXPECT_EQ(to_text(config->neighbours[1].address), "127.0.0.1:4000");
  ASSERT_EQ(config->routes.size(), 2u);
  EXPECT_EQ(to_text(config->routes[0].to.address), "10.2.0.0");
  EXPECT_EQ(config->routes[0].to.length, 96 + 16);
  EXPECT_EQ(to_text(config->routes[0].via), "10.0.0.2");
  EXPECT_EQ(config->routes[1].to.length, 0);
  EXPECT_THAT(config->carriers, ElementsAre("b/pan"));
  EXPECT_EQ(config->code_folder, "/usr/share/my code");
  EXPECT_EQ(config->engine, Engine::kInterpreter);
  EXPECT_EQ(config->budget, 77u);
}

TEST(NodeConfig, CapsulesComeInTheWayTheyGoOut) {
  const auto config = read(
      {"address fd00::1", "neighbour fd00::2 a/pan", "neighbour fd00::3 b/pan", "neighbour fd00::4 a/pan"});
  ASSERT_TRUE(bool(config));
  EXPECT_THAT(config->carriers, ElementsAre("a/pan", "b/pan"));
  EXPECT_EQ(config->engine, Engine::kJit);
}

TEST(NodeConfig, Mistakes) {
  EXPECT_EQ(error_of({"adress 10.0.0.1"}),
            "argument 'adress 10.0.0.1' begins with none of: address, neighbour, route, carrier, code, "
            "engine, budget");
  EXPECT_EQ(error_of({""}),
            "argument '' begins with none of: address, neighbour, route, carrier, code, engine, budget");
  EXPECT_EQ(error_of({"code"}), "argument 'code': something was expected behind it");
  EXPECT_EQ(error_of({"code  "}), "argument 'code  ': something was expected behind it");
  EXPECT_EQ(error_of({"address 10.0.0"}), "'10.0.0' is not the address of an active node");
  EXPECT_EQ(error_of({"neighbour 10.0.0.2"}), "neighbour 10.0.0.2 needs a path that it is reached by");
  EXPECT_EQ(error_of({"neighbour udp0/pan 10.0.0.2"}), "'udp0/pan' is not the address of an active node");
  EXPECT_EQ(error_of({"route 10.0.0.0/8 10.0.0.2"}),
            "route '10.0.0.0/8 10.0.0.2': 'route PREFIX via NEIGHBOUR' was expected");
  EXPECT_EQ(error_of({"route 10.0.0.1/8 via 10.0.0.2"}),
            "'10.0.0.1/8' is no prefix of addresses of active nodes");
  EXPECT_EQ(error_of({"route default via x"}), "'x' is not the address of an active node");
  EXPECT_EQ(error_of({"engine jitt"}), "no engine 'jitt'; there are: jit, interpreter");
  EXPECT_EQ(error_of({"budget many"}), "budget 'many' is no number of instructions");
  EXPECT_EQ(error_of({"budget 99999999999"}), "budget '99999999999' is no number of instructions");
}

}  // namespace
}  // namespace weft::pan
