// SPDX-License-Identifier: Apache-2.0
#include "partner/pcap_reader.h"

#include <fmt/format.h>
#include <pcap/pcap.h>

namespace weft {

namespace {

constexpr size_t kBuffer = size_t{1} << 20;  // so that a Pvec costs one read at most

std::optional<Link> link_of(int dlt) {
  switch (dlt) {
    case DLT_EN10MB:
      return Link::kEthernet;
    case DLT_RAW:
    case DLT_IPV4:
    case DLT_IPV6:
      return Link::kRaw;
    default:
      return std::nullopt;
  }
}

// The seconds of a pcap file are 32 bits without a sign (draft-ietf-opsawg-pcap section 5);
// libpcap gives them one.  Those of a pcapng file are never negative.
uint64_t seconds_of(const timeval& time) {
  return time.tv_sec < 0 ? uint64_t{uint32_t(time.tv_sec)} : uint64_t(time.tv_sec);
}

std::string type_name(int dlt) {
  const char* name = pcap_datalink_val_to_name(dlt);
  return name != nullptr ? name : fmt::format("{}", dlt);
}

}  // namespace

Result<std::unique_ptr<PcapReader>> PcapReader::open(FILE* file, std::string name) {
  std::unique_ptr<PcapReader> reader(new PcapReader(std::move(name)));
  reader->buffer_ = std::make_unique_for_overwrite<char[]>(kBuffer);
  std::setvbuf(file, reader->buffer_.get(), _IOFBF, kBuffer);
  char why[PCAP_ERRBUF_SIZE] = "";
  reader->pcap_ = pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, why);
  if (reader->pcap_ == nullptr) {
    std::fclose(file);
    return Error{Code::kInvalid, fmt::format("pcap {}: {}", reader->name_, why)};
  }
  const int dlt = pcap_datalink(reader->pcap_);
  const auto link = link_of(dlt);
  if (!link) {
    return Error{Code::kInvalid, fmt::format("pcap {}: link type {} is neither Ethernet nor raw IP",
                                             reader->name_, type_name(dlt))};
  }
  reader->link_ = *link;
  return reader;
}

PcapReader::~PcapReader() {
  if (pcap_ != nullptr) pcap_close(pcap_);
}

std::optional<PcapReader::Frame> PcapReader::next() {
  if (ended_) return std::nullopt;
  pcap_pkthdr* header = nullptr;
  const u_char* bytes = nullptr;
  const int got = pcap_next_ex(pcap_, &header, &bytes);
  if (got != 1) {
    ended_ = true;
    failed_ = got != PCAP_ERROR_BREAK;
    return std::nullopt;
  }
  // With nanosecond precision, tv_usec holds nanoseconds.
  const uint64_t timestamp = seconds_of(header->ts) * 1'000'000'000 + uint64_t(header->ts.tv_usec);
  return Frame{bytes, header->caplen, timestamp};
}

std::string PcapReader::error() const {
  return failed_ ? fmt::format("pcap {}: {}", name_, pcap_geterr(pcap_)) : std::string();
}

}  // namespace weft
