// SPDX-License-Identifier: Apache-2.0
// Paths that stay beneath a folder, whatever they say and whoever moves what on the way.
//
// The kernel keeps them there (openat2(2), RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS): "..",
// links and what is moved meanwhile may lead anywhere beneath, and nowhere else.  What
// makes or removes a name is done in its folder, which was reached so.
//
// Threads: plain functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/owned_fd.h"
#include "base/result.h"

namespace weft {

// A path: 1 to 4095 bytes, none of them a control character, since names are printed.
// Errors: kInvalid.
Result<void> check_path(std::string_view path);

// Opens `path` beneath `root`; flags as of open(2), O_CLOEXEC is added.
// Errors: kPermission (it leads out), else as file_error().
Result<OwnedFd> open_beneath(int root, const std::string& path, int flags, uint32_t mode = 0);

// The folder of a path's last name, and that name.
struct Entry {
  OwnedFd folder;
  std::string name;
};
// Errors: kInvalid (the last name is "." or ".."), else as open_beneath().
Result<Entry> entry_beneath(int root, const std::string& path);

// "a/b: no such file or directory", with a code that fits files; a long path is cut.
Error file_error(std::string_view path, int errno_value);
Error path_error(Code code, std::string_view path, std::string_view text);

}  // namespace weft
