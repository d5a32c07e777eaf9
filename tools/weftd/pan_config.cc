// SPDX-License-Identifier: Apache-2.0
#include "tools/weftd/pan_config.h"

#include <filesystem>

namespace weft {

namespace {

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
  const auto address = pan::read_address(config.address.value);
  if (!address) return address.error();
  result.address = *address;
  for (const Text& carrier : config.carriers) result.carriers.push_back(carrier.value);
  for (const PanNeighbourConfig& n : config.neighbours) {
    const auto neighbour = pan::read_neighbour(n.address.value, n.carrier.value);
    if (!neighbour) return neighbour.error();
    result.neighbours.push_back(*neighbour);
  }
  for (const PanRouteConfig& r : config.routes) {
    const auto route = pan::read_route(r.to.value, r.via.value);
    if (!route) return route.error();
    result.routes.push_back(*route);
  }
  result.code_folder = config.code ? config.code->value : code_folder_of_weftd();
  result.engine = config.interpreted ? pan::Engine::kInterpreter : pan::Engine::kJit;
  result.budget = config.budget;
  return result;
}

}  // namespace weft
