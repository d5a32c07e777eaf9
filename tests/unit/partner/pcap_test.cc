// SPDX-License-Identifier: Apache-2.0
#include "partner/pcap.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <ctime>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "tests/unit/testing/allocations.h"
#include "tests/unit/testing/temporary_directory.h"

namespace weft {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;

// A classic pcap file, written by hand.
class File {
 public:
  explicit File(uint32_t link_type, bool swapped = false) : swapped_(swapped) {
    number(uint32_t{0xa1b2c3d4});  // microseconds
    number(uint16_t{2});
    number(uint16_t{4});
    number(uint64_t{0});
    number(uint32_t{262144});
    number(link_type);
  }
  File& frame(uint64_t ns, size_t n, uint8_t first = 0) {
    number(uint32_t(ns / kSecond));
    number(uint32_t(ns % kSecond / 1000));
    number(uint32_t(n));
    number(uint32_t(n));
    for (size_t i = 0; i < n; ++i) bytes_.push_back(char(first + i));
    return *this;
  }
  std::string bytes() const { return bytes_; }

 private:
  template <typename T>
  void number(T v) {
    if (swapped_) v = sizeof v == 8 ? v : T(sizeof v == 4 ? swap_be(uint32_t(v)) : swap_be(uint16_t(v)));
    bytes_.append(reinterpret_cast<const char*>(&v), sizeof v);
  }

  bool swapped_;
  std::string bytes_;
};

constexpr uint32_t kEthernetType = 1, kRawType = 101;

class PcapTest : public ::testing::Test {
 protected:
  void TearDown() override {
    v_.clear();
    if (pcap_ && open_) pcap_->close({0});
    EXPECT_EQ(pool_->in_use(), 0u);
  }

  void open(const PcapPartner::Options& options) {
    if (pcap_ && open_) pcap_->close({0});
    pcap_ = *PcapPartner::create(options, *pool_, clock_);
    auto opened = pcap_->open("", nullptr, {});
    open_ = bool(opened);
    ASSERT_TRUE(opened) << opened.error().sentence;
  }
  // The sentence of the error that create() or open() gives.
  std::string refusal(const PcapPartner::Options& options) {
    auto made = PcapPartner::create(options, *pool_, clock_);
    if (!made) return made.error().sentence;
    auto opened = (*made)->open("", nullptr, {});
    return opened ? "opened" : opened.error().sentence;
  }
  // First bytes of what pull() gives.
  std::vector<int> pull(size_t max = 64) {
    pcap_->pull({0}, v_, max);
    std::vector<int> first;
    for (const Packet* p : v_) first.push_back(p->data[0]);
    v_.clear();
    return first;
  }
  std::string eof() { return std::get<std::string>(*pcap_->control({0}, TextRequest{"eof"})); }
  std::string reason() { return info(*pcap_, {0})->reason; }
  // Whether a worker that sleeps on it would be woken, within so many milliseconds.
  bool readable(int ms = 0) {
    pollfd p{.fd = info(*pcap_, {0})->poll_fd, .events = POLLIN, .revents = 0};
    return ::poll(&p, 1, ms) == 1;
  }
  const PartnerStats& counters() { return **stats(*pcap_, {0}); }
  static std::string content(const Packet& p) {
    std::string b;
    for (const Packet* s = &p; s != nullptr; s = s->next) b.append(s->data, s->data + s->length);
    return b;
  }

  weft::testing::TemporaryDirectory dir_;
  std::unique_ptr<Pool> pool_ = *Pool::create({.packets = 256, .pages = PageKind::k4K});
  ManualClock clock_;
  std::unique_ptr<PcapPartner> pcap_;
  bool open_ = false;
  Pvec v_;
};

TEST_F(PcapTest, ReplaysInOrderThenEnds) {
  File f(kEthernetType);
  for (int i = 0; i < 100; ++i) f.frame(5 * kSecond + uint64_t(i) * 1000, 60, uint8_t(i));
  open({.read = dir_.write("a.pcap", f.bytes())});
  EXPECT_EQ(info(*pcap_, {0})->link, Link::kEthernet);
  EXPECT_TRUE(readable());
  EXPECT_EQ(eof(), "no");
  pcap_->pull({0}, v_, 64);
  ASSERT_EQ(v_.size(), 64u);
  EXPECT_EQ(v_[63]->data[0], 63);
  EXPECT_EQ(v_[63]->timestamp, 5 * kSecond + 63000);
  EXPECT_EQ(v_[63]->headroom(), Packet::kHeadroom - Packet::kReserved);
  v_.clear();
  EXPECT_EQ(pull().size(), 36u);
  EXPECT_EQ(eof(), "yes");
  EXPECT_TRUE(pull().empty());
  EXPECT_FALSE(readable());
  EXPECT_EQ(reason(), "");
  EXPECT_EQ(counters().rx_packets.value(), 100u);
  EXPECT_EQ(counters().rx_bytes.value(), 6000u);
}

// Found by fuzz_pcap: they came out as times before 1970.
TEST_F(PcapTest, TimesAfter2038AreKept) {
  const uint64_t time = uint64_t{0x88070605} * kSecond + 1000;
  open({.read = dir_.write("a.pcap", File(kEthernetType).frame(time, 60).bytes())});
  pcap_->pull({0}, v_, 64);
  ASSERT_EQ(v_.size(), 1u);
  EXPECT_EQ(v_[0]->timestamp, time);
}

TEST_F(PcapTest, ReadsRawAndOtherByteOrder) {
  open({.read = dir_.write("a.pcap", File(kRawType, true).frame(kSecond, 40, 0x45).bytes())});
  EXPECT_EQ(info(*pcap_, {0})->link, Link::kRaw);
  EXPECT_EQ(pull(), (std::vector<int>{0x45}));
}

TEST_F(PcapTest, LongFramesBecomeChainsAndEmptyOnesAreCounted) {
  File f(kEthernetType);
  f.frame(1, 1920, 1).frame(1, 1921, 2).frame(1, 0).frame(1, 60000, 3);
  open({.read = dir_.write("a.pcap", f.bytes())});
  pcap_->pull({0}, v_, 64);
  ASSERT_EQ(v_.size(), 3u);
  EXPECT_EQ(v_[0]->segs, 1);
  EXPECT_EQ(v_[1]->segs, 2);
  EXPECT_EQ(v_[2]->segs, 32);
  const std::string big = content(*v_[2]);
  ASSERT_EQ(big.size(), 60000u);
  for (size_t i = 0; i < big.size(); ++i) ASSERT_EQ(uint8_t(big[i]), uint8_t(3 + i));
  EXPECT_EQ(counters().drops[DropReason::kTooShort], 1u);
}

TEST_F(PcapTest, WaitsForThePoolAndLosesNothing) {
  File f(kEthernetType);
  for (int i = 0; i < 10; ++i) f.frame(1, 3000, uint8_t(i));
  open({.read = dir_.write("a.pcap", f.bytes())});
  std::vector<PacketPtr> hoard;
  while (pool_->available() > 3) hoard.push_back(pool_->alloc());
  EXPECT_EQ(pull(), (std::vector<int>{0}));
  EXPECT_EQ(pull(), (std::vector<int>{1}));
  hoard.clear();
  EXPECT_EQ(pull(), (std::vector<int>{2, 3, 4, 5, 6, 7, 8, 9}));
}

TEST_F(PcapTest, AFrameLargerThanThePoolIsCountedNotWaitedFor) {
  auto tiny = *Pool::create({.packets = 2, .pages = PageKind::k4K});
  const std::string path = dir_.write("a.pcap", File(kEthernetType).frame(1, 9000).frame(1, 60, 7).bytes());
  auto pcap = *PcapPartner::create({.read = path}, *tiny, clock_);
  ASSERT_TRUE(pcap->open("", nullptr, {}));
  pcap->pull({0}, v_, 64);
  ASSERT_EQ(v_.size(), 1u);
  EXPECT_EQ(v_[0]->data[0], 7);
  EXPECT_EQ((**stats(*pcap, {0})).drops[DropReason::kPoolExhausted], 1u);
  v_.clear();
}

TEST_F(PcapTest, ReplaysAtTheTimesInTheFile) {
  File f(kEthernetType);
  f.frame(9 * kSecond, 60, 1).frame(9 * kSecond + 4000, 60, 2).frame(8 * kSecond, 60, 3);
  f.frame(9 * kSecond + 8000, 60, 4);
  open({.read = dir_.write("a.pcap", f.bytes()), .timed = true, .speed = 2});
  EXPECT_EQ(pull(), (std::vector<int>{1}));
  clock_.advance_ns(1999);
  EXPECT_TRUE(pull().empty());
  EXPECT_EQ(eof(), "no");
  clock_.advance_ns(1);
  EXPECT_EQ(pull(), (std::vector<int>{2, 3})) << "time that goes back in the file delays nothing";
  clock_.advance_ns(2000);
  EXPECT_EQ(pull(), (std::vector<int>{4}));
  EXPECT_EQ(eof(), "yes");
}

TEST_F(PcapTest, WakesWhoSleepsWhenAFrameIsDue) {
  const SystemClock clock;
  File f(kEthernetType);
  f.frame(9 * kSecond, 60, 1).frame(9 * kSecond + 50'000'000, 60, 2);
  pcap_ = *PcapPartner::create({.read = dir_.write("a.pcap", f.bytes()), .timed = true}, *pool_, clock);
  open_ = bool(pcap_->open("", nullptr, {}));
  ASSERT_TRUE(open_);
  EXPECT_TRUE(readable());
  const uint64_t start = clock.now_ns();
  EXPECT_EQ(pull(), (std::vector<int>{1}));
  EXPECT_TRUE(readable(10'000));
  EXPECT_GE(clock.now_ns() - start, 50'000'000u);
  EXPECT_EQ(pull(), (std::vector<int>{2}));
  EXPECT_FALSE(readable());
}

TEST_F(PcapTest, NobodyIsWokenForARecord) {
  open({.write = dir_.file("out.pcap")});
  EXPECT_FALSE(readable());
}

TEST_F(PcapTest, RepeatsAsOftenAsAsked) {
  const std::string path = dir_.write("a.pcap", File(kEthernetType).frame(1, 60, 1).frame(1, 60, 2).bytes());
  open({.read = path, .passes = 3});
  std::filesystem::remove(path);  // the open file counts, not the name
  EXPECT_EQ(pull(5), (std::vector<int>{1, 2, 1, 2, 1}));
  EXPECT_EQ(eof(), "no");
  EXPECT_EQ(pull(), (std::vector<int>{2}));
  EXPECT_EQ(eof(), "yes");
}

TEST_F(PcapTest, RepeatsWithoutEndButNotAnEmptyFile) {
  open({.read = dir_.write("a.pcap", File(kEthernetType).frame(1, 60, 1).bytes()), .passes = 0});
  for (int i = 0; i < 10; ++i) EXPECT_EQ(pull().size(), 64u);
  open({.read = dir_.write("b.pcap", File(kEthernetType).bytes()), .passes = 0});
  EXPECT_TRUE(pull().empty());
  EXPECT_EQ(eof(), "yes");
}

TEST_F(PcapTest, TimedPassesFollowOneAnother) {
  File f(kEthernetType);
  f.frame(kSecond, 60, 1).frame(kSecond + 1000, 60, 2);
  open({.read = dir_.write("a.pcap", f.bytes()), .timed = true, .passes = 0});
  EXPECT_EQ(pull(), (std::vector<int>{1}));
  clock_.advance_ns(1000);
  EXPECT_EQ(pull(), (std::vector<int>{2, 1}));
  EXPECT_TRUE(pull().empty());
}

// Cut anywhere: what is whole is given, then the reason is told.
TEST_F(PcapTest, TruncatedFilesGiveWhatCanBeRead) {
  const std::string whole = File(kEthernetType).frame(1, 60, 1).frame(1, 60, 2).bytes();
  for (size_t n = 24; n < whole.size(); ++n) {
    open({.read = dir_.write("cut.pcap", whole.substr(0, n)), .passes = 0});
    const size_t frames = (n - 24) / 76;
    const bool clean = (n - 24) % 76 == 0;
    if (clean && frames > 0) continue;  // a good file, without end
    EXPECT_EQ(pull().size(), frames) << n;
    EXPECT_EQ(eof(), "yes");
    EXPECT_EQ(reason().empty(), clean) << n;
    if (!clean) {
      EXPECT_NE(reason().find("cut.pcap: "), std::string::npos) << reason();
    }
    EXPECT_TRUE(pull().empty());
  }
}

TEST_F(PcapTest, SaysWhatIsWrong) {
  EXPECT_EQ(refusal({}), "pcap: a file to read or to write is needed");
  EXPECT_EQ(refusal({.read = "/nowhere/x.pcap"}), "pcap /nowhere/x.pcap: No such file or directory");
  EXPECT_EQ(refusal({.write = "/nowhere/x.pcap"}), "pcap /nowhere/x.pcap: No such file or directory");
  EXPECT_EQ(refusal({.read = "/tmp"}), "pcap /tmp: Is a directory");
  EXPECT_EQ(refusal({.read = "x", .speed = 0}), "pcap x: speed must be above 0, at most 1e9");
  EXPECT_EQ(refusal({.read = "x", .speed = std::nan("")}), "pcap x: speed must be above 0, at most 1e9");
  EXPECT_EQ(refusal({.write = "/dev/full"}), "pcap /dev/full: No space left on device");
  EXPECT_EQ(refusal({.read = "/dev/null", .passes = 2}),
            "pcap /dev/null: only a regular file can be replayed more than once");
  const std::string usb = dir_.write("usb.pcap", File(189).bytes());
  EXPECT_EQ(refusal({.read = usb}), "pcap " + usb + ": link type USB_LINUX is neither Ethernet nor raw IP");
  const std::string odd = dir_.write("odd.pcap", File(199999).bytes());
  EXPECT_EQ(refusal({.read = odd}), "pcap " + odd + ": link type 199999 is neither Ethernet nor raw IP");
  const std::string text = dir_.write("a.txt", "hello, this is no capture file at all");
  EXPECT_EQ(refusal({.read = text}), "pcap " + text + ": unknown file format");
  const std::string empty = dir_.write("empty.pcap", "");
  EXPECT_NE(refusal({.read = empty}).find("empty.pcap: "), std::string::npos);

  const std::string same = dir_.write("same.pcap", File(kEthernetType).bytes());
  std::filesystem::create_symlink(same, dir_.file("alias.pcap"));
  EXPECT_EQ(refusal({.read = same, .write = dir_.file("alias.pcap")}),
            "pcap " + dir_.file("alias.pcap") + ": is the file that is replayed");
  EXPECT_EQ(dir_.read("same.pcap"), File(kEthernetType).bytes());
  open({.read = same});
  EXPECT_EQ(pcap_->open("", nullptr, {}).error().code, Code::kBusy);
  EXPECT_EQ(pcap_->control({0}, TextRequest{"size"}).error().sentence, "pcap: it knows 'eof', not 'size'");
}

TEST_F(PcapTest, WithoutARecordNothingIsTaken) {
  open({.read = dir_.write("a.pcap", File(kEthernetType).frame(1, 60).bytes())});
  pcap_->pull({0}, v_, 1);
  pcap_->push({0}, v_);
  EXPECT_TRUE(v_.empty());
  EXPECT_EQ(counters().drops[DropReason::kPartnerRefused], 1u);
}

class RecordTest : public PcapTest, public ::testing::WithParamInterface<const char*> {};

// The frames and their times survive pcap -> partner -> file -> partner.
TEST_P(RecordTest, WhatIsReplayedCanBeRecordedWhole) {
  for (const uint32_t type : {kEthernetType, kRawType}) {
    File f(type);
    for (int i = 0; i < 200; ++i) f.frame(kSecond * uint64_t(i + 1), 60 + size_t(i) * 37, uint8_t(i));
    const std::string out = dir_.file(GetParam());
    open({.read = dir_.write("in.pcap", f.bytes()), .write = out});
    while (eof() == "no") {
      pcap_->pull({0}, v_, 32);
      pcap_->push({0}, v_);
      ASSERT_TRUE(v_.empty());
    }
    EXPECT_EQ(counters().tx_packets.value(), 200u);
    EXPECT_EQ(counters().tx_bytes.value(), counters().rx_bytes.value());
    EXPECT_EQ(pool_->bytes_copied(), 0u);

    open({.read = out});
    EXPECT_EQ(info(*pcap_, {0})->link, type == kRawType ? Link::kRaw : Link::kEthernet);
    int i = 0;
    for (; eof() == "no"; ++i) {
      pcap_->pull({0}, v_, 1);
      ASSERT_EQ(v_.size(), 1u);
      EXPECT_EQ(v_[0]->timestamp, kSecond * uint64_t(i + 1));
      const std::string b = content(*v_[0]);
      ASSERT_EQ(b.size(), 60 + size_t(i) * 37);
      for (size_t k = 0; k < b.size(); ++k) ASSERT_EQ(uint8_t(b[k]), uint8_t(size_t(i) + k));
      v_.clear();
    }
    EXPECT_EQ(i, 200);
    EXPECT_EQ(reason(), "");
  }
}

TEST_P(RecordTest, PacketsWithoutATimeGetTheWallClock) {
  open({.write = dir_.file(GetParam()), .link = Link::kRaw});
  const auto before = uint64_t(::time(nullptr));
  PacketPtr p = pool_->alloc();
  p->length = 20;
  p->timestamp = 0;
  v_.push_back(std::move(p));
  pcap_->push({0}, v_);
  open({.read = dir_.file(GetParam())});
  pcap_->pull({0}, v_, 1);
  ASSERT_EQ(v_.size(), 1u);
  EXPECT_NEAR(double(v_[0]->timestamp / kSecond), double(before), 5.0);
}

TEST_P(RecordTest, SuperPacketsAreCutAndLyingOnesDropped) {
  open({.write = dir_.file(GetParam()), .link = Link::kRaw});
  for (const bool lies : {false, true}) {
    std::vector<uint8_t> b(28 + 2500, 1);
    b[0] = 0x45;
    store_be16(&b[2], uint16_t(b.size()));
    store_be16(&b[6], 0);
    b[9] = 17;
    PacketPtr p = pool_->copy(b);
    p->flags |= Packet::kOffload;
    p->timestamp = 1;
    p->offload() = {.segment_size = 1000,
                    .headers_length = uint16_t(lies ? 3 : 28),
                    .checksum_start = 20,
                    .checksum_offset = 6,
                    .kind = Offload::kUdp};
    v_.push_back(std::move(p));
  }
  pcap_->push({0}, v_);
  EXPECT_EQ(counters().tx_packets.value(), 3u);
  EXPECT_EQ(counters().tx_bytes.value(), 3 * 28 + 2500u);
  EXPECT_EQ(counters().drops[DropReason::kBadLength], 1u);
}

TEST_P(RecordTest, AFullDiskIsCountedAndTold) {
  open({.write = dir_.file(GetParam())});
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit limit{4096, before.rlim_max};
  ::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  for (int i = 0; i < 20; ++i) {
    PacketPtr p = pool_->alloc();
    p->length = 1000;
    p->timestamp = 1;
    v_.push_back(std::move(p));
    pcap_->push({0}, v_);
  }
  ::setrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, SIG_DFL);
  const uint64_t lost = counters().drops[DropReason::kDeviceError];
  EXPECT_GT(lost, 0u);
  EXPECT_EQ(lost + counters().tx_packets.value(), 20u);
  EXPECT_NE(reason().find("could not be written"), std::string::npos);
  EXPECT_FALSE(info(*pcap_, {0})->up);
}

TEST_P(RecordTest, AllocatesNothing) {
  File f(kEthernetType);
  for (int i = 0; i < 300; ++i) f.frame(1, 1400);
  open({.read = dir_.write("in.pcap", f.bytes()), .write = dir_.file(GetParam())});
  const uint64_t before = weft::testing::allocations();
  for (int i = 0; i < 4; ++i) {
    pcap_->pull({0}, v_, 64);
    pcap_->push({0}, v_);
  }
  EXPECT_EQ(weft::testing::allocations(), before);
  EXPECT_EQ(counters().tx_packets.value(), 256u);
}

INSTANTIATE_TEST_SUITE_P(Formats, RecordTest, ::testing::Values("out.pcap", "out.pcapng"));

TEST(PcapReaderTest, SurvivesHostileFiles) {
  std::string ng(
      "\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b\x1a\1\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\x1c\0\0\0", 28);
  ng += std::string("\1\0\0\0\x14\0\0\0\1\0\0\0\0\0\4\0\x14\0\0\0", 20);
  ng += std::string("\6\0\0\0\x28\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\6\0\0\0\6\0\0\0abcdef\0\0\x28\0\0\0", 40);
  const std::string seeds[] = {File(kEthernetType).frame(1, 60).frame(2, 70).bytes(), ng};
  std::mt19937 random(7);
  size_t frames = 0;
  for (int i = 0; i < 2000; ++i) {
    std::string bytes = seeds[i % 2];
    for (uint32_t n = random() % 4; n > 0; --n) bytes[random() % bytes.size()] = char(random());
    if (random() % 4 == 0) bytes.resize(1 + random() % bytes.size());
    auto reader = PcapReader::open(::fmemopen(bytes.data(), bytes.size(), "rb"), "memory");
    if (!reader) continue;
    while (auto frame = (*reader)->next()) {
      uint64_t sum = 0;
      for (uint32_t k = 0; k < frame->length; ++k) sum += frame->bytes[k];
      frames += sum <= frame->length * 255ull;
    }
    EXPECT_EQ((*reader)->failed(), !(*reader)->error().empty());
  }
  EXPECT_GT(frames, 500u);
}

}  // namespace
}  // namespace weft
