// SPDX-License-Identifier: Apache-2.0
#include "partner/pcap_dumper.h"

#include <fmt/format.h>
#include <pcap/pcap.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace weft {

namespace {
constexpr size_t kBuffer = size_t{1} << 18;
constexpr uint32_t kSnap = 262144;  // as libpcap's MAXIMUM_SNAPLEN
}  // namespace

Result<std::unique_ptr<PcapDumper>> PcapDumper::create(OwnedFd fd, Link link, const std::string& name) {
  std::unique_ptr<PcapDumper> d(new PcapDumper());
  d->buffer_ = std::make_unique_for_overwrite<char[]>(kBuffer);
  d->joined_.resize(kSnap);
  const int dlt = link == Link::kEthernet ? DLT_EN10MB : DLT_RAW;
  d->pcap_ = pcap_open_dead_with_tstamp_precision(dlt, kSnap, PCAP_TSTAMP_PRECISION_NANO);
  if (d->pcap_ == nullptr) return Error{Code::kNoMemory, fmt::format("pcap {}: out of memory", name)};
  FILE* file = ::fdopen(fd.get(), "wb");
  if (file == nullptr) return system_error(fmt::format("pcap {}", name), errno);
  [[maybe_unused]] const int taken = fd.release();
  std::setvbuf(file, d->buffer_.get(), _IOFBF, kBuffer);
  d->dumper_ = pcap_dump_fopen(d->pcap_, file);
  if (d->dumper_ == nullptr) {
    std::fclose(file);
    return Error{Code::kIo, fmt::format("pcap {}: {}", name, pcap_geterr(d->pcap_))};
  }
  return d;
}

PcapDumper::~PcapDumper() {
  if (dumper_ != nullptr) pcap_dump_close(dumper_);
  if (pcap_ != nullptr) pcap_close(pcap_);
}

void PcapDumper::write(uint64_t timestamp, const Packet& p) {
  pcap_pkthdr header{};
  header.ts.tv_sec = time_t(timestamp / 1'000'000'000);
  header.ts.tv_usec = suseconds_t(timestamp % 1'000'000'000);  // ns, by the precision asked for
  header.len = p.total_length();
  header.caplen = std::min(header.len, kSnap);
  const uint8_t* bytes = p.data;
  if (p.next != nullptr) {
    uint32_t n = 0;
    for (const Seg* s = &p; s != nullptr && n < kSnap; s = s->next) {
      const uint32_t part = std::min(s->length, kSnap - n);
      std::memcpy(joined_.data() + n, s->data, part);
      n += part;
    }
    bytes = joined_.data();
  }
  pcap_dump(reinterpret_cast<u_char*>(dumper_), &header, bytes);
}

bool PcapDumper::flush() {
  return pcap_dump_flush(dumper_) == 0 && std::ferror(pcap_dump_file(dumper_)) == 0;
}

}  // namespace weft
