// SPDX-License-Identifier: Apache-2.0
#include "partner/pcapng.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include "base/bytes.h"
#include "base/owned_fd.h"
#include "partner/pcap_reader.h"
#include "partner/pool.h"
#include "tests/unit/testing/allocations.h"
#include "tests/unit/testing/temporary_directory.h"

namespace weft {
namespace {

class PcapngTest : public ::testing::Test {
 protected:
  void TearDown() override { EXPECT_EQ(pool_->in_use(), 0u); }

  OwnedFd create(const char* name) {
    return OwnedFd(::open(dir_.file(name).c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600));
  }
  PacketPtr packet(size_t n, uint8_t first = 0x45) {
    std::vector<uint8_t> bytes(n);
    for (size_t i = 0; i < n; ++i) bytes[i] = uint8_t(first + i);
    return pool_->copy(bytes);
  }
  std::unique_ptr<PcapReader> reader(const char* name) {
    auto r = PcapReader::open(std::fopen(dir_.file(name).c_str(), "rb"), name);
    EXPECT_TRUE(r) << (r ? "" : r.error().sentence);
    return r ? *std::move(r) : nullptr;
  }

  weft::testing::TemporaryDirectory dir_;
  std::unique_ptr<Pool> pool_ = *Pool::create({.packets = 128, .pages = PageKind::k4K});
};

struct Block {
  uint32_t type;
  std::string body;
};

// Splits a file by the two lengths of each block, which must agree.
std::vector<Block> blocks(const std::string& file) {
  std::vector<Block> all;
  for (size_t at = 0; at < file.size();) {
    const auto type = load<uint32_t>(file.data() + at);
    const auto size = load<uint32_t>(file.data() + at + 4);
    if (size % 4 != 0 || size < 12 || at + size > file.size()) {
      ADD_FAILURE() << "block of " << size << " bytes at " << at;
      break;
    }
    EXPECT_EQ(load<uint32_t>(file.data() + at + size - 4), size);
    all.push_back({type, file.substr(at + 8, size - 12)});
    at += size;
  }
  return all;
}

TEST_F(PcapngTest, WritesWhatLibpcapReads) {
  OwnedFd fd = create("a.pcapng");
  PcapngWriter w(fd.get());
  w.add_interface("eth0", Link::kEthernet);
  constexpr uint64_t kTime = 1'700'000'000'123'456'789;
  std::vector<PacketPtr> packets;
  for (const size_t n : {60, 61, 62, 63, 1514, 9000}) {
    packets.push_back(packet(n));
    w.write(0, kTime + n, *packets.back(), n == 61 ? "odd one" : "");
  }
  EXPECT_TRUE(w.flush());

  auto r = reader("a.pcapng");
  EXPECT_EQ(r->link(), Link::kEthernet);
  for (const PacketPtr& p : packets) {
    const auto frame = r->next();
    ASSERT_TRUE(frame) << r->error();
    EXPECT_EQ(frame->length, p->total_length());
    EXPECT_EQ(frame->timestamp, kTime + p->total_length());
    EXPECT_EQ(frame->bytes[frame->length - 1], uint8_t(0x45 + frame->length - 1));
  }
  EXPECT_FALSE(r->next());
  EXPECT_FALSE(r->failed());
}

TEST_F(PcapngTest, LaysBlocksOutAsTheDraftSays) {
  OwnedFd fd = create("a.pcapng");
  PcapngWriter w(fd.get());
  EXPECT_EQ(w.add_interface("eth0", Link::kEthernet), 0u);
  EXPECT_EQ(w.add_interface("path udp0/ip -> udp1", Link::kRaw, 10), 1u);
  PacketPtr p = packet(13);
  w.write(1, (uint64_t{7} << 32) + 8, *p, "hello");
  EXPECT_TRUE(w.flush());

  const auto b = blocks(dir_.read("a.pcapng"));
  ASSERT_EQ(b.size(), 4u);
  EXPECT_EQ(b[0].type, 0x0a0d0d0au);
  EXPECT_EQ(load<uint32_t>(b[0].body.data()), 0x1a2b3c4du);
  EXPECT_EQ(b[1].type, 1u);
  EXPECT_EQ(load<uint16_t>(b[1].body.data()), 1);
  EXPECT_EQ(b[2].type, 1u);
  EXPECT_EQ(load<uint16_t>(b[2].body.data()), 101);
  EXPECT_EQ(load<uint32_t>(b[2].body.data() + 4), 10u);
  EXPECT_NE(b[2].body.find(std::string("\x02\x00\x14\x00path udp0/ip -> udp1", 24)), std::string::npos);
  EXPECT_NE(b[2].body.find(std::string("\x09\x00\x01\x00\x09\x00\x00\x00", 8)), std::string::npos);
  EXPECT_EQ(b[3].type, 6u);
  EXPECT_EQ(load<uint32_t>(b[3].body.data()), 1u);
  EXPECT_EQ(load<uint32_t>(b[3].body.data() + 4), 7u);
  EXPECT_EQ(load<uint32_t>(b[3].body.data() + 8), 8u);
  EXPECT_EQ(load<uint32_t>(b[3].body.data() + 12), 10u) << "captured: cut to the interface's snap";
  EXPECT_EQ(load<uint32_t>(b[3].body.data() + 16), 13u) << "on the wire";
  EXPECT_EQ(b[3].body.substr(32), std::string("\x01\x00\x05\x00hello\0\0\0\0\0\0\0", 16));
}

TEST_F(PcapngTest, CommentsThatFitNoOptionAreClipped) {
  OwnedFd fd = create("a.pcapng");
  PcapngWriter w(fd.get());
  w.add_interface(std::string(100000, 'n'), Link::kRaw);
  PacketPtr p = packet(60);
  w.write(0, 1, *p, std::string(100000, 'c'));
  EXPECT_TRUE(w.flush());
  EXPECT_EQ(blocks(dir_.read("a.pcapng")).size(), 3u);
  auto r = reader("a.pcapng");
  EXPECT_TRUE(r->next());
}

TEST_F(PcapngTest, WritesMoreThanItsBufferToAPipeThatIsRead) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_NONBLOCK), 0);
  OwnedFd in(ends[0]), out(ends[1]);
  std::string got;
  std::thread peer([&] {
    char part[65536];
    for (;;) {
      const ssize_t n = ::read(in.get(), part, sizeof part);
      if (n > 0) got.append(part, size_t(n));
      if (n == 0) return;
      if (n < 0) ::usleep(100);
    }
  });
  {
    PcapngWriter w(out.get());
    w.add_interface("p", Link::kRaw);
    PacketPtr p = packet(20000);
    for (int i = 0; i < 50; ++i) w.write(0, uint64_t(i), *p);
    EXPECT_TRUE(w.flush());
    out.reset();
  }
  peer.join();
  EXPECT_EQ(blocks(got).size(), 52u);
}

TEST_F(PcapngTest, StopsAtTheFirstError) {
  OwnedFd full(::open("/dev/full", O_WRONLY));
  PcapngWriter w(full.get());
  w.add_interface("p", Link::kRaw);
  EXPECT_FALSE(w.flush());
  EXPECT_EQ(w.error(), ENOSPC);
  PacketPtr p = packet(1000);
  for (int i = 0; i < 1000; ++i) w.write(0, 0, *p);
  EXPECT_FALSE(w.flush());
}

TEST_F(PcapngTest, WritingAllocatesNothing) {
  OwnedFd fd = create("a.pcapng");
  PcapngWriter w(fd.get());
  w.add_interface("p", Link::kRaw);
  PacketPtr p = packet(5000);
  const uint64_t before = weft::testing::allocations();
  for (int i = 0; i < 200; ++i) w.write(0, 0, *p, "comment");
  EXPECT_TRUE(w.flush());
  EXPECT_EQ(weft::testing::allocations(), before);
}

}  // namespace
}  // namespace weft
