// SPDX-License-Identifier: Apache-2.0
#include "isolation/visible.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

namespace weft::isolation {

namespace {

bool is_folder(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

}  // namespace

std::vector<Visible> visible_to(const std::string& program, const std::string& libraries,
                                const std::vector<std::string>& readable) {
  std::vector<Visible> all = {
      {"/usr", Visible::kRun, true},
      {"/lib", Visible::kRun, true},
      {"/lib64", Visible::kRun, true},
      {"/etc/ld.so.cache", Visible::kRead, false},
      {"/dev/null", Visible::kDevice, false},
      {"/dev/zero", Visible::kDevice, false},
      {"/dev/urandom", Visible::kDevice, false},
  };
  const auto add = [&](const Visible& wanted) {
    const bool there_already = std::ranges::any_of(
        all, [&](const Visible& v) { return v.folder && wanted.path.starts_with(v.path + "/"); });
    if (!wanted.path.empty() && !there_already) all.push_back(wanted);
  };
  add({libraries, Visible::kRun, true});
  add({program, Visible::kRun, false});
  std::error_code failed;  // then it is not there, and its start will say so
  if (const auto real = std::filesystem::canonical(program, failed).string(); !failed && real != program)
    add({real, Visible::kRun, false});
  for (const std::string& path : readable) add({path, Visible::kRead, is_folder(path)});
  std::erase_if(all, [](const Visible& v) {
    struct stat status {};
    return ::stat(v.path.c_str(), &status) != 0 || S_ISDIR(status.st_mode) != v.folder;
  });
  return all;
}

}  // namespace weft::isolation
