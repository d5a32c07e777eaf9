// SPDX-License-Identifier: Apache-2.0
#include "tools/weftd/pan_config.h"

#include <filesystem>

namespace weft {

namespace {

Error no_address(const std::string& text) {
  return {Code::kInvalid, "'" + text + "' is not the address of an active node"};
}

// What came with weftd lies where it lies: as bin/ and share/ do, of an installation and of
// a build.  Empty when it is not there.
std::string code_folder_of_weftd() {
  std::error_code failed;
  const auto weftd = std::filesystem::read_symlink("/proc/self/exe", failed);
  const auto folder = weftd.parent_path().parent_path() / "share" / "weft" / "code";
  return std::filesystem::is_directory(folder, failed) ? folder.string() : "";
}

}  // namespace

Result<pan::NodeConfig> pan_config(const PanConfig& config) {
  pan::NodeConfig result;
  const auto address = pan::parse_address(config.address.value);
  if (!address) return no_address(config.address.value);
  result.address = *address;
  for (const Text& carrier : config.carriers) result.carriers.push_back(carrier.value);
  for (const PanNeighbourConfig& n : config.neighbours) {
    const auto neighbour = pan::parse_address(n.address.value);
    if (!neighbour) return no_address(n.address.value);
    result.neighbours.push_back({*neighbour, n.carrier.value});
  }
  for (const PanRouteConfig& r : config.routes) {
    const auto to = pan::parse_prefix(r.to.value);
    if (!to) return no_address(r.to.value);
    const auto via = pan::parse_address(r.via.value);
    if (!via) return no_address(r.via.value);
    result.routes.push_back({*to, *via});
  }
  result.code_folder = config.code ? config.code->value : code_folder_of_weftd();
  result.engine = config.interpreted ? pan::Engine::kInterpreter : pan::Engine::kJit;
  result.budget = config.budget;
  return result;
}

}  // namespace weft
