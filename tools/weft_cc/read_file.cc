// SPDX-License-Identifier: Apache-2.0
#include "tools/weft_cc/read_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/owned_fd.h"

namespace weft::cc {

constexpr size_t kMaxFile = 64 << 20;

Result<std::vector<uint8_t>> read_file(const std::string& file, const std::string& name) {
  const OwnedFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return system_error("open " + name, errno);
  std::vector<uint8_t> all;
  std::array<uint8_t, 65536> part{};
  for (ssize_t n; (n = ::read(fd.get(), part.data(), part.size())) != 0;) {
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error("read " + name, errno);
    all.insert(all.end(), part.data(), part.data() + n);
    if (all.size() > kMaxFile) return Error{Code::kLimit, name + " is larger than 64 MiB"};
  }
  return all;
}

}  // namespace weft::cc
