// SPDX-License-Identifier: Apache-2.0
// PcapDumper: writes packets to a pcap file with nanoseconds, by libpcap.
//
// Threads: one at a time.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "base/owned_fd.h"
#include "base/result.h"
#include "partner/partner.h"

struct pcap;
struct pcap_dumper;

namespace weft {

class PcapDumper {
 public:
  // Takes over `fd`, which is written from where it stands.  Errors: kIo, kNoMemory.
  static Result<std::unique_ptr<PcapDumper>> create(OwnedFd fd, Link link, const std::string& name);
  // What was not flushed is written, if it can be.
  ~PcapDumper();

  // Adds the bytes of `p` with a time in ns since 1970.  Buffered; allocates nothing.
  void write(uint64_t timestamp, const Packet& p);
  // Writes what is buffered.  False once anything could not be written.
  bool flush();

 private:
  PcapDumper() = default;

  std::unique_ptr<char[]> buffer_;  // of the FILE, which the dumper owns
  std::vector<uint8_t> joined_;     // where the bytes of a chain meet
  pcap* pcap_ = nullptr;
  pcap_dumper* dumper_ = nullptr;
};

}  // namespace weft
