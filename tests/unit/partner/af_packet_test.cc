// SPDX-License-Identifier: Apache-2.0
#include "partner/af_packet.h"

#include <gtest/gtest.h>
#include <linux/capability.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

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
using testing::Netns;

// r0, where the driver is, and a0, the other end, as another host sees it.
class AfPacketTest : public ::testing::Test {
 protected:
  void SetUp() override {
    here_ = Netns::create();
    there_ = Netns::create();
    if (!here_ || !there_) GTEST_SKIP() << Netns::kWhyNot;
    testing::add_veth(*here_, "r0", *there_, "a0");
    there_->run([&] { raw_ = testing::packet_socket("a0"); });
  }
  void TearDown() override {
    if (driver_) driver_->close(opening_);
    driver_.reset();
    EXPECT_EQ(pool_->in_use(), 0u);
  }

  void start(AfPacket::Options options = {.interface = "r0"}) {
    auto made = AfPacket::create(std::move(options), *pool_, clock_);
    ASSERT_TRUE(made) << made.error().sentence;
    driver_ = std::move(*made);
    here_->run([&] {
      auto opened = driver_->open("", nullptr, kNoOpening);
      ASSERT_TRUE(opened) << opened.error().sentence;
      opening_ = *opened;
    });
  }
  Error error_of(AfPacket::Options options) {
    auto made = AfPacket::create(std::move(options), *pool_, clock_);
    if (!made) return made.error();
    Error error{};
    here_->run([&] {
      auto opened = (*made)->open("", nullptr, kNoOpening);
      ASSERT_FALSE(opened);
      error = opened.error();
    });
    return error;
  }

  void host_sends(const Bytes& frame) {
    ASSERT_EQ(::send(raw_.get(), frame.data(), frame.size(), 0), ssize_t(frame.size())) << strerror(errno);
  }
  // What the host got next; empty when there is nothing.
  Bytes host_gets() { return testing::receive(raw_); }
  PacketPtr packet(const Bytes& bytes) { return pool_->copy(bytes); }
  const PartnerStats& stats() { return **weft::stats(*driver_, opening_); }
  PartnerInfo info() { return *weft::info(*driver_, opening_); }

  std::unique_ptr<Pool> pool_ = *Pool::create({.packets = 1024, .pages = PageKind::k4K});
  SystemClock clock_;
  std::unique_ptr<Netns> here_, there_;
  OwnedFd raw_;
  std::unique_ptr<AfPacket> driver_;
  Opening opening_;
};

TEST_F(AfPacketTest, SaysWhatIsMissing) {
  EXPECT_EQ(error_of({.interface = "eth9"}).sentence, "af_packet eth9: no such interface");
  EXPECT_EQ(error_of({.interface = "a-name-much-too-long"}).code, Code::kInvalid);
  EXPECT_EQ(error_of({.interface = "r0", .ring_frames = 1}).sentence,
            "af_packet r0: a ring has 64 to 65536 frames, not 1");
  here_->ip("tuntap add dev tun7 mode tun");
  EXPECT_EQ(error_of({.interface = "tun7"}).sentence, "af_packet tun7: not an Ethernet interface");
}

TEST_F(AfPacketTest, SaysThatItIsNotPermitted) {
  auto driver = *AfPacket::create({.interface = "r0"}, *pool_, clock_);
  here_->run([&] {  // capabilities are of the thread, and this one ends
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct none[2] = {};
    ASSERT_EQ(::syscall(SYS_capset, &header, none), 0);
    auto opened = driver->open("", nullptr, kNoOpening);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().sentence, "af_packet r0: needs CAP_NET_RAW");
    EXPECT_EQ(opened.error().code, Code::kPermission);
  });
}

TEST_F(AfPacketTest, DescribesTheInterface) {
  start();
  const PartnerInfo i = info();
  EXPECT_EQ(i.driver, "af_packet");
  EXPECT_EQ(i.device, "r0");
  EXPECT_EQ(i.mode, "TPACKET_V2 rx, sendmmsg tx, offload");
  EXPECT_EQ(i.reason, "");
  EXPECT_EQ(i.link, Link::kEthernet);
  EXPECT_EQ(i.mtu, 1500u);
  EXPECT_TRUE(i.up);
  EXPECT_TRUE(i.offload);
  EXPECT_FALSE(i.owns_address);
  MacAddress mac{};
  here_->run([&] {
    auto device = Netdev::find("r0");
    ASSERT_TRUE(device);
    mac = device->mac();
    EXPECT_EQ(i.ifindex, device->index());
  });
  EXPECT_EQ(i.mac, mac);
  EXPECT_EQ(driver_->open("", nullptr, kNoOpening).error().sentence, "af_packet r0: is open already");
  EXPECT_FALSE(driver_->control(opening_, TextRequest{"dance"}));
}

TEST_F(AfPacketTest, LosesNothingBothWaysAndAllocatesNothing) {
  start();
  constexpr uint32_t kRounds = 300, kEach = 32;
  uint64_t bytes = 0;
  for (uint32_t round = 0; round < kRounds; ++round) {
    for (uint32_t i = 0; i < kEach; ++i) {
      const Bytes frame = frame_of(60 + (round * 7 + i * 31) % 1440, round * kEach + i);
      host_sends(frame);
      bytes += frame.size();
    }
    Pvec v;
    const uint64_t before = testing::allocations();
    driver_->pull(opening_, v, 64);
    const uint64_t pulled = testing::allocations();
    ASSERT_EQ(v.size(), kEach);
    for (uint32_t i = 0; i < kEach; ++i) {
      EXPECT_EQ(content(*v[i]), frame_of(v[i]->length, round * kEach + i));
      EXPECT_TRUE(v[i]->writable());
      EXPECT_EQ(v[i]->headroom(), Packet::kHeadroom - Packet::kReserved);
      EXPECT_NE(v[i]->timestamp, 0u);
    }
    const uint64_t checked = testing::allocations();
    driver_->push(opening_, v);  // and back where they came from
    EXPECT_EQ(testing::allocations() - checked + pulled - before, 0u);
    ASSERT_TRUE(v.empty());
    EXPECT_EQ(pool_->in_use(), 0u);
    for (uint32_t i = 0; i < kEach; ++i) {
      const Bytes back = host_gets();
      ASSERT_EQ(back, frame_of(back.size(), round * kEach + i));
    }
  }
  EXPECT_EQ(stats().rx_packets.value(), kRounds * kEach);
  EXPECT_EQ(stats().tx_packets.value(), kRounds * kEach);
  EXPECT_EQ(stats().rx_bytes.value(), bytes);
  EXPECT_EQ(stats().tx_bytes.value(), bytes);
  EXPECT_EQ(stats().drops.total(), 0u);
  EXPECT_EQ(pool_->bytes_copied(), 0u);
}

TEST_F(AfPacketTest, HeadroomOfARingFrameIsThere) {
  start();
  const Bytes frame = frame_of(100, 1);
  host_sends(frame);
  Pvec v;
  driver_->pull(opening_, v, 1);
  ASSERT_EQ(v.size(), 1u);
  const size_t room = v[0]->headroom();
  std::memset(v[0]->push(room), 0xab, room);
  v[0]->pop(room - 14);
  std::copy_n(frame.begin(), 14, v[0]->data);
  driver_->push(opening_, v);
  Bytes expected(14 + frame.size());
  std::copy_n(frame.begin(), 14, expected.begin());
  std::copy(frame.begin(), frame.end(), expected.begin() + 14);
  EXPECT_EQ(host_gets(), expected);
}

TEST_F(AfPacketTest, SendsChains) {
  start();
  Pvec v;
  const Bytes whole = frame_of(1400, 9);
  PacketPtr p = packet(Bytes(whole.begin(), whole.begin() + 14));
  Packet* last = p.get();
  for (size_t at = 14; at < whole.size(); at += 99) {
    PacketPtr seg = packet(
        Bytes(whole.begin() + ptrdiff_t(at), whole.begin() + ptrdiff_t(std::min(at + 99, whole.size()))));
    last->next = seg.release();
    last = last->next;
    ++p->segs;
  }
  PacketPtr twin = pool_->clone(*p);  // shares its bytes: no header may be written in front of them
  v.push_back(std::move(p));
  v.push_back(std::move(twin));
  driver_->push(opening_, v);
  EXPECT_TRUE(v.empty());
  EXPECT_EQ(host_gets(), whole);
  EXPECT_EQ(host_gets(), whole);
  EXPECT_EQ(stats().tx_bytes.value(), 2 * whole.size());
}

TEST_F(AfPacketTest, DropsWhatIsTooLongAndSendsTheRest) {
  start();
  Pvec v;
  v.push_back(packet(frame_of(60, 1)));
  v.push_back(packet(frame_of(3000, 2)));
  v.push_back(packet(Bytes(5)));
  v.push_back(packet(frame_of(60, 4)));
  PacketPtr endless = packet(frame_of(60, 5));
  Packet* last = endless.get();
  for (int i = 0; i < 900; ++i) {
    last->next = packet(Bytes(1)).release();
    last = last->next;
    ++endless->segs;
  }
  v.push_back(std::move(endless));
  v.push_back(packet(frame_of(60, 6)));
  driver_->push(opening_, v);
  EXPECT_TRUE(v.empty());
  EXPECT_EQ(host_gets(), frame_of(60, 1));
  EXPECT_EQ(host_gets(), frame_of(60, 4));
  EXPECT_EQ(host_gets().size(), 960u);
  EXPECT_EQ(host_gets(), frame_of(60, 6));
  EXPECT_EQ(stats().tx_packets.value(), 4u);
  EXPECT_EQ(stats().drops[DropReason::kTooBig], 1u);
  EXPECT_EQ(stats().drops[DropReason::kDeviceError], 1u);
}

TEST_F(AfPacketTest, LeavesWhatTheKernelRefuses) {
  here_->command("tc qdisc add dev r0 root tbf rate 1mbit burst 2k limit 4k");
  start();
  uint64_t dropped = 0, sent = 0;
  for (uint32_t round = 0; round < 20; ++round) {
    Pvec v;
    for (uint32_t i = 0; i < 16; ++i) v.push_back(packet(frame_of(1000, i)));
    driver_->push(opening_, v);
    sent += 16 - v.size();
    dropped += v.size();
    DropCounters ours;
    drop(v, DropReason::kPartnerRefused, ours);
  }
  EXPECT_GT(dropped, 0u);
  EXPECT_EQ(stats().refused.value(), dropped);
  EXPECT_EQ(stats().tx_packets.value(), sent);
  EXPECT_EQ(stats().drops.total(), 0u);
  // All that was taken arrives: nothing is lost without a word.
  uint64_t arrived = 0;
  for (int wait = 0; wait < 400 && arrived < sent; ++wait) {
    while (!host_gets().empty()) ++arrived;
    ::usleep(5000);
  }
  EXPECT_EQ(arrived, sent);
}

TEST_F(AfPacketTest, DropsWhileTheLinkIsDownAndGoesOn) {
  start();
  here_->ip("link set r0 down");
  EXPECT_FALSE(info().up);
  Pvec v;
  for (uint32_t i = 0; i < 5; ++i) v.push_back(packet(frame_of(60, i)));
  driver_->push(opening_, v);
  EXPECT_TRUE(v.empty());
  EXPECT_EQ(stats().drops[DropReason::kPartnerDown], 5u);
  for (int i = 0; i < 100; ++i) driver_->pull(opening_, v, 64);
  pollfd poll_for{info().poll_fd, POLLIN, 0};
  EXPECT_EQ(::poll(&poll_for, 1, 0), 0) << "or the worker would never sleep";

  here_->ip("link set r0 up");
  for (int wait = 0; wait < 300 && !info().up; ++wait) ::usleep(10000);  // the carrier comes later
  EXPECT_TRUE(info().up);
  v.push_back(packet(frame_of(60, 7)));
  driver_->push(opening_, v);
  EXPECT_EQ(host_gets(), frame_of(60, 7));
  host_sends(frame_of(70, 8));
  driver_->pull(opening_, v, 64);
  ASSERT_EQ(v.size(), 1u);
  v.clear();
  there_->ip("link set a0 down");  // no carrier
  for (int wait = 0; wait < 300 && info().up; ++wait) ::usleep(10000);
  EXPECT_FALSE(info().up);
}

TEST_F(AfPacketTest, DropsWhenTheInterfaceIsGone) {
  start();
  here_->ip("link del r0");
  Pvec v;
  for (uint32_t i = 0; i < 5; ++i) v.push_back(packet(frame_of(60, i)));
  driver_->push(opening_, v);
  EXPECT_TRUE(v.empty());
  EXPECT_EQ(stats().drops[DropReason::kPartnerDown], 5u);
  EXPECT_FALSE(info().up);
}

TEST_F(AfPacketTest, TakesTheInterfaceThatIsMadeWithItsName) {
  start({.interface = "r0", .ring_frames = 64});
  const auto refresh = [&] {
    std::string error;
    here_->run([&] {
      auto done = driver_->control(opening_, TextRequest{"refresh"});
      if (!done) error = done.error().sentence;
    });
    return error;
  };
  EXPECT_EQ(refresh(), "") << "there it is";
  Pvec v;
  for (int round = 0; round < 3; ++round) {
    host_sends(frame_of(70, 8));
    driver_->pull(opening_, v, 1);
    ASSERT_EQ(v.size(), 1u);  // held while the interface goes
    const int before = info().ifindex;
    here_->ip("link del r0");
    EXPECT_EQ(refresh(), "af_packet r0: no such interface");
    testing::add_veth(*here_, "r0", *there_, "a0");
    there_->run([&] { raw_ = testing::packet_socket("a0"); });
    EXPECT_EQ(refresh(), "");
    EXPECT_NE(info().ifindex, before);
    for (int wait = 0; wait < 300 && !info().up; ++wait) ::usleep(10000);
    v.clear();
    for (uint32_t i = 0; i < 200; ++i) {  // more than the ring has
      v.push_back(packet(frame_of(60, i)));
      driver_->push(opening_, v);
      EXPECT_TRUE(v.empty());
      EXPECT_EQ(host_gets(), frame_of(60, i));
      host_sends(frame_of(90, i));
      driver_->pull(opening_, v, 64);
      ASSERT_EQ(v.size(), 1u) << i;
      v.clear();
    }
  }
  here_->ip("link set r0 down");
  here_->ip("link set r0 name r1");
  EXPECT_EQ(refresh(), "") << "it is still that one";
}

TEST_F(AfPacketTest, CountsWhatTheKernelLostAndHoldsTheRest) {
  start({.interface = "r0", .ring_frames = 64});
  constexpr uint32_t kSent = 1000;
  for (uint32_t i = 0; i < kSent; ++i) host_sends(frame_of(60, i));
  uint32_t got = 0;
  Pvec v;
  for (int i = 0; i < 100; ++i) {
    driver_->pull(opening_, v, 64);
    got += uint32_t(v.size());
    v.clear();
  }
  EXPECT_GE(got, 64u);
  EXPECT_EQ(stats().drops[DropReason::kInQueueFull], kSent - got);
  EXPECT_EQ(stats().drops[DropReason::kInQueueFull], kSent - got) << "asked twice, counted once";
}

TEST_F(AfPacketTest, AHeldPacketDoesNotStopTheRing) {
  start({.interface = "r0", .ring_frames = 64});
  Pvec v;
  host_sends(frame_of(1400, 4711));
  host_sends(frame_of(200, 4712));
  driver_->pull(opening_, v, 64);
  ASSERT_EQ(v.size(), 2u);
  PacketPtr held = v.pop_front();
  PacketPtr shared = v.pop_front();
  held->l3 = uint16_t(held->data - held->window() + 14);
  held->pop(14);
  PacketPtr twin = pool_->clone(*held);
  twin.reset();
  shared.reset();
  for (uint32_t i = 0; i < 1000; ++i) {
    host_sends(frame_of(300, i));
    driver_->pull(opening_, v, 64);
    ASSERT_EQ(v.size(), 1u) << i;
    ASSERT_EQ(content(*v[0]), frame_of(300, i));
    v.clear();
  }
  const Bytes expected = frame_of(1400, 4711);
  EXPECT_EQ(content(*held), Bytes(expected.begin() + 14, expected.end()));
  EXPECT_EQ(std::memcmp(held->network_header(), held->data, held->length), 0);
  EXPECT_EQ(std::memcmp(held->network_header() - 14, expected.data(), expected.size()), 0)
      << "what was popped moves along";
  EXPECT_GT(pool_->bytes_copied(), 0u);
  EXPECT_EQ(stats().drops.total(), 0u);
  EXPECT_EQ(pool_->in_use(), 2u);
  held.reset();
  EXPECT_EQ(pool_->in_use(), 0u);
}

// An overlay outlives the packet that take() made, and the slot lives on as another packet's.
TEST_F(AfPacketTest, DoesNotMoveWhatItCannotKnow) {
  start({.interface = "r0", .ring_frames = 64});
  Pvec v;
  host_sends(frame_of(1000, 5));
  driver_->pull(opening_, v, 64);
  PacketPtr p = v.pop_front();
  PacketPtr part = pool_->overlay(*p, 100, 500);
  p.reset();
  uint32_t got = 0;
  for (uint32_t i = 0; i < 1000; ++i) {
    host_sends(frame_of(300, i));
    driver_->pull(opening_, v, 64);
    got += uint32_t(v.size());
    v.clear();
  }
  const Bytes whole = frame_of(1000, 5);
  EXPECT_EQ(content(*part), Bytes(whole.begin() + 100, whole.begin() + 600));
  EXPECT_EQ(got + stats().drops[DropReason::kInQueueFull], 1000u);
  part.reset();
  driver_->pull(opening_, v, 64);
  v.clear();
  host_sends(frame_of(300, 1));
  driver_->pull(opening_, v, 64);
  EXPECT_EQ(v.size(), 1u) << "and goes on once it is let go";
  v.clear();
}

TEST_F(AfPacketTest, SleepsWhileThePacketThatCameLastIsHeld) {
  start();
  Pvec v;
  host_sends(frame_of(60, 1));
  pollfd poll_for{info().poll_fd, POLLIN, 0};
  EXPECT_EQ(::poll(&poll_for, 1, 0), 1);
  driver_->pull(opening_, v, 64);
  PacketPtr held = v.pop_front();
  for (int i = 0; i < 100; ++i) driver_->pull(opening_, v, 64);
  EXPECT_EQ(::poll(&poll_for, 1, 0), 0);
  EXPECT_EQ(content(*held), frame_of(60, 1));
}

TEST_F(AfPacketTest, APacketMayOutliveItsOpening) {
  start();
  Pvec v;
  host_sends(frame_of(60, 1));
  driver_->pull(opening_, v, 64);
  ASSERT_EQ(v.size(), 1u);
  driver_->close(opening_);
  driver_.reset();
  EXPECT_EQ(content(*v[0]), frame_of(60, 1));
  v.clear();
}

TEST_F(AfPacketTest, OpensAgain) {
  start();
  const Opening first = opening_;
  driver_->close(first);
  EXPECT_EQ(driver_->control(first, InfoRequest{}).error().code, Code::kDead);
  here_->run([&] { opening_ = *driver_->open("", nullptr, kNoOpening); });
  EXPECT_FALSE(opening_ == first);
  Pvec v;
  v.push_back(packet(frame_of(60, 1)));
  driver_->push(first, v);
  EXPECT_EQ(v.size(), 1u) << "the old opening takes nothing";
  driver_->push(opening_, v);
  EXPECT_EQ(host_gets(), frame_of(60, 1));
}

TEST_F(AfPacketTest, WaitsInTheRingWhenThePoolIsEmpty) {
  start();
  Pvec v;
  for (uint32_t i = 0; i < 3; ++i) host_sends(frame_of(60, i));
  std::vector<PacketPtr> all;
  while (PacketPtr p = pool_->alloc()) all.push_back(std::move(p));
  driver_->pull(opening_, v, 64);
  EXPECT_TRUE(v.empty());
  all.clear();
  driver_->pull(opening_, v, 64);
  EXPECT_EQ(v.size(), 3u);
  v.clear();
}

TEST_F(AfPacketTest, PutsAVlanTagBack) {
  start();
  // Tagged in the bytes: the kernel takes the tag out on receipt, and the driver puts it back.
  const Bytes frame = frame_of(100, 3);
  const auto tagged = [&](Bytes tag) {
    Bytes with = frame;
    with.insert(with.begin() + 12, tag.begin(), tag.end());
    return with;
  };
  host_sends(tagged({0x81, 0x00, 0x60, 0x05}));
  host_sends(tagged({0x81, 0x00, 0x60, 0x00}));  // a priority, and no VLAN
  host_sends(tagged({0x88, 0xa8, 0x00, 0x00}));
  Pvec v;
  driver_->pull(opening_, v, 64);
  ASSERT_EQ(v.size(), 3u);
  EXPECT_EQ(content(*v[0]), tagged({0x81, 0x00, 0x60, 0x05}));
  EXPECT_EQ(content(*v[1]), frame);
  EXPECT_EQ(content(*v[2]), tagged({0x88, 0xa8, 0x00, 0x00}));
  v.clear();
}

// A jumbo frame does not fit the ring: it comes whole, in slots, and in its place.
TEST_F(AfPacketTest, JumboFramesComeInOrder) {
  here_->ip("link set r0 mtu 9000");
  there_->ip("link set a0 mtu 9000");
  start();
  const size_t sizes[] = {60, 8000, 9014, 60, 1920, 1921, 2000, 5000, 60};
  uint32_t number = 0;
  for (size_t size : sizes) host_sends(frame_of(size, number++));
  Pvec v;
  const uint64_t before = testing::allocations();
  driver_->pull(opening_, v, 64);
  EXPECT_EQ(testing::allocations(), before);
  ASSERT_EQ(v.size(), std::size(sizes));
  for (uint32_t i = 0; i < number; ++i) EXPECT_EQ(content(*v[i]), frame_of(sizes[i], i)) << i;
  driver_->push(opening_, v);
  for (uint32_t i = 0; i < number; ++i) EXPECT_EQ(host_gets(), frame_of(sizes[i], i)) << i;
  EXPECT_EQ(pool_->bytes_copied(), 0u);
}

TEST_F(AfPacketTest, DropsWhatTheKernelCut) {
  here_->ip("link set r0 mtu 9000");
  there_->ip("link set a0 mtu 9000");
  start();
  // More than may wait beside the ring.
  constexpr uint32_t kSent = 1800;
  for (uint32_t i = 0; i < kSent; ++i) host_sends(frame_of(9000, i));
  int small = 4096;
  ::setsockopt(info().poll_fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  for (uint32_t i = kSent; i < kSent + 10; ++i) host_sends(frame_of(9000, i));
  host_sends(frame_of(60, 1));
  uint32_t got = 0;
  Pvec v;
  for (int i = 0; i < 200; ++i) {
    driver_->pull(opening_, v, 64);
    for (Packet* p : v) EXPECT_EQ(content(*p), frame_of(p->total_length(), load_be32(p->data + 14)));
    got += uint32_t(v.size());
    v.clear();
  }
  EXPECT_GE(stats().drops[DropReason::kInQueueFull], 10u);
  EXPECT_EQ(got + stats().drops[DropReason::kInQueueFull], kSent + 11);
}

TEST_F(AfPacketTest, WithoutOffloadItSaysSo) {
  start({.interface = "r0", .offload = false});
  EXPECT_FALSE(info().offload);
  EXPECT_EQ(info().mode, "TPACKET_V2 rx, sendmmsg tx");
  EXPECT_EQ(info().reason, "offload is off; packets that a local host left unfinished are dropped");
  host_sends(frame_of(60, 1));
  Pvec v;
  driver_->pull(opening_, v, 64);
  ASSERT_EQ(v.size(), 1u);
  EXPECT_EQ(content(*v[0]), frame_of(60, 1));
  driver_->push(opening_, v);
  EXPECT_EQ(host_gets(), frame_of(60, 1));
  PacketPtr unfinished = packet(frame_of(60, 2));
  unfinished->flags |= Packet::kOffload;
  unfinished->offload() = {.checksum_start = 14, .checksum_offset = 2};
  v.push_back(std::move(unfinished));
  driver_->push(opening_, v);
  EXPECT_TRUE(v.empty());
  EXPECT_EQ(stats().drops[DropReason::kPartnerRefused], 1u);
}

// Two hosts on two interfaces, and a wire made of two drivers between them.
class AfPacketWireTest : public ::testing::Test {
 protected:
  void SetUp() override {
    here_ = Netns::create();
    a_ = Netns::create();
    b_ = Netns::create();
    if (!here_ || !a_ || !b_) GTEST_SKIP() << Netns::kWhyNot;
    testing::add_veth(*here_, "r0", *a_, "a0");
    testing::add_veth(*here_, "r1", *b_, "b0");
    a_->ip("addr add 10.77.0.1/24 dev a0");
    b_->ip("addr add 10.77.0.2/24 dev b0");
    a_->ip("addr add fd77::1/64 dev a0 nodad");
    b_->ip("addr add fd77::2/64 dev b0 nodad");
    for (int i = 0; i < 2; ++i) {
      ends_[i] = *AfPacket::create({.interface = i == 0 ? "r0" : "r1"}, *pool_, clock_);
      here_->run([&] { openings_[i] = *ends_[i]->open("", nullptr, kNoOpening); });
    }
    worker_ = std::thread([this] { carry(); });
  }
  void TearDown() override {
    stop_ = true;
    if (worker_.joinable()) worker_.join();
    for (int i = 0; i < 2; ++i) {
      if (ends_[i]) ends_[i]->close(openings_[i]);
    }
    EXPECT_EQ(pool_->in_use(), 0u);
  }

  void carry() {
    Pvec v[2];
    pollfd fds[2];
    for (int i = 0; i < 2; ++i) fds[i] = {info(*ends_[i], openings_[i])->poll_fd, POLLIN, 0};
    while (!stop_) {
      for (int i = 0; i < 2; ++i) {
        ends_[i]->pull(openings_[i], v[i], v[i].room());
        for (Packet* p : v[i]) longest_ = std::max(longest_, p->total_length());
        ends_[1 - i]->push(openings_[1 - i], v[i]);
      }
      if (v[0].empty() && v[1].empty()) ::poll(fds, 2, 10);
    }
    DropCounters ours;
    for (Pvec& rest : v) drop(rest, DropReason::kPathClosed, ours);
  }
  // What came in on one side went out on the other.
  void expect_conservation() {
    stop_ = true;
    worker_.join();
    for (int i = 0; i < 2; ++i) {
      const PartnerStats& in = **stats(*ends_[i], openings_[i]);
      const PartnerStats& out = **stats(*ends_[1 - i], openings_[1 - i]);
      EXPECT_EQ(in.rx_packets.value(), out.tx_packets.value());
      EXPECT_EQ(in.rx_bytes.value(), out.tx_bytes.value());
      EXPECT_EQ(in.drops.total(), 0u);
    }
    EXPECT_EQ(pool_->bytes_copied(), 0u);
  }

  std::unique_ptr<Pool> pool_ = *Pool::create({.packets = 16384, .pages = PageKind::kTransparent});
  SystemClock clock_;
  std::unique_ptr<Netns> here_, a_, b_;
  std::unique_ptr<AfPacket> ends_[2];
  Opening openings_[2];
  std::thread worker_;
  std::atomic<bool> stop_ = false;
  uint32_t longest_ = 0;
};

TEST_F(AfPacketWireTest, TcpOfUnmodifiedHostsCrossesInSuperPackets) {
  testing::tcp_transfer(*a_, *b_, "10.77.0.2", 50 << 20);
  expect_conservation();
  EXPECT_GT(longest_, 30000u);
}

TEST_F(AfPacketWireTest, TcpOverIpv6) {
  testing::tcp_transfer(*b_, *a_, "fd77::1", 50 << 20);
  expect_conservation();
  EXPECT_GT(longest_, 30000u);
}

}  // namespace
}  // namespace weft
