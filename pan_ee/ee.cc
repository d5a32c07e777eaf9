// SPDX-License-Identifier: Apache-2.0
// PAN as the EE of a process of its own, over Snow:
//
//   [ee.capsules]
//   exec = ["/usr/libexec/weft/pan_ee", "address 10.99.0.1", "neighbour 10.99.0.2 udp0/pan",
//           "code /usr/share/weft/code"]
//
// node_config.h has the arguments.  Over the whole of its life it is one active node.
//
// Threads: the control thread.
#include <memory>

#include "nodeos_api/an_ee.h"
#include "pan_ee/node.h"

namespace weft::pan {

namespace {

// Set while the EE runs.
std::unique_ptr<Node> active_node;  // NOLINT: an_ee.h has no place for it

int refuse(an_Domain self, const std::string& why) {
  an_log(self, AN_LOG_ERROR, why.c_str());
  return AN_EINVAL;
}

void say(an_Domain self, const std::string& what) { an_log(self, AN_LOG_INFO, what.c_str()); }

void introduce(an_Domain self, const Node& node) {
  const std::string& reason = node.engine_reason();
  say(self, "active node " + to_text(node.address()) + ", " + std::to_string(node.neighbours().size()) +
                " neighbours, " + std::to_string(node.code().size()) + " code objects, " +
                name(node.engine()) + (reason.empty() ? "" : " (" + reason + ")"));
  if (node.code().empty())
    an_log(self, AN_LOG_WARNING, "there are no code objects, so all capsules are lost");
}

}  // namespace

}  // namespace weft::pan

using namespace weft::pan;

int an_eeInit(an_Domain self, int argc, const char* const* argv) {
  const auto config = read_arguments({argv + 1, size_t(argc) - 1});
  if (!config) return refuse(self, config.error().sentence);
  std::string error;
  active_node = Node::start(*config, self, error);
  if (active_node == nullptr) return refuse(self, error);
  introduce(self, *active_node);
  return AN_OK;
}

void an_eeExit(an_Domain self) {
  const an_DomainStats stats = active_node->stats();
  uint64_t lost = 0;
  for (int reason = 0; reason < AN_DROP_REASONS; ++reason) {
    if (reason != AN_DROP_CONSUMED) lost += stats.dropped[reason];
  }
  say(self, std::to_string(stats.packets_received) + " capsules came in, " +
                std::to_string(stats.packets_sent) + " went on, " + std::to_string(lost) + " were lost");
  active_node.reset();
}
