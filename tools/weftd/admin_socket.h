// SPDX-License-Identifier: Apache-2.0
// A Unix socket that weftd listens at, for the admin protocol or for Snow: where it stands
// in the file system, and who may use it.
//
// Threads: the control thread.
#pragma once

#include <sys/socket.h>
#include <sys/types.h>

#include <string>

#include "base/owned_fd.h"
#include "base/result.h"

namespace weft {

class AdminSocket {
 public:
  // Listens at `path`, for SOCK_STREAM or SOCK_SEQPACKET: mode 0660, group weft where that group exists.  A
  // socket that nobody serves any more is replaced. Errors: kBusy (a live weftd serves it), kExists (it is no
  // socket), kPermission, kIo.
  static Result<AdminSocket> listen(const std::string& path, int type = SOCK_STREAM);
  AdminSocket(AdminSocket&& other) noexcept;
  AdminSocket& operator=(AdminSocket&&) = delete;
  ~AdminSocket();  // takes the path away, if it is still this socket's

  int fd() const { return fd_.get(); }
  // The next client that is allowed in; without an fd when there is none, or it was
  // sent away: only root, this process's user, and members of group weft may.
  OwnedFd accept() const;

 private:
  AdminSocket(OwnedFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
  Result<void> remember_file();

  OwnedFd fd_;
  std::string path_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace weft
