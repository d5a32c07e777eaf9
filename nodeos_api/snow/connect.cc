// SPDX-License-Identifier: Apache-2.0
// an_snow.h: the process's one node.
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>

#include "nodeos_api/an_snow.h"
#include "nodeos_api/snow/snow_node.h"

namespace weft::snow {

namespace {

std::unique_ptr<SnowNode> joined;
bool spin = false;

// The socket that was handed down; none if the variable holds no number.
OwnedFd handed_down() {
  const char* text = std::getenv(AN_SNOW_FD);
  if (text == nullptr) return OwnedFd();
  int fd = -1;
  const char* const end = text + std::strlen(text);
  if (auto [stop, error] = std::from_chars(text, end, fd); error != std::errc() || stop != end || fd < 0) {
    return OwnedFd();
  }
  ::unsetenv(AN_SNOW_FD);  // it is ours alone
  return OwnedFd(fd);
}

Result<OwnedFd> connect_to(const std::string& path) {
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return Error{Code::kInvalid, "a socket's path has 1 to 107 bytes"};
  }
  path.copy(address.sun_path, path.size());
  OwnedFd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!fd) return system_error("Snow", errno);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  Error error = system_error("Snow: " + path, errno);
  if (errno == ENOENT || errno == ECONNREFUSED) error.code = Code::kNotFound;
  if (errno == EACCES) error.code = Code::kPermission;
  return error;
}

Result<OwnedFd> find_node(const char* path) {
  if (path != nullptr) return connect_to(path);
  if (OwnedFd fd = handed_down()) return fd;
  return connect_to(AN_SNOW_PATH);
}

SnowNode* mine() {
  if (joined == nullptr) {
    fail(AN_EINVAL, "this process is not joined to a node");
  } else if (joined->allows_control()) {
    return joined.get();
  }
  return nullptr;
}

}  // namespace

}  // namespace weft::snow

using namespace weft;
using namespace weft::snow;

extern "C" {

int an_snowConnect(const char* path) {
  if (joined != nullptr) return fail(AN_EEXIST, "this process is joined to a node already");
  auto socket = find_node(path);
  if (!socket) return fail(socket.error());
  auto node = SnowNode::join(std::move(*socket), {.spin = spin});
  if (!node) return fail(node.error());
  joined = std::move(*node);
  return AN_OK;
}

void an_snowSpin(int wanted) { spin = wanted != 0; }

int an_snowRun(int timeout_ms) {
  SnowNode* node = mine();
  if (node == nullptr) return an_errno();
  return node->listen(timeout_ms) ? AN_OK : fail(AN_EDEAD, "the node is gone");
}

int an_snowFd(void) { return joined != nullptr ? joined->fd() : -1; }

int an_snowDisconnect(void) {
  if (mine() == nullptr) return an_errno();
  joined.reset();
  return AN_OK;
}

}  // extern "C"
