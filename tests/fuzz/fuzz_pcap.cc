// SPDX-License-Identifier: Apache-2.0
// Any bytes as a pcap or pcapng file, replayed by a PcapPartner and recorded again by
// others, as pcap and as pcapng.  Must hold:
//   - it opens, or says in one line why not; it ends, and says why if too early
//   - frames read = given + dropped
//   - what was recorded reads as it was given: bytes, link, and times as far as the
//     format has them
//   - every packet is back in the pool
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

#include "base/owned_fd.h"
#include "partner/pcap.h"
#include "partner/pcap_dumper.h"
#include "tests/fuzz/require.h"
#include "tests/unit/testing/partners.h"

namespace weft::fuzz {
namespace {

constexpr size_t kPackets = 64;  // longer frames are dropped

struct Seen {
  std::string bytes;
  uint64_t time;
  bool operator==(const Seen&) const = default;
};

OwnedFd memory_file(const uint8_t* data, size_t size) {
  OwnedFd fd(::memfd_create("fuzz_pcap", MFD_CLOEXEC));
  require(bool(fd) && ::write(fd.get(), data, size) == ssize_t(size));
  return fd;
}
std::string name_of(const OwnedFd& fd) { return "/proc/self/fd/" + std::to_string(fd.get()); }

void check_sentence(const std::string& sentence) {
  require(!sentence.empty());
  for (char c : sentence) require(uint8_t(c) >= ' ' && c != 0x7f, sentence.c_str());
}

std::unique_ptr<PcapReader> reader_of(const OwnedFd& fd) {
  FILE* file = std::fopen(name_of(fd).c_str(), "rb");
  require(file != nullptr);
  auto reader = PcapReader::open(file, "recorded");
  if (!reader) check_sentence(reader.error().sentence);
  return reader ? std::move(*reader) : nullptr;
}

struct Read {
  Link link;
  uint64_t frames = 0;
  std::vector<Seen> seen;  // those that are not empty and fit the pool
};
Read read_all(PcapReader& reader) {
  Read all{.link = reader.link()};
  while (const auto frame = reader.next()) {
    ++all.frames;
    if (frame->length == 0 || frame->length > kPackets * (Packet::kRoom - Packet::kHeadroom)) continue;
    all.seen.push_back({{reinterpret_cast<const char*>(frame->bytes), frame->length}, frame->timestamp});
  }
  if (reader.failed()) check_sentence(reader.error());
  return all;
}

// What a record keeps of a packet: a time of 0 means "now".
void compare(const OwnedFd& record, const Read& given, uint64_t time_mask) {
  auto reader = reader_of(record);
  require(reader != nullptr, "a record is a file that can be read");
  const Read again = read_all(*reader);
  require(!reader->failed(), "a record ends where it should");
  require(again.link == given.link && again.seen.size() == given.seen.size());
  for (size_t i = 0; i < again.seen.size(); ++i) {
    require(again.seen[i].bytes == given.seen[i].bytes);
    if (given.seen[i].time == 0) continue;
    const auto in_format = [&](uint64_t t) {
      return std::pair(t / 1'000'000'000 & time_mask, t % 1'000'000'000);
    };
    require(in_format(again.seen[i].time) == in_format(given.seen[i].time), "the time is kept");
  }
}

void run(const uint8_t* data, size_t size) {
  static Pool& pool = *Pool::create({.packets = kPackets, .pages = PageKind::k4K})->release();
  static SystemClock clock;
  const OwnedFd file = memory_file(data, size);
  auto reader = reader_of(file);
  auto partner = PcapPartner::create({.read = name_of(file)}, pool, clock);
  require(bool(partner));
  const auto opened = (*partner)->open("", nullptr, kNoOpening);
  require(bool(opened) == (reader != nullptr), "both open it, or none");
  if (!opened) return check_sentence(opened.error().sentence);
  const Read expected = read_all(*reader);

  OwnedFd pcap_file = memory_file(nullptr, 0), pcapng_file = memory_file(nullptr, 0);
  {
    auto dumper = PcapDumper::create(OwnedFd(::dup(pcap_file.get())), expected.link, "pcap");
    require(bool(dumper));
    PcapngWriter pcapng(pcapng_file.get());
    pcapng.add_interface("fuzz", expected.link);
    size_t given = 0;
    for (;;) {
      Pvec v;
      (*partner)->pull(*opened, v, Pvec::kCapacity);
      if (v.empty()) break;
      for (const Packet* p : v) {
        require(given < expected.seen.size());
        require(Seen{test::bytes_of(*p), p->timestamp} == expected.seen[given++]);
        (*dumper)->write(p->timestamp, *p);
        pcapng.write(0, p->timestamp, *p, given % 2 == 0 ? "" : "odd");
      }
      v.clear();
    }
    require((*dumper)->flush() && pcapng.flush());
    require(given == expected.seen.size(), "everything was given");
    const PartnerStats& stats = *std::get<const PartnerStats*>(*(*partner)->control(*opened, StatsRequest{}));
    require(stats.rx_packets.value() == given && given + stats.drops.total() == expected.frames);
    const auto eof = (*partner)->control(*opened, TextRequest{"eof"});
    require(eof && std::get<std::string>(*eof) == "yes");
  }
  (*partner)->close(*opened);
  require(pool.in_use() == 0);
  compare(pcap_file, expected, UINT32_MAX);
  compare(pcapng_file, expected, UINT64_MAX);
}

}  // namespace
}  // namespace weft::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  weft::fuzz::run(data, size);
  return 0;
}
