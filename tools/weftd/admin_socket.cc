// SPDX-License-Identifier: Apache-2.0
#include "tools/weftd/admin_socket.h"

#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <vector>

namespace weft {

namespace {

constexpr const char* kGroup = "weft";

// As errors name it.
std::string named(const std::string& path, int type) {
  return (type == SOCK_STREAM ? "control socket " : "snow socket ") + path;
}
Error refuse(Code code, const std::string& socket, std::string_view why) {
  return {code, socket + ": " + std::string(why)};
}

std::optional<gid_t> weft_group() {
  const group* found = ::getgrnam(kGroup);
  if (found == nullptr) return std::nullopt;
  return found->gr_gid;
}

bool in_group(uid_t user, gid_t primary, gid_t wanted) {
  if (primary == wanted) return true;
  const passwd* entry = ::getpwuid(user);
  if (entry == nullptr) return false;
  std::vector<gid_t> groups(64);
  int count = int(groups.size());
  if (::getgrouplist(entry->pw_name, entry->pw_gid, groups.data(), &count) < 0) {
    groups.resize(size_t(std::max(count, 1)));
    count = int(groups.size());
    if (::getgrouplist(entry->pw_name, entry->pw_gid, groups.data(), &count) < 0) return false;
  }
  return std::find(groups.begin(), groups.begin() + count, wanted) != groups.begin() + count;
}

bool may_use(int client) {
  ucred peer{};
  socklen_t length = sizeof peer;
  if (::getsockopt(client, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return false;
  if (peer.uid == 0 || peer.uid == ::geteuid()) return true;
  const auto group = weft_group();
  return group && in_group(peer.uid, peer.gid, *group);
}

// Takes a socket away that nobody serves any more.
Result<void> clear(const std::string& path, int type, const sockaddr_un& address) {
  struct stat file {};
  if (::lstat(path.c_str(), &file) != 0) {
    return errno == ENOENT ? Result<void>() : Result<void>(system_error(named(path, type), errno));
  }
  if (!S_ISSOCK(file.st_mode))
    return refuse(Code::kExists, named(path, type), "stands there already and is no socket");
  OwnedFd probe(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ||
      errno == EAGAIN) {
    return refuse(Code::kBusy, named(path, type), "another weftd uses it");
  }
  if (errno == EPROTOTYPE)
    return refuse(Code::kBusy, named(path, type), "another kind of socket is served there");
  if (errno != ECONNREFUSED) return system_error(named(path, type), errno);
  if (::unlink(path.c_str()) != 0) return system_error(named(path, type), errno);
  return {};
}

}  // namespace

Result<AdminSocket> AdminSocket::listen(const std::string& path, int type) {
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return refuse(Code::kInvalid, named(path, type), "a path of 1 to 107 bytes was expected");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  const auto parent = std::filesystem::path(path).parent_path();
  std::error_code failed;
  if (!parent.empty()) std::filesystem::create_directory(parent, failed);
  if (auto cleared = clear(path, type, address); !cleared) return cleared.error();

  OwnedFd fd(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return system_error(named(path, type), errno);
  const mode_t mask = ::umask(0117);
  const int bound = ::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
  const int error = errno;
  ::umask(mask);
  if (bound != 0 && error == ENOENT && failed)
    return refuse(Code::kIo, named(path, type), "its folder cannot be made: " + failed.message());
  if (bound != 0) return system_error(named(path, type), error);
  AdminSocket socket(std::move(fd), path);
  if (auto known = socket.remember_file(); !known) return known.error();
  const auto group = weft_group();
  if (group && ::chown(path.c_str(), uid_t(-1), *group) != 0 && errno != EPERM)
    return system_error(named(path, type), errno);
  if (::listen(socket.fd(), 16) != 0) return system_error(named(path, type), errno);
  return socket;
}

AdminSocket::AdminSocket(AdminSocket&& other) noexcept
    : fd_(std::move(other.fd_)),
      path_(std::move(other.path_)),
      device_(other.device_),
      inode_(other.inode_) {}

Result<void> AdminSocket::remember_file() {
  struct stat file {};
  if (::lstat(path_.c_str(), &file) != 0) return system_error("socket " + path_, errno);
  device_ = file.st_dev;
  inode_ = file.st_ino;
  return {};
}

AdminSocket::~AdminSocket() {
  struct stat file {};
  if (!fd_ || ::lstat(path_.c_str(), &file) != 0) return;
  if (file.st_dev == device_ && file.st_ino == inode_) ::unlink(path_.c_str());
}

OwnedFd AdminSocket::accept() const {
  OwnedFd client(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (client && !may_use(client.get())) client.reset();
  return client;
}

}  // namespace weft
