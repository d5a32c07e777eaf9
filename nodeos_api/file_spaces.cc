// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/file_spaces.h"

namespace weft {

Result<std::unique_ptr<FileSpaces>> FileSpaces::open(const std::string& root) {
  auto fd = FileSpace::take_folder(root);
  if (!fd) return fd.error();
  return std::unique_ptr<FileSpaces>(new FileSpaces(root, *std::move(fd)));
}

Result<FileSpace*> FileSpaces::space(const std::string& name, const FileQuota& quota) {
  auto& space = spaces_[name];
  if (space == nullptr) {
    auto opened = FileSpace::open(root_ + "/" + name, quota);
    if (!opened) return opened.error();
    space = *std::move(opened);
  }
  return space.get();
}

}  // namespace weft
