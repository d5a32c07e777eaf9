// SPDX-License-Identifier: Apache-2.0
// Any deeds of an EE behind Snow: messages, and what it writes in its memory (hostile_ee.h).
// Must hold:
//   - the node neither crashes nor waits
//   - a domain of its own process goes on: it gets what comes to it, as it came
//   - when the session ends nothing of the EE is left: no domain, no path, no packet, no open file
//   - its files are beneath their root, and the quota counts them
#include "tests/fuzz/hostile_ee.h"
#include "tests/fuzz/require.h"

namespace weft::fuzz {
namespace {

struct Home {
  size_t right = 0, wrong = 0;
};

void take_home(void* arg, an_Packet packet) {
  auto* home = static_cast<Home*>(arg);
  char bytes[8] = "";
  const bool right = an_packetGetLength(packet) == 4 && an_packetRead(packet, 0, 4, bytes) == AN_OK &&
                     std::memcmp(bytes, "home", 4) == 0;
  ++(right ? home->right : home->wrong);
  an_packetFree(packet);
}

void run(Input input) {
  test::SnowLine line(false);
  Home home;
  an_Domain domain =
      an_domainCreate(nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr);
  require(an_inchanCreate(nullptr, domain, nullptr, "home", nullptr, nullptr, take_home, &home) != nullptr);
  {
    HostileEe hostile(line, {.packets_made = 64, .packets_received = 64, .objects = 32});
    while (!input.empty() && hostile.act(input)) {
    }
    line.rounds(2);
    line.inject_home("home");
    line.rounds(4);
    require(home.right == 1 && home.wrong == 0, "others go on");
  }
  require(line.node->root().children().size() == 1, "its domains ended");
  require(an_domainDestroy(domain) == AN_OK);
  size_t paths = 0;
  line.geni.for_each_path([&](Opening, Path&) { ++paths; });
  require(paths == 0, "its paths are closed");
  line.rounds(2);
  line.take_ee();
  require(line.files_are_as_counted(), "its files are closed, and counted");
  require(line.pool->in_use() == 0 && line.wire_pool->in_use() == 0, "its packets are back");
}

}  // namespace
}  // namespace weft::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  weft::fuzz::run({data, size});
  return 0;
}
