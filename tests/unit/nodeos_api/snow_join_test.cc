// SPDX-License-Identifier: Apache-2.0
// How a process joins a node, and is refused: against a node that is nothing but its answer.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdlib>
#include <thread>

#include "base/owned_fd.h"
#include "nodeos_api/an_snow.h"
#include "nodeos_api/errors.h"
#include "nodeos_api/snow/wire.h"

namespace weft::snow {
namespace {

// What an_snowConnect() makes of a node that answers the greeting so.  `says` null: it hangs up.
int refused_with(int status, const char* says) {
  int ends[2];
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
  ::setenv(AN_SNOW_FD, std::to_string(ends[0]).c_str(), 1);
  std::thread node([status, says, socket = OwnedFd(ends[1])] {
    struct {
      Header header;
      Hello hello;
    } greeting{};
    ASSERT_EQ(::recv(socket.get(), &greeting, sizeof greeting, 0), ssize_t(sizeof greeting));
    EXPECT_EQ(greeting.hello.magic, kMagic);
    if (says == nullptr) return;
    const std::string text = says;
    const Header header{uint32_t(sizeof header + text.size()), greeting.header.call, Kind::kReply,
                        greeting.header.sequence, status};
    std::string reply(reinterpret_cast<const char*>(&header), sizeof header);
    reply += text;
    EXPECT_EQ(::send(socket.get(), reply.data(), reply.size(), MSG_NOSIGNAL), ssize_t(reply.size()));
  });
  const int result = an_snowConnect(nullptr);
  node.join();
  EXPECT_EQ(std::getenv(AN_SNOW_FD), nullptr) << "it was handed down for one attempt";
  EXPECT_EQ(result, an_errno());
  EXPECT_EQ(an_snowFd(), -1);
  return result;
}

TEST(SnowJoin, WhatTheNodeRefusesWithIsTold) {
  for (const int status : {AN_ENOSYS, AN_EADMIT, AN_ELIMIT, AN_EPERM, AN_EINVAL, AN_ENOMEM}) {
    EXPECT_EQ(refused_with(status, "this node has its reason"), status);
    EXPECT_STREQ(an_errtext(), "Snow: this node has its reason");
  }
}

TEST(SnowJoin, WhoGoesWithoutAWordHasRefusedNothing) {
  EXPECT_EQ(refused_with(AN_OK, nullptr), AN_EIO);
  EXPECT_EQ(refused_with(AN_EQFULL, "no node says this"), AN_EIO);
}

TEST(SnowJoin, EveryKindOfFailureHasItsStatusBack) {
  for (const Code code : {Code::kInvalid, Code::kNoMemory, Code::kPermission, Code::kAdmission,
                          Code::kNotFound, Code::kLimit, Code::kDead, Code::kIo, Code::kUnsupported}) {
    EXPECT_EQ(to_code(to_status(code)), code);
  }
}

}  // namespace
}  // namespace weft::snow
