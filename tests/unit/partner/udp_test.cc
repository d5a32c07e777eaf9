// SPDX-License-Identifier: Apache-2.0
#include "partner/udp.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <unistd.h>

#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/unit/testing/allocations.h"
#include "tests/unit/testing/frames.h"

namespace weft {
namespace {

TEST(UdpAddressTest, ReadsWhatItWrites) {
  for (const char* text :
       {"127.0.0.1:4000", "[::1]:7", "[2001:db8::1]:65535", "[fe80::1%1]:9", "0.0.0.0:0"}) {
    const auto address = parse_udp_address(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(to_text(*address), text);
  }
  EXPECT_EQ(to_text(*parse_udp_address("[fe80::1%lo]:9")), "[fe80::1%1]:9");
}

TEST(UdpAddressTest, RefusesTheRest) {
  for (const char* text :
       {"", ":", "1.2.3.4", "1.2.3:4", "1.2.3.4:", "1.2.3.4:65536", "1.2.3.4:-1", "1.2.3.4:+1", "1.2.3.4:1x",
        "::1:80", "[::1]", "[::1:80", "[::1%nodev]:80", "host:80", "[]:1", "[1.2.3.4]:1", " 1.2.3.4:1"}) {
    const auto address = parse_udp_address(text);
    ASSERT_FALSE(address) << text;
    EXPECT_TRUE(address.error().sentence.starts_with("'" + std::string(text) + "': "));
  }
}

constexpr const char* kAnyPort = "127.0.0.1:0";

// A plain socket: a port to hold, a stranger, a remote that answers by hand.
class Socket {
 public:
  explicit Socket(const char* local = kAnyPort) {
    address_ = *parse_udp_address(local);
    fd_ = OwnedFd(::socket(address_.family(), SOCK_DGRAM | SOCK_NONBLOCK, 0));
    EXPECT_EQ(::bind(fd_.get(), address_.get(), address_.length), 0);
    ::getsockname(fd_.get(), address_.get(), &address_.length);
  }
  std::string text() const { return to_text(address_); }
  // From now on; to others it is as if nobody were here.
  void hear_only(const std::string& remote) {
    const auto address = *parse_udp_address(remote);
    EXPECT_EQ(::connect(fd(), address.get(), address.length), 0);
  }
  int fd() const { return fd_.get(); }
  void send(const std::string& to, const std::string& bytes) {
    const auto address = *parse_udp_address(to);
    EXPECT_EQ(::sendto(fd(), bytes.data(), bytes.size(), 0, address.get(), address.length),
              ssize_t(bytes.size()));
  }
  std::string receive() {
    std::string b(70000, '\0');
    pollfd wait{.fd = fd(), .events = POLLIN, .revents = 0};
    ::poll(&wait, 1, 1000);
    b.resize(size_t(std::max<ssize_t>(0, ::recv(fd(), b.data(), b.size(), 0))));
    return b;
  }

 private:
  UdpAddress address_;
  OwnedFd fd_;
};

class UdpTest : public ::testing::Test {
 protected:
  void TearDown() override {
    v_.clear();
    for (auto* udp : {a_.get(), b_.get()}) {
      if (udp != nullptr && udp->control({0}, InfoRequest{})) udp->close({0});
    }
    EXPECT_EQ(pool_->in_use(), 0u);
  }

  Result<std::unique_ptr<UdpPartner>> try_open(const UdpPartner::Options& options) {
    auto made = UdpPartner::create(options, *pool_);
    if (!made) return made.error();
    if (auto opened = (*made)->open("", nullptr, {}); !opened) return opened.error();
    return made;
  }
  std::unique_ptr<UdpPartner> open(const UdpPartner::Options& options) {
    auto opened = try_open(options);
    if (!opened) throw std::runtime_error(opened.error().sentence);
    return *std::move(opened);
  }
  // a_ and b_, joined.  Each must know the other's port before that is bound, and b_'s is
  // free only until another process of this machine takes it: then another will do.
  void connect(UdpPartner::Options options, const char* local = kAnyPort) {
    for (int attempts = 0;; ++attempts) {
      const std::string of_b = Socket(local).text();
      options.local = local, options.remote = of_b;
      a_ = open(options);
      options.local = of_b, options.remote = local_of(*a_);
      auto opened = try_open(options);
      if (!opened && opened.error().sentence.ends_with("Address already in use") && attempts < 20) continue;
      if (!opened) throw std::runtime_error(opened.error().sentence);
      b_ = *std::move(opened);
      return;
    }
  }
  std::string refusal(const UdpPartner::Options& options) {
    auto opened = try_open(options);
    return opened ? "opened" : opened.error().sentence;
  }
  // The address and port that it has.
  static std::string local_of(UdpPartner& udp) {
    const std::string device = info(udp, {0})->device;
    return device.substr(0, device.find(' '));
  }
  void add(size_t n, size_t seg = 1920) {
    testing::Bytes bytes(n);
    for (size_t i = 0; i < n; ++i) bytes[i] = uint8_t(next_ + i);
    ++next_;
    sent_.emplace_back(bytes.begin(), bytes.end());
    v_.push_back(testing::chain(*pool_, bytes, seg));
  }
  // All that `udp` gives within the time that packets need on loopback.
  std::vector<std::string> pull(UdpPartner& udp, size_t max = 64) {
    std::vector<std::string> got;
    for (;;) {
      Pvec v;
      udp.pull({0}, v, max);
      if (v.empty()) return got;
      for (const Packet* p : v) got.push_back(content(*p));
      v.clear();
    }
  }
  static std::string content(const Packet& p) {
    std::string b;
    for (const Packet* s = &p; s != nullptr; s = s->next) b.append(s->data, s->data + s->length);
    return b;
  }
  const PartnerStats& counters(UdpPartner& udp) { return **stats(udp, {0}); }

  std::unique_ptr<Pool> pool_ = *Pool::create({.packets = 2048, .pages = PageKind::k4K});
  std::unique_ptr<UdpPartner> a_, b_;
  Pvec v_;
  std::vector<std::string> sent_;
  size_t next_ = 1;
};

struct Way {
  const char* local;
  bool segments;
};

class UdpWays : public UdpTest, public ::testing::WithParamInterface<Way> {};

TEST_P(UdpWays, CarriesPacketsOfAllSizesInOrder) {
  connect({.mtu = 9000, .segments = GetParam().segments}, GetParam().local);
  std::mt19937 random(5);
  std::vector<std::string> got;
  for (int round = 0; round < 30; ++round) {
    const size_t size = 1 + random() % 2500;
    for (int i = 0; i < 64; ++i) {
      const bool jumbo = random() % 40 == 0;
      add(jumbo ? 9000 : random() % 3 == 0 ? 1 + random() % 1900 : size, 300 + random() % 1620);
      if (i % 8 == 0) {  // neighbours of equal length, then a shorter one
        for (int k = 0; k < 5 && !v_.full(); ++k) add(k == 4 ? size / 2 + 1 : size), ++i;
      }
    }
    while (!v_.empty()) a_->push({0}, v_);
    for (std::string& s : pull(*b_, 1 + random() % 64)) got.push_back(std::move(s));
  }
  ASSERT_EQ(got.size(), sent_.size());
  for (size_t i = 0; i < got.size(); ++i) ASSERT_TRUE(got[i] == sent_[i]) << "packet " << i;
  EXPECT_EQ(counters(*a_).tx_packets.value(), sent_.size());
  EXPECT_EQ(counters(*b_).rx_packets.value(), sent_.size());
  EXPECT_EQ(counters(*a_).tx_bytes.value(), counters(*b_).rx_bytes.value());
  EXPECT_EQ(counters(*a_).drops.total() + counters(*b_).drops.total(), 0u);
}

TEST_P(UdpWays, AllocatesAndCopiesNothing) {
  connect({.segments = GetParam().segments}, GetParam().local);
  for (int i = 0; i < 64; ++i) add(1400);
  const uint64_t copied = pool_->bytes_copied();
  const uint64_t before = weft::testing::allocations();
  for (int i = 0; i < 50; ++i) {
    a_->push({0}, v_);
    EXPECT_TRUE(v_.empty());
    b_->pull({0}, v_, 64);
    EXPECT_EQ(v_.size(), 64u);
    b_->push({0}, v_);
    a_->pull({0}, v_, 64);
    EXPECT_EQ(v_.size(), 64u);
  }
  EXPECT_EQ(weft::testing::allocations(), before);
  EXPECT_EQ(pool_->bytes_copied(), copied);
}

TEST_P(UdpWays, TellsOfARemoteThatIsNotThereAndGoesOn) {
  Socket remote(GetParam().local), stranger(GetParam().local);
  remote.hear_only(stranger.text());
  a_ = open({.local = GetParam().local, .remote = remote.text(), .segments = GetParam().segments});
  for (int i = 0; i < 10; ++i) {
    add(100);
    add(100);
    a_->push({0}, v_);
    EXPECT_TRUE(v_.empty());
  }
  const PartnerStats& s = counters(*a_);
  EXPECT_EQ(s.tx_packets.value() + s.drops[DropReason::kPartnerDown], 20u);
  EXPECT_GT(s.drops[DropReason::kPartnerDown], 0u);
  remote.hear_only(local_of(*a_));
  add(100), add(100);
  a_->push({0}, v_);  // one of them may still pay for what came before
  EXPECT_EQ(remote.receive().size(), 100u);
  sent_.clear();
  add(99), add(98);
  a_->push({0}, v_);
  std::string next = remote.receive();
  if (next.size() == 100) next = remote.receive();
  EXPECT_EQ(next, sent_[0]);
  EXPECT_EQ(remote.receive(), sent_[1]);
}

INSTANTIATE_TEST_SUITE_P(All, UdpWays,
                         ::testing::Values(Way{"127.0.0.1:0", false}, Way{"127.0.0.1:0", true},
                                           Way{"[::1]:0", false}, Way{"[::1]:0", true}));

TEST_F(UdpTest, SaysWhatItIs) {
  a_ = open({.local = kAnyPort, .remote = "127.0.0.1:9", .link = Link::kEthernet, .mtu = 1300});
  const auto i = info(*a_, {0});
  UdpAddress bound = *parse_udp_address(kAnyPort);
  ASSERT_EQ(::getsockname(i->poll_fd, bound.get(), &bound.length), 0);
  EXPECT_EQ(i->driver, "udp");
  EXPECT_EQ(i->device, to_text(bound) + " -> 127.0.0.1:9");
  EXPECT_EQ(i->mode, "recvmmsg with UDP_GRO, sendmmsg with UDP_SEGMENT");
  EXPECT_EQ(i->reason, "");
  EXPECT_EQ(i->link, Link::kEthernet);
  EXPECT_EQ(i->mac[0], 0x02);
  EXPECT_EQ(i->mtu, 1300u);
  EXPECT_GE(i->poll_fd, 0);
}

TEST_F(UdpTest, SaysWhatIsWrong) {
  Socket holder;
  EXPECT_EQ(refusal({.local = holder.text(), .remote = "127.0.0.1:9"}),
            "udp " + holder.text() + ": Address already in use");
  EXPECT_EQ(refusal({.local = "127.0.0.1", .remote = "127.0.0.1:9"}),
            "udp: local '127.0.0.1': ADDRESS:PORT or [ADDRESS]:PORT was expected");
  EXPECT_EQ(refusal({.local = "127.0.0.1:0"}),
            "udp 127.0.0.1:0: a remote address is needed: a tunnel has one other end");
  EXPECT_EQ(refusal({.local = "127.0.0.1:0", .remote = "x"}),
            "udp 127.0.0.1:0: remote 'x': ADDRESS:PORT or [ADDRESS]:PORT was expected");
  EXPECT_EQ(refusal({.local = "127.0.0.1:0", .remote = "127.0.0.1:0"}),
            "udp 127.0.0.1:0: the remote needs a port other than 0");
  EXPECT_EQ(refusal({.local = "127.0.0.1:0", .remote = "[::1]:9"}),
            "udp 127.0.0.1:0: local and remote must be both IPv4 or both IPv6");
  EXPECT_EQ(refusal({.local = "127.0.0.1:0", .remote = "127.0.0.1:9", .mtu = 67}),
            "udp 127.0.0.1:0: mtu must be 68 to 65489 bytes");
  EXPECT_EQ(refusal({.local = "192.0.2.1:0", .remote = "127.0.0.1:9"}),
            "udp 192.0.2.1:0: Cannot assign requested address");
  EXPECT_EQ(pool_->in_use(), 0u);
}

TEST_F(UdpTest, HearsOnlyItsRemote) {
  Socket remote, stranger;
  a_ = open({.local = kAnyPort, .remote = remote.text()});
  const std::string local = local_of(*a_);
  stranger.send(local, "stranger");
  remote.send(local, "remote");
  stranger.send(local, "stranger again");
  EXPECT_EQ(pull(*a_), (std::vector<std::string>{"remote"}));
}

TEST_F(UdpTest, DropsDatagramsThatAreEmptyOrTooBig) {
  for (const bool segments : {false, true}) {
    Socket remote;
    a_ = open({.local = kAnyPort, .remote = remote.text(), .mtu = 1000, .segments = segments});
    const std::string local = local_of(*a_);
    remote.send(local, "");
    remote.send(local, std::string(1001, 'x'));
    remote.send(local, std::string(60000, 'x'));
    remote.send(local, std::string(1000, 'y'));
    EXPECT_EQ(pull(*a_), (std::vector<std::string>{std::string(1000, 'y')}));
    EXPECT_EQ(counters(*a_).drops[DropReason::kTooShort], 1u);
    EXPECT_EQ(counters(*a_).drops[DropReason::kTooBig], 2u);
    a_->close({0});
  }
}

TEST_F(UdpTest, PacketsNoDatagramCanHoldAreDroppedAndTheOthersSent) {
  Socket remote;
  a_ = open({.local = kAnyPort, .remote = remote.text()});
  add(70), add(66000), add(71), add(66000), add(66000);
  a_->push({0}, v_);
  EXPECT_TRUE(v_.empty());
  EXPECT_EQ(counters(*a_).drops[DropReason::kTooBig], 3u);
  EXPECT_EQ(counters(*a_).tx_packets.value(), 2u);
  EXPECT_EQ(remote.receive().size(), 70u);
  EXPECT_EQ(remote.receive().size(), 71u);
}

TEST_F(UdpTest, AChainOfTooManySegsIsDropped) {
  Socket remote;
  a_ = open({.local = kAnyPort, .remote = remote.text()});
  add(1025, 1);
  a_->push({0}, v_);
  add(1024, 1);
  a_->push({0}, v_);
  EXPECT_EQ(counters(*a_).drops[DropReason::kTooBig], 1u);
  EXPECT_EQ(remote.receive(), sent_[1]);
}

// Larger than the MTU of the link as datagrams: a run is refused, fragments are not.
TEST_F(UdpTest, RunsOverTheLinksMtuFallBackToSinglePackets) {
  connect({.mtu = 65489});
  for (int i = 0; i < 2; ++i) {
    for (int k = 0; k < 4; ++k) add(65489 - 100);
    a_->push({0}, v_);
    EXPECT_TRUE(v_.empty());
    EXPECT_EQ(pull(*b_), sent_);
    sent_.clear();
  }
}

TEST_F(UdpTest, SuperPacketsAreCutAndChecksumsCompleted) {
  Socket remote;
  a_ = open({.local = kAnyPort, .remote = remote.text()});
  std::vector<uint8_t> b(28 + 90 * 700, 1);
  b[0] = 0x45;
  b[2] = uint8_t(b.size() >> 8), b[3] = uint8_t(b.size());
  b[6] = b[7] = 0;
  b[9] = 17;
  for (const uint16_t headers : {28, 3}) {
    PacketPtr p = pool_->copy(b);
    p->flags |= Packet::kOffload;
    p->offload() = {.segment_size = 700,
                    .headers_length = headers,
                    .checksum_start = 20,
                    .checksum_offset = 6,
                    .kind = Offload::kUdp};
    v_.push_back(std::move(p));
  }
  PacketPtr p = pool_->copy(std::span(b).first(100));
  p->flags |= Packet::kOffload;
  p->offload() = {.checksum_start = 20, .checksum_offset = 6};
  v_.push_back(std::move(p));
  a_->push({0}, v_);
  EXPECT_TRUE(v_.empty());
  EXPECT_EQ(counters(*a_).tx_packets.value(), 91u);
  EXPECT_EQ(counters(*a_).drops[DropReason::kBadLength], 1u);
  size_t segments = 0;
  for (; segments < 90; ++segments) {
    if (remote.receive().size() != 728u) break;
  }
  EXPECT_EQ(segments, 90u);
  EXPECT_NE(remote.receive().substr(26, 2), std::string("\1\1"));
}

TEST_F(UdpTest, JoinedDatagramsAreGivenInPartsAndOutliveTheTunnel) {
  connect({});
  for (int i = 0; i < 60; ++i) add(1000);
  a_->push({0}, v_);
  b_->pull({0}, v_, 7);
  ASSERT_EQ(v_.size(), 7u);
  for (size_t i = 0; i < 7; ++i) EXPECT_EQ(content(*v_[i]), sent_[i]);
  b_->close({0});  // the rest is given back
  for (size_t i = 0; i < 7; ++i) EXPECT_EQ(content(*v_[i]), sent_[i]);
}

// A packet that began in the last bytes of a slot had its IP header in two Segs, and was
// taken for one that is too short to have any.
TEST_F(UdpTest, HeadersLieInOnePieceWhereverASegmentBegins) {
  for (size_t size : {36, 60, 100, 1000}) {
    v_.clear(), sent_.clear();
    connect({});
    for (int i = 0; i < 64; ++i) add(size);
    a_->push({0}, v_);
    while (v_.size() < 64) {
      const size_t before = v_.size();
      b_->pull({0}, v_, v_.room());
      ASSERT_GT(v_.size(), before);
    }
    for (size_t i = 0; i < 64; ++i) {
      EXPECT_GE(v_[i]->length, std::min<size_t>(size, 128));
      EXPECT_EQ(content(*v_[i]), sent_[i]);
    }
  }
  v_.clear();
}

// Packets that somebody keeps must not stop the flow when the big buffers run out.
TEST_F(UdpTest, CopiesWhenAllBuffersAreKept) {
  pool_ = *Pool::create({.packets = 16384, .pages = PageKind::k4K});
  connect({});
  std::vector<PacketPtr> kept;
  std::vector<std::string> seen;
  for (int i = 0; i < 300; ++i) {
    add(1400), add(1400);
    a_->push({0}, v_);
    b_->pull({0}, v_, 64);
    ASSERT_EQ(v_.size(), 2u) << i;
    while (!v_.empty()) {
      seen.push_back(content(*v_[0]));
      kept.push_back(v_.pop_front());
    }
  }
  EXPECT_EQ(seen, sent_);
  for (size_t i = 0; i < kept.size(); ++i) ASSERT_EQ(content(*kept[i]), sent_[i]);
  kept.clear();
}

TEST_F(UdpTest, AnExhaustedPoolLosesCountedPacketsOrLeavesThemToTheSocket) {
  connect({});
  for (int i = 0; i < 60; ++i) add(1000);
  std::vector<PacketPtr> hoard;
  a_->push({0}, v_);
  while (pool_->available() > 10) hoard.push_back(pool_->alloc());
  size_t given = 0;
  for (int i = 0; i < 10; ++i) {
    b_->pull({0}, v_, 64);
    given += v_.size();
    v_.clear();
  }
  hoard.clear();
  given += pull(*b_).size();
  EXPECT_EQ(given + counters(*b_).drops[DropReason::kPoolExhausted], 60u);
  for (int i = 0; i < 60; ++i) add(1000);
  a_->push({0}, v_);
  EXPECT_EQ(pull(*b_).size(), 60u);
}

// A datagram socket that fills up: that of another family, since loopback never does.
TEST_F(UdpTest, AFullSocketLeavesTheRestRefused) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, ends), 0);
  OwnedFd near(ends[0]), far(ends[1]);
  const int bytes_in_flight = 8192;
  ::setsockopt(near.get(), SOL_SOCKET, SO_SNDBUF, &bytes_in_flight, sizeof bytes_in_flight);
  UdpSender sender(near.get(), Link::kRaw, *pool_, false);
  PartnerStats stats;
  for (int i = 0; i < 64; ++i) add(100);
  std::vector<std::string> got;
  for (int round = 0; round < 64 && !v_.empty(); ++round) {
    const size_t before = v_.size();
    sender.push(v_, stats);
    const size_t taken = before - v_.size();
    EXPECT_TRUE(round > 0 || taken < 64);
    EXPECT_GT(taken, 0u);
    char bytes[200];
    for (size_t i = 0; i < taken; ++i) {
      const ssize_t n = ::recv(far.get(), bytes, sizeof bytes, 0);
      ASSERT_GT(n, 0);
      got.emplace_back(bytes, size_t(n));
    }
  }
  EXPECT_EQ(got, sent_);
  EXPECT_EQ(stats.tx_packets.value(), 64u);
  EXPECT_GT(stats.refused.value(), 0u);
  EXPECT_EQ(stats.drops.total(), 0u);
}

}  // namespace
}  // namespace weft
