// SPDX-License-Identifier: Apache-2.0
// PcapngWriter: writes packets of one or more interfaces as pcapng, to any fd.
//
//   Section Header, one Interface Description per interface (name, nanoseconds),
//   Enhanced Packets with an optional comment (draft-ietf-opsawg-pcapng).
//
// Threads: one at a time.
// Invariants: what the fd has got is a readable file up to the last flush(); after
//   the first error nothing more is written.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "partner/packet.h"
#include "partner/partner.h"

namespace weft {

class PcapngWriter {
 public:
  // Writes to `fd`, which stays the caller's and may be a file, a pipe or a socket.
  explicit PcapngWriter(int fd);

  // Describes one more interface; at any time.  Packets are cut to `snap` bytes; 0:
  // not at all.  Returns its number, from 0.
  uint32_t add_interface(std::string_view name, Link link, uint32_t snap = 0);

  // Adds the bytes of `p`, at `timestamp` ns since 1970.  Buffered; allocates nothing
  // and enters the kernel only if 256 KiB have gathered.
  // REQUIRES: interface was returned by add_interface()
  void write(uint32_t interface, uint64_t timestamp, const Packet& p, std::string_view comment = {});
  // The same for the first `bytes` of a packet that was `length` bytes long.
  void write(uint32_t interface, uint64_t timestamp, std::span<const uint8_t> bytes, uint32_t length,
             std::string_view comment = {});

  // Writes what is buffered, waiting for a slow reader.  False after any error.
  bool flush();
  // Why nothing is written any more: errno; 0: all is well.
  int error() const { return errno_; }

 private:
  // What stands in front of and behind the bytes of an Enhanced Packet.
  uint32_t begin_packet(uint32_t interface, uint64_t timestamp, uint32_t captured, uint32_t length,
                        std::string_view comment);
  void end_packet(uint32_t captured, uint32_t size, std::string_view comment);
  void add(const void* bytes, size_t n);
  template <typename T>
  void add_number(T v) {
    add(&v, sizeof v);
  }
  void add_option(uint16_t code, std::string_view value);
  void pad(size_t n);

  int fd_;
  int errno_ = 0;
  std::vector<uint8_t> buffer_;
  std::vector<uint32_t> snaps_;  // by interface
};

}  // namespace weft
