// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/beneath.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace weft {

namespace {

constexpr size_t kMaxPath = 4095;  // PATH_MAX counts the end
// How often a path is walked anew because something on it was moved meanwhile.
constexpr int kWalks = 256;

std::string shown(std::string_view path) {
  constexpr size_t kShown = 120;
  return path.size() <= kShown ? std::string(path) : std::string(path.substr(0, kShown)) + "...";
}

bool is_control(char c) { return (c >= 0 && c < ' ') || c == '\x7f'; }

}  // namespace

Error path_error(Code code, std::string_view path, std::string_view text) {
  return {code, shown(path) + ": " + std::string(text)};
}

Error file_error(std::string_view path, int errno_value) {
  const auto error = [&](Code code, const char* text) { return path_error(code, path, text); };
  switch (errno_value) {
    case EXDEV:
      return error(Code::kPermission, "leads out of the folder that is the root here");
    case EROFS:
      return error(Code::kPermission, "lies on a file system that is read only");
    case ELOOP:
      return error(Code::kInvalid, "leads through too many symbolic links, or one of /proc");
    case ENOTDIR:
      return error(Code::kInvalid, "not a directory, or leads through what is none");
    case EISDIR:
      return error(Code::kInvalid, "is a directory");
    case ENAMETOOLONG:
      return error(Code::kInvalid, "a name in it is longer than 255 bytes");
    case ENOTEMPTY:
      return error(Code::kExists, "the directory is not empty");
    case EFBIG:
      return error(Code::kLimit, "no file can be so large here");
    case EAGAIN:
      return error(Code::kIo, "what is on it was moved again and again");
    default:
      return system_error(shown(path), errno_value);
  }
}

Result<void> check_path(std::string_view path) {
  if (path.empty() || path.size() > kMaxPath) return Error{Code::kInvalid, "a path has 1 to 4095 bytes"};
  if (std::ranges::any_of(path, is_control)) {
    return Error{Code::kInvalid, "a path holds no line ends or other control characters"};
  }
  return {};
}

Result<OwnedFd> open_beneath(int root, const std::string& path, int flags, uint32_t mode) {
  if (auto good = check_path(path); !good) return good.error();
  open_how how{};
  how.flags = uint64_t(flags | O_CLOEXEC);
  how.mode = mode;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  for (int walk = 0; walk < kWalks; ++walk) {
    const long fd = ::syscall(SYS_openat2, root, path.c_str(), &how, sizeof how);
    if (fd >= 0) return OwnedFd(int(fd));
    if (errno != EAGAIN && errno != EINTR) break;
  }
  return file_error(path, errno);
}

Result<Entry> entry_beneath(int root, const std::string& path) {
  if (auto good = check_path(path); !good) return good.error();
  const size_t end = path.find_last_not_of('/');
  if (end == std::string::npos) return file_error(path, EXDEV);
  const size_t slash = path.find_last_of('/', end);
  const size_t begin = slash == std::string::npos ? 0 : slash + 1;
  std::string name = path.substr(begin, end + 1 - begin);
  if (name == "." || name == "..") {
    return path_error(Code::kInvalid, path, "its last name is no entry of a directory");
  }
  auto folder = open_beneath(root, begin == 0 ? "." : path.substr(0, begin), O_PATH | O_DIRECTORY);
  if (!folder) return folder.error();
  return Entry{std::move(*folder), std::move(name)};
}

}  // namespace weft
