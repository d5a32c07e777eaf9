// SPDX-License-Identifier: Apache-2.0
// Any bytes as the arguments of a PAN node, one on a line.  Must hold:
//   - what is refused is refused with a sentence
//   - what is taken, written as arguments again, says the same
#include <string>
#include <vector>

#include "pan_ee/node_config.h"
#include "tests/fuzz/require.h"

using namespace weft;
using namespace weft::pan;

namespace {

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines(1);
  for (const char c : text) {
    if (c == '\n' || c == '\0') {
      lines.emplace_back();
    } else {
      lines.back() += c;
    }
  }
  return lines;
}

Result<NodeConfig> read(const std::vector<std::string>& lines) {
  std::vector<const char*> arguments;
  for (const std::string& line : lines) arguments.push_back(line.c_str());
  return read_arguments(arguments);
}

// Routes have no text of their own.
std::vector<std::string> write(const NodeConfig& config) {
  std::vector<std::string> lines{"budget " + std::to_string(config.budget),
                                 std::string("engine ") + name(config.engine)};
  if (!config.address.none()) lines.push_back("address " + to_text(config.address));
  for (const NeighbourConfig& n : config.neighbours)
    lines.push_back("neighbour " + to_text(n.address) + " " + n.carrier);
  for (const std::string& carrier : config.carriers) lines.push_back("carrier " + carrier);
  if (!config.code_folder.empty()) lines.push_back("code " + config.code_folder);
  return lines;
}

bool same(const NodeConfig& a, const NodeConfig& b) {
  if (!(a.address == b.address) || a.carriers != b.carriers || a.code_folder != b.code_folder) return false;
  if (a.engine != b.engine || a.budget != b.budget || a.neighbours.size() != b.neighbours.size())
    return false;
  for (size_t i = 0; i < a.neighbours.size(); ++i) {
    if (!(a.neighbours[i].address == b.neighbours[i].address)) return false;
    if (a.neighbours[i].carrier != b.neighbours[i].carrier) return false;
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto config = read(lines_of({reinterpret_cast<const char*>(data), size}));
  if (!config) {
    fuzz::require(!config.error().sentence.empty(), "a refusal says why");
    return 0;
  }
  for (const NeighbourConfig& n : config->neighbours)
    fuzz::require(!n.carrier.empty(), "a neighbour is reached");
  fuzz::require(config->neighbours.empty() || !config->carriers.empty(), "capsules come in");
  for (const RouteConfig& r : config->routes)
    fuzz::require(!r.via.none() && r.to.length <= 128, "a route leads on");
  const auto again = read(write(*config));
  fuzz::require(again && same(*config, *again), "what was taken can be written");
  return 0;
}
