// SPDX-License-Identifier: Apache-2.0
#include "routes/kernel_forwarding.h"

#include <fstream>

namespace weft {

namespace {

bool forwards(const std::string& family, const std::string& interface) {
  std::ifstream file("/proc/sys/net/" + family + "/conf/" + interface + "/forwarding");
  int value = 0;
  return file >> value && value != 0;
}

}  // namespace

std::optional<std::string> forwarding_conflict(const std::string& interface) {
  std::string settings;
  for (const char* family : {"ipv4", "ipv6"}) {
    if (!forwards(family, interface)) continue;
    settings += (settings.empty() ? "net." : " net.") + (family + (".conf." + interface)) + ".forwarding=0";
  }
  if (settings.empty()) return std::nullopt;
  return interface + ": the kernel forwards here as well, so packets would arrive twice; set " + settings;
}

}  // namespace weft
