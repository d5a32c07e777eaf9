// SPDX-License-Identifier: Apache-2.0
#include "partner/tap.h"

#include <gtest/gtest.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/ioctl.h>

#include <atomic>

#include "base/bytes.h"
#include "tests/unit/testing/allocations.h"
#include "tests/unit/testing/frames.h"
#include "tests/unit/testing/netns.h"
#include "tests/unit/testing/tcp_transfer.h"

namespace weft {
namespace {

using testing::Bytes;
using testing::content;
using testing::frame_of;
using testing::kOurs;
using testing::Netns;

class TapTest : public ::testing::Test {
 protected:
  void SetUp() override {
    here_ = Netns::create();
    there_ = Netns::create();
    if (!here_ || !there_) GTEST_SKIP() << Netns::kWhyNot;
  }
  void TearDown() override {
    stop_ = true;
    if (worker_.joinable()) worker_.join();
    for (int i = 0; i < 2; ++i) {
      if (taps_[i]) taps_[i]->close(openings_[i]);
      taps_[i].reset();
    }
    EXPECT_EQ(pool_->in_use(), 0u);
  }

  // Opens the first or second tap; "" or the error's sentence.
  std::string start(TapPartner::Options options, int which = 0) {
    auto made = TapPartner::create(std::move(options), *pool_, clock_);
    if (!made) return made.error().sentence;
    taps_[which] = std::move(*made);
    std::string why;
    here_->run([&] {
      auto opened = taps_[which]->open("", nullptr, kNoOpening);
      if (opened) {
        openings_[which] = *opened;
      } else {
        why = opened.error().sentence;
      }
    });
    return why;
  }
  // The kernel's end of tap "t0", as a packet socket sees it.
  void watch(const Netns& where) {
    where.run([&] { host_ = testing::packet_socket("t0"); });
  }
  Bytes host_gets() { return testing::receive(host_); }
  // Pulls frames of ours; the kernel's own (router solicitations) go.
  void pull_ours(Pvec& v, size_t max = 64) {
    Pvec all;
    taps_[0]->pull(openings_[0], all, max);
    while (!all.empty()) {
      PacketPtr p = all.pop_front();
      if (p->length >= 14 && load_be16(p->data + 12) == kOurs) v.push_back(std::move(p));
    }
  }
  // Joins the two taps until the test ends.
  void join() {
    worker_ = std::thread([this] {
      Pvec v[2];
      pollfd fds[2];
      for (int i = 0; i < 2; ++i) fds[i] = {info(i).poll_fd, POLLIN, 0};
      while (!stop_) {
        for (int i = 0; i < 2; ++i) {
          taps_[i]->pull(openings_[i], v[i], v[i].room());
          for (Packet* p : v[i]) longest_ = std::max(longest_, p->total_length());
          taps_[1 - i]->push(openings_[1 - i], v[i]);
        }
        if (v[0].empty() && v[1].empty()) ::poll(fds, 2, 10);
      }
      DropCounters ours;
      for (Pvec& rest : v) drop(rest, DropReason::kPathClosed, ours);
    });
  }
  PartnerInfo info(int which = 0) { return *weft::info(*taps_[which], openings_[which]); }
  const PartnerStats& stats(int which = 0) { return **weft::stats(*taps_[which], openings_[which]); }

  std::unique_ptr<Pool> pool_ = *Pool::create({.packets = 8192, .pages = PageKind::kTransparent});
  SystemClock clock_;
  std::unique_ptr<Netns> here_, there_;
  std::unique_ptr<TapPartner> taps_[2];
  Opening openings_[2];
  OwnedFd host_;
  std::thread worker_;
  std::atomic<bool> stop_ = false;
  uint32_t longest_ = 0;
};

TEST_F(TapTest, SaysWhatIsWrong) {
  EXPECT_EQ(start({.name = ""}), "tap : an interface name has 1 to 15 characters and no '%'");
  EXPECT_EQ(start({.name = "t0", .mtu = 20}), "tap t0: an mtu is 68 to 65521, not 20");
  EXPECT_EQ(start({.name = "t0", .tun = true, .mac = MacAddress{2}}),
            "tun t0: a link of bare IP packets has no MAC addresses");
  EXPECT_EQ(start({.name = "t0", .mac = MacAddress{1}}), "tap t0: its MAC address is a group's");
  EXPECT_EQ(start({.name = "t0", .netns = "weft-no-such"}),
            "tap t0: network namespace weft-no-such: No such file or directory");
  EXPECT_EQ(start({.name = "lo"}), "tap lo: an interface of another kind has this name");
  EXPECT_EQ(start({.name = "t0"}, 1), "");
  EXPECT_EQ(start({.name = "t0"}, 0), "tap t0: in use by another program");
  taps_[0].reset();
}

TEST_F(TapTest, DescribesTheLink) {
  ASSERT_EQ(start({.name = "t0", .mtu = 1400, .kernel_mac = MacAddress{2, 0, 0, 0, 0, 9}}), "");
  const PartnerInfo i = info();
  EXPECT_EQ(i.driver, "tap");
  EXPECT_EQ(i.device, "t0");
  EXPECT_EQ(i.mode, "readv, writev, offload");
  EXPECT_EQ(i.link, Link::kEthernet);
  EXPECT_EQ(i.mtu, 1400u);
  EXPECT_TRUE(i.up);
  EXPECT_TRUE(i.offload);
  EXPECT_TRUE(i.owns_address);
  EXPECT_EQ(i.mac[0] & 3, 2) << "local, and one host's";
  here_->run([&] {
    auto device = Netdev::find("t0");
    EXPECT_EQ(device->index(), i.ifindex);
    EXPECT_EQ(device->mac(), (MacAddress{2, 0, 0, 0, 0, 9}));
  });
  ASSERT_EQ(start({.name = "t1"}, 1), "");
  EXPECT_NE(info(1).mac, i.mac);
  taps_[0]->close(openings_[0]);
  here_->run([&] { openings_[0] = *taps_[0]->open("", nullptr, kNoOpening); });
  EXPECT_EQ(info().mac, i.mac) << "the same each time";
}

TEST_F(TapTest, PersistsOnlyIfAsked) {
  auto there_is = [&](const char* name) {
    bool found = false;
    here_->run([&] { found = bool(Netdev::find(name)); });
    return found;
  };
  ASSERT_EQ(start({.name = "t0"}), "");
  ASSERT_EQ(start({.name = "t1", .persist = true}, 1), "");
  for (int i = 0; i < 2; ++i) taps_[i]->close(openings_[i]);
  EXPECT_FALSE(there_is("t0"));
  EXPECT_TRUE(there_is("t1"));
}

TEST_F(TapTest, LosesNothingBothWaysAndAllocatesNothing) {
  ASSERT_EQ(start({.name = "t0", .mtu = 9000, .netns = there_->path()}), "");
  EXPECT_EQ(info().ifindex, 0);
  watch(*there_);
  there_->ip("link set t0 addrgenmode none");
  uint32_t number = 0;
  for (int round = 0; round < 100; ++round) {
    Pvec v;
    std::vector<Bytes> sent;
    for (uint32_t i = 0; i < 32; ++i) {
      sent.push_back(frame_of(60 + (number * 97) % 8900, number));
      ++number;
      ASSERT_EQ(::send(host_.get(), sent.back().data(), sent.back().size(), 0), ssize_t(sent.back().size()));
    }
    for (int tries = 0; v.size() < 32 && tries < 100; ++tries) pull_ours(v, v.room());
    ASSERT_EQ(v.size(), 32u);
    for (uint32_t i = 0; i < 32; ++i) {
      ASSERT_EQ(content(*v[i]), sent[i]);
      EXPECT_TRUE(v[i]->writable());
      EXPECT_GE(v[i]->headroom(), 64u);
    }
    const uint64_t before = testing::allocations();
    taps_[0]->push(openings_[0], v);
    Pvec none;
    taps_[0]->pull(openings_[0], none, 64);
    EXPECT_EQ(testing::allocations(), before);
    none.clear();
    EXPECT_TRUE(v.empty());
    EXPECT_EQ(pool_->in_use(), 0u);
    for (uint32_t i = 0; i < 32; ++i) ASSERT_EQ(host_gets(), sent[i]);
  }
  EXPECT_EQ(stats().tx_packets.value(), number);
  EXPECT_GE(stats().rx_packets.value(), number);
  EXPECT_EQ(stats().drops.total(), 0u);
}

TEST_F(TapTest, DropsWhileDownAndGoesOn) {
  ASSERT_EQ(start({.name = "t0", .up = false}), "");
  EXPECT_FALSE(info().up);
  Pvec v;
  for (uint32_t i = 0; i < 5; ++i) v.push_back(pool_->copy(frame_of(60, i)));
  taps_[0]->push(openings_[0], v);
  EXPECT_TRUE(v.empty());
  EXPECT_EQ(stats().drops[DropReason::kPartnerDown], 5u);
  here_->ip("link set t0 up");
  EXPECT_TRUE(info().up);
  watch(*here_);
  v.push_back(pool_->copy(frame_of(60, 7)));
  taps_[0]->push(openings_[0], v);
  EXPECT_EQ(host_gets(), frame_of(60, 7));
}

TEST_F(TapTest, SleepsWhenTheInterfaceIsGone) {
  ASSERT_EQ(start({.name = "t0"}), "");
  const int fd = info().poll_fd;
  here_->ip("link del t0");
  Pvec v;
  v.push_back(pool_->copy(frame_of(60, 1)));
  taps_[0]->push(openings_[0], v);
  EXPECT_TRUE(v.empty());
  v.push_back(pool_->copy(frame_of(60, 2)));
  taps_[0]->push(openings_[0], v);
  taps_[0]->pull(openings_[0], v, 64);
  EXPECT_TRUE(v.empty());
  EXPECT_EQ(stats().drops[DropReason::kPartnerDown], 2u);
  EXPECT_FALSE(info().up);
  pollfd poll_for{fd, POLLIN, 0};
  EXPECT_EQ(::poll(&poll_for, 1, 0), 0);
}

TEST_F(TapTest, DropsWhatTheKernelWillNeverTake) {
  ASSERT_EQ(start({.name = "t0"}), "");
  watch(*here_);
  Pvec v;
  v.push_back(pool_->copy(Bytes(5)));  // no Ethernet header
  PacketPtr lying = pool_->copy(frame_of(60, 1));
  lying->flags |= Packet::kOffload;
  lying->offload() = {.checksum_start = 5000, .checksum_offset = 16};
  v.push_back(std::move(lying));
  PacketPtr endless = pool_->copy(frame_of(60, 2));
  Packet* last = endless.get();
  for (int i = 0; i < 1100; ++i) {
    last->next = pool_->copy(Bytes(1)).release();
    last = last->next;
    ++endless->segs;
  }
  v.push_back(std::move(endless));
  v.push_back(pool_->copy(frame_of(60, 3)));
  taps_[0]->push(openings_[0], v);
  EXPECT_TRUE(v.empty());
  EXPECT_EQ(host_gets(), frame_of(60, 3));
  EXPECT_EQ(stats().drops[DropReason::kDeviceError], 2u);
  EXPECT_EQ(stats().drops[DropReason::kTooBig], 1u);
}

TEST_F(TapTest, AnEmptyPoolLosesNoSlot) {
  ASSERT_EQ(start({.name = "t0", .mtu = 9000}), "");
  watch(*here_);
  const Bytes small = frame_of(60, 1), large = frame_of(8000, 2);
  std::vector<PacketPtr> all;
  while (PacketPtr p = pool_->alloc()) all.push_back(std::move(p));
  Pvec v;
  pull_ours(v);
  EXPECT_TRUE(v.empty());
  all.pop_back();  // one slot: enough for a small packet, not for a large one
  ASSERT_EQ(::send(host_.get(), small.data(), small.size(), 0), 60);
  pull_ours(v);
  for (int tries = 0; v.empty() && tries < 20; ++tries) pull_ours(v);
  ASSERT_EQ(v.size(), 1u);
  v.clear();
  ASSERT_EQ(::send(host_.get(), large.data(), large.size(), 0), 8000);
  pull_ours(v);
  EXPECT_TRUE(v.empty());
  EXPECT_EQ(stats().drops[DropReason::kPoolExhausted], 1u);
  all.clear();
}

TEST_F(TapTest, TcpOfTheKernelCrossesInSuperPackets) {
  ASSERT_EQ(start({.name = "t0"}), "");
  ASSERT_EQ(start({.name = "t1", .netns = there_->path()}, 1), "");
  here_->ip("addr add 10.78.0.1/24 dev t0");
  there_->ip("addr add 10.78.0.2/24 dev t1");
  join();
  testing::tcp_transfer(*here_, *there_, "10.78.0.2", 50 << 20);
  stop_ = true;
  worker_.join();
  EXPECT_GT(longest_, 30000u);
  EXPECT_EQ(stats(0).rx_packets.value(), stats(1).tx_packets.value());
  EXPECT_EQ(stats(1).rx_bytes.value(), stats(0).tx_bytes.value());
  EXPECT_EQ(stats(0).drops.total() + stats(1).drops.total(), 0u);
  EXPECT_EQ(pool_->bytes_copied(), 0u);
}

TEST_F(TapTest, TunCarriesBareIpAndNothingElse) {
  ASSERT_EQ(start({.name = "t0", .tun = true}), "");
  ASSERT_EQ(start({.name = "t1", .tun = true, .netns = there_->path()}, 1), "");
  EXPECT_EQ(info().link, Link::kRaw);
  EXPECT_EQ(info().driver, "tun");
  EXPECT_EQ(info().mac, MacAddress{});
  Pvec v;
  v.push_back(pool_->copy(Bytes{0x01, 2, 3}));  // a PAN capsule: the kernel would not know it
  v.push_back(pool_->alloc());
  taps_[0]->push(openings_[0], v);
  EXPECT_EQ(stats().drops[DropReason::kUnknownProtocol], 2u);
  here_->ip("addr add fd78::1/64 dev t0 nodad");
  there_->ip("addr add fd78::2/64 dev t1 nodad");
  join();
  testing::tcp_transfer(*there_, *here_, "fd78::1", 50 << 20);
  stop_ = true;
  worker_.join();
  EXPECT_GT(longest_, 30000u);
}

TEST_F(TapTest, WithoutOffloadTheKernelCutsItself) {
  ASSERT_EQ(start({.name = "t0", .offload = false}), "");
  ASSERT_EQ(start({.name = "t1", .netns = there_->path(), .offload = false}, 1), "");
  EXPECT_EQ(info().mode, "readv, writev");
  EXPECT_EQ(info().reason, "offload is off");
  here_->ip("addr add 10.78.0.1/24 dev t0");
  there_->ip("addr add 10.78.0.2/24 dev t1");
  join();
  testing::tcp_transfer(*here_, *there_, "10.78.0.2", 5 << 20);
  stop_ = true;
  worker_.join();
  EXPECT_LE(longest_, 1514u);
}

}  // namespace
}  // namespace weft
