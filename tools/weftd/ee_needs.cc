// SPDX-License-Identifier: Apache-2.0
#include "tools/weftd/ee_needs.h"

#include <sys/stat.h>

#include <cerrno>

#include "base/result.h"
#include "isolation/identity.h"

namespace weft {

namespace {

Result<void> find_code(const std::string& path, bool program) {
  struct stat is;
  if (::stat(path.c_str(), &is) != 0) return system_error(path, errno);
  if (!S_ISREG(is.st_mode)) return Error{Code::kInvalid, path + " is no file"};
  if (program && (is.st_mode & 0111) == 0) return Error{Code::kPermission, path + " may not be executed"};
  return {};
}

}  // namespace

std::vector<ConfigError> missing_needs(const std::vector<EeConfig>& ees) {
  ConfigErrors missing;
  for (const EeConfig& ee : ees) {
    const Text& code = ee.command.front();
    if (auto found = find_code(code.value, ee.own_process); !found)
      missing.add(code.at, found.error().sentence);
    if (!ee.user) continue;
    isolation::Fences ignored;  // said when it starts
    if (auto who = isolation::find_identity(ee.user->value, ignored); !who)
      missing.add(ee.user->at, who.error().sentence);
  }
  return missing.take();
}

}  // namespace weft
