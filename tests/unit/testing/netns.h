// SPDX-License-Identifier: Apache-2.0
// Netns: a network namespace for a test, gone with the object.
//
// It has no name and is held by a descriptor, so nothing stays behind when the
// test dies.  A socket keeps the namespace that it was made in.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>

#include "base/owned_fd.h"

namespace weft::testing {

class Netns {
 public:
  // Null when the system does not permit it: then skip with kWhyNot.
  static std::unique_ptr<Netns> create() {
    auto made = std::make_unique<Netns>();
    int error = made->unshare_in_thread();
    if (error == EPERM && ::unshare(CLONE_NEWUSER) == 0) error = made->unshare_in_thread();
    if (error != 0) return nullptr;
    made->ip("link set lo up");
    return made;
  }
  static constexpr const char* kWhyNot = "this user may not create network namespaces";

  // Runs `f` in a thread of the namespace, to its end.
  template <typename F>
  void run(F f) const {
    std::thread([&] {
      ASSERT_EQ(::setns(fd_.get(), CLONE_NEWNET), 0);
      f();
    }).join();
  }
  // ip(8) with these words.
  void ip(const std::string& words) const { command("ip " + words); }
  void command(const std::string& line) const {
    run([&] { EXPECT_EQ(std::system(line.c_str()), 0) << line; });
  }
  // For `ip link ... netns PATH`.
  std::string path() const {
    return "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(fd_.get());
  }

 private:
  int unshare_in_thread() {
    int error = 0;
    std::thread([&] {
      if (::unshare(CLONE_NEWNET) != 0) {
        error = errno;
        return;
      }
      fd_ = OwnedFd(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
      if (!fd_) error = errno;
    }).join();
    return error;
  }

  OwnedFd fd_;
};

// A pair of veths: `near` here, `far` in `there`; both up, with no traffic of their own.
inline void add_veth(const Netns& here, const std::string& near, const Netns& there, const std::string& far,
                     int mtu = 1500) {
  const std::string with_mtu = " mtu " + std::to_string(mtu);
  here.ip("link add " + near + with_mtu + " type veth peer name " + far + with_mtu + " netns " +
          there.path());
  here.ip("link set " + near + " addrgenmode none up");
  there.ip("link set " + far + " addrgenmode none up");
}

}  // namespace weft::testing
