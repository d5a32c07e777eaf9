// SPDX-License-Identifier: Apache-2.0
// PcapReader: the frames of a pcap or pcapng file, one by one, by libpcap.
//
// Threads: one at a time.
// Invariants: after the end, or the first error, there are no more frames.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "partner/partner.h"

struct pcap;

namespace weft {

class PcapReader {
 public:
  struct Frame {
    const uint8_t* bytes;  // valid until the next next()
    uint32_t length;       // bytes captured: fewer than were on the wire if the file was snapped
    uint64_t timestamp;    // ns since 1970
  };

  // Takes over `file`, also when it fails: a file, a pipe, or fmemopen().  `name`
  // stands in error sentences.
  // Errors: kInvalid (no pcap file, or neither Ethernet nor raw IP inside).
  static Result<std::unique_ptr<PcapReader>> open(FILE* file, std::string name);
  ~PcapReader();

  Link link() const { return link_; }
  // The next frame; empty at the end, and from the first error on.
  std::optional<Frame> next();
  // Whether the file ended as it should not, and one sentence about it.
  bool failed() const { return failed_; }
  std::string error() const;

 private:
  explicit PcapReader(std::string name) : name_(std::move(name)) {}

  std::string name_;
  std::unique_ptr<char[]> buffer_;  // of the FILE, which libpcap owns
  pcap* pcap_ = nullptr;
  Link link_ = Link::kEthernet;
  bool ended_ = false;
  bool failed_ = false;
};

}  // namespace weft
