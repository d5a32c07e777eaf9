// SPDX-License-Identifier: Apache-2.0
// FileSpaces: the folder that the files of a node's EEs lie in: a space for each, in a folder of
// its name, so that none sees another's.
//
// Threads: the control thread; the spaces as file_space.h says.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "nodeos_api/file_space.h"

namespace weft {

class FileSpaces {
 public:
  // `root` is made where it is missing, if its parent is there, and is this object's alone.
  // Errors: kBusy (another node has it), else as FileSpace::open().
  static Result<std::unique_ptr<FileSpaces>> open(const std::string& root);

  // The space in the folder of that name, opened with that quota the first time.  It lives as long
  // as this.
  // Errors: as FileSpace::open().
  Result<FileSpace*> space(const std::string& name, const FileQuota& quota);

  const std::string& root() const { return root_; }
  size_t size() const { return spaces_.size(); }

 private:
  FileSpaces(std::string root, OwnedFd fd) : root_(std::move(root)), fd_(std::move(fd)) {}

  const std::string root_;
  const OwnedFd fd_;  // locked
  std::map<std::string, std::unique_ptr<FileSpace>> spaces_;
};

}  // namespace weft
