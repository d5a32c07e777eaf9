// SPDX-License-Identifier: Apache-2.0
#include "tools/weftd/admin_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

namespace weft {
namespace {

using admin::Json;
using ::testing::HasSubstr;

// A stream that says as much as it is let.
class Flood final : public AdminStream {
 public:
  Flood(uint64_t& lost, bool& gone) : lost_(lost), gone_(gone) {}
  ~Flood() override { gone_ = true; }
  bool pump(AdminSession& session) override {
    for (int i = 0; i < 1000; ++i) {
      if (session.congested()) {
        ++lost_;
      } else {
        session.send({{"n", i}, {"text", std::string(1000, 'x')}});
      }
    }
    return true;
  }

 private:
  uint64_t& lost_;
  bool& gone_;
};

class AdminServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(loop_.open());
    auto socket = AdminSocket::listen(path_);
    ASSERT_TRUE(socket) << socket.error().sentence;
    server_ = std::make_unique<AdminServer>(std::move(*socket), loop_,
                                            [this](AdminSession& s, const Json& r) { answer(s, r); });
  }

  void answer(AdminSession& session, const Json& request) {
    ++requests_;
    if (request["do"] == "flood") {
      session.send(admin::ok({}));
      session.start(std::make_unique<Flood>(lost_, flood_gone_));
    } else if (request["do"] == "big") {
      session.send(admin::ok({{"text", std::string(1 << 20, 'b')}}));
    } else {
      session.send(admin::ok({{"echo", request["do"]}}));
    }
  }

  OwnedFd connect() {
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    path_.copy(address.sun_path, path_.size());
    OwnedFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
    EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    return fd;
  }

  // Turns the loop, at least so often, with a tick so that it cannot block.
  void turn(int times = 20) {
    const uint32_t tick = loop_.every(1'000'000, [] {});
    for (int i = 0; i < times; ++i) loop_.turn();
    loop_.forget_tick(tick);
  }

  static void send(const OwnedFd& fd, std::string_view text) {
    ASSERT_EQ(::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL), ssize_t(text.size()));
  }
  // All that the server has sent so far; "(closed)" at its end when it hung up.
  static std::string received(const OwnedFd& fd) {
    std::string text;
    char buffer[65536];
    for (;;) {
      const ssize_t n = ::recv(fd.get(), buffer, sizeof buffer, 0);
      if (n < 0) return text;
      if (n == 0) return text + "(closed)";
      text.append(buffer, size_t(n));
    }
  }

  SystemClock clock_;
  ControlLoop loop_{clock_};
  std::string path_ = "/tmp/weft-admin-test-" + std::to_string(::getpid()) + ".sock";
  std::unique_ptr<AdminServer> server_;
  int requests_ = 0;
  uint64_t lost_ = 0;
  bool flood_gone_ = false;
};

TEST_F(AdminServerTest, GreetsAndAnswersInOrder) {
  const OwnedFd client = connect();
  send(client, "{\"v\":1,\"do\":\"a\"}\n{\"v\":1,\"do\":\"b\"}\n");
  turn();
  EXPECT_EQ(
      received(client),
      "{\"hello\":\"weftd\",\"version\":\"" WEFT_VERSION
      "\",\"v\":[1,1]}\n"
      "{\"v\":1,\"ok\":true,\"data\":{\"echo\":\"a\"}}\n{\"v\":1,\"ok\":true,\"data\":{\"echo\":\"b\"}}\n");
}

TEST_F(AdminServerTest, AnswersAClientThatHasShutDownItsSide) {
  const OwnedFd client = connect();
  send(client, "{\"v\":1,\"do\":\"a\"}\n");
  ::shutdown(client.get(), SHUT_WR);
  turn();
  const std::string all = received(client);
  EXPECT_THAT(all, HasSubstr("\"echo\":\"a\""));
  EXPECT_THAT(all, HasSubstr("(closed)"));
}

TEST_F(AdminServerTest, NonsenseIsAnsweredAndTheSessionGoesOn) {
  const OwnedFd client = connect();
  send(client, "hello?\n\n{\"v\":2,\"do\":\"a\"}\n{\"v\":1,\"do\":\"c\"}\n");
  turn();
  const std::string all = received(client);
  EXPECT_THAT(all, HasSubstr("the request is not JSON"));
  EXPECT_THAT(all, HasSubstr("this weftd speaks version 1, not 2"));
  EXPECT_THAT(all, HasSubstr("\"echo\":\"c\""));
}

TEST_F(AdminServerTest, ARequestWithoutEndIsCutOff) {
  const OwnedFd client = connect();
  turn(5);
  const std::string piece(16 * 1024, 'x');
  for (int i = 0; i < 8; ++i) {
    ::send(client.get(), piece.data(), piece.size(), MSG_NOSIGNAL);
    turn(5);
  }
  // What it sent behind the end is unread, so it may see a reset in place of the answer.
  EXPECT_EQ(requests_, 0);
  pollfd hung{.fd = client.get(), .events = POLLIN, .revents = 0};
  ::poll(&hung, 1, 0);
  EXPECT_NE(hung.revents & POLLHUP, 0);
}

TEST_F(AdminServerTest, AClientThatDoesNotReadIsNotServedOn) {
  const OwnedFd client = connect();
  for (int i = 0; i < 10; ++i) send(client, "{\"v\":1,\"do\":\"big\"}\n");
  turn();
  EXPECT_LE(requests_, 2);
  // Others are.
  const OwnedFd other = connect();
  send(other, "{\"v\":1,\"do\":\"a\"}\n");
  turn();
  EXPECT_THAT(received(other), HasSubstr("\"echo\":\"a\""));
  // And it goes on once the client reads.
  for (int i = 0; i < 100000 && requests_ < 11; ++i) {
    received(client);
    turn(1);
  }
  EXPECT_EQ(requests_, 11);
}

TEST_F(AdminServerTest, ASlowReaderOfAStreamLosesRecords) {
  const OwnedFd client = connect();
  send(client, "{\"v\":1,\"do\":\"flood\"}\n");
  for (int i = 0; i < 100 && lost_ < 3000; ++i) turn(5);
  EXPECT_GE(lost_, 3000u);
  EXPECT_LT(received(client).size(), 1u << 20);
}

TEST_F(AdminServerTest, AStreamEndsWithItsClient) {
  OwnedFd client = connect();
  send(client, "{\"v\":1,\"do\":\"flood\"}\n");
  turn();
  EXPECT_FALSE(flood_gone_);
  client.reset();
  for (int i = 0; i < 100 && !flood_gone_; ++i) turn(5);
  EXPECT_TRUE(flood_gone_);
}

TEST_F(AdminServerTest, TooManyClientsAreSentAway) {
  std::vector<OwnedFd> clients;
  for (size_t i = 0; i <= AdminServer::kMaxSessions; ++i) {
    clients.push_back(connect());
    turn(2);
  }
  EXPECT_EQ(received(clients.back()), "(closed)");
  EXPECT_THAT(received(clients.front()), HasSubstr("hello"));
}

TEST_F(AdminServerTest, TheSocketIsForItsGroupOnlyAndGoesAway) {
  struct stat file {};
  ASSERT_EQ(::stat(path_.c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0660u);
  server_.reset();
  EXPECT_NE(::stat(path_.c_str(), &file), 0);
}

TEST_F(AdminServerTest, ALiveSocketIsLeftAlone) {
  const auto second = AdminSocket::listen(path_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().sentence, "control socket " + path_ + ": another weftd uses it");
}

TEST(AdminSocket, AStaleSocketIsReplacedAndAFileIsNot) {
  const std::string path = ::testing::TempDir() + "weft-stale-" + std::to_string(::getpid());
  {
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    path.copy(address.sun_path, path.size());
    const OwnedFd dead(::socket(AF_UNIX, SOCK_STREAM, 0));
    ASSERT_EQ(::bind(dead.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  EXPECT_TRUE(AdminSocket::listen(path));
  std::ofstream(path) << "precious";
  const auto refused = AdminSocket::listen(path);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().sentence, HasSubstr("stands there already and is no socket"));
  EXPECT_EQ(::unlink(path.c_str()), 0);
}

TEST(AdminSocket, OthersAreSentAway) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to become somebody else";
  const std::string path = "/tmp/weft-other-" + std::to_string(::getpid());
  const auto socket = AdminSocket::listen(path);
  ASSERT_TRUE(socket) << socket.error().sentence;
  ASSERT_EQ(::chmod(path.c_str(), 0666), 0);  // so that only the credentials stand in the way
  const pid_t child = ::fork();
  if (child == 0) {
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    path.copy(address.sun_path, path.size());
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    if (::setgid(65534) != 0 || ::setuid(65534) != 0) ::_exit(3);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) ::_exit(2);
    char byte;
    ::_exit(::recv(fd, &byte, 1, 0) == 0 ? 0 : 1);
  }
  pollfd wait{.fd = socket->fd(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(::poll(&wait, 1, 10'000), 1);
  EXPECT_FALSE(socket->accept());
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace weft
