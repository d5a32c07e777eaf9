// SPDX-License-Identifier: Apache-2.0
#include "partner/pcapng.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace weft {

namespace {

constexpr size_t kBuffer = size_t{1} << 18;

// Block types, options and link types of the draft.
constexpr uint32_t kSectionHeader = 0x0a0d0d0a, kByteOrderMagic = 0x1a2b3c4d;
constexpr uint32_t kInterfaceDescription = 1, kEnhancedPacket = 6;
constexpr uint16_t kEndOfOptions = 0, kComment = 1, kUserApplication = 4, kInterfaceName = 2, kResolution = 9;
constexpr uint16_t kLinkEthernet = 1, kLinkRaw = 101;
constexpr char kNanoseconds = 9;  // 10^-9

constexpr size_t padding(size_t n) { return (4 - n % 4) % 4; }
size_t option_size(std::string_view value) { return 4 + value.size() + padding(value.size()); }
// What fits an option's length.
std::string_view clipped(std::string_view value) { return value.substr(0, 0xffff); }

}  // namespace

PcapngWriter::PcapngWriter(int fd) : fd_(fd) {
  buffer_.reserve(kBuffer);
  constexpr std::string_view kProgram = "weft " WEFT_VERSION;
  const auto size = uint32_t(28 + option_size(kProgram) + 4);
  add_number(kSectionHeader);
  add_number(size);
  add_number(kByteOrderMagic);
  add_number(uint16_t{1});  // version 1.0
  add_number(uint16_t{0});
  add_number(~uint64_t{0});  // length of the section: unknown
  add_option(kUserApplication, kProgram);
  add_option(kEndOfOptions, {});
  add_number(size);
}

uint32_t PcapngWriter::add_interface(std::string_view name, Link link, uint32_t snap) {
  name = clipped(name);
  const std::string_view resolution(&kNanoseconds, 1);
  const auto size = uint32_t(20 + option_size(name) + option_size(resolution) + 4);
  add_number(kInterfaceDescription);
  add_number(size);
  add_number(link == Link::kEthernet ? kLinkEthernet : kLinkRaw);
  add_number(uint16_t{0});
  add_number(snap);
  add_option(kInterfaceName, name);
  add_option(kResolution, resolution);
  add_option(kEndOfOptions, {});
  add_number(size);
  snaps_.push_back(snap == 0 ? UINT32_MAX : snap);
  return uint32_t(snaps_.size() - 1);
}

void PcapngWriter::write(uint32_t interface, uint64_t timestamp, const Packet& p, std::string_view comment) {
  if (errno_ != 0) return;
  comment = clipped(comment);
  const uint32_t length = p.total_length();
  const uint32_t captured = std::min(length, snaps_[interface]);
  const uint32_t size = begin_packet(interface, timestamp, captured, length, comment);
  uint32_t left = captured;
  for (const Seg* s = &p; left > 0; s = s->next) {
    const uint32_t n = std::min(left, s->length);
    add(s->data, n);
    left -= n;
  }
  end_packet(captured, size, comment);
}

void PcapngWriter::write(uint32_t interface, uint64_t timestamp, std::span<const uint8_t> bytes,
                         uint32_t length, std::string_view comment) {
  if (errno_ != 0) return;
  comment = clipped(comment);
  const auto captured = uint32_t(std::min<size_t>(bytes.size(), snaps_[interface]));
  const uint32_t size = begin_packet(interface, timestamp, captured, length, comment);
  add(bytes.data(), captured);
  end_packet(captured, size, comment);
}

uint32_t PcapngWriter::begin_packet(uint32_t interface, uint64_t timestamp, uint32_t captured,
                                    uint32_t length, std::string_view comment) {
  const size_t options = comment.empty() ? 0 : option_size(comment) + 4;
  const auto size = uint32_t(32 + captured + padding(captured) + options);
  add_number(kEnhancedPacket);
  add_number(size);
  add_number(interface);
  add_number(uint32_t(timestamp >> 32));
  add_number(uint32_t(timestamp));
  add_number(captured);
  add_number(length);
  return size;
}

void PcapngWriter::end_packet(uint32_t captured, uint32_t size, std::string_view comment) {
  pad(captured);
  if (!comment.empty()) {
    add_option(kComment, comment);
    add_option(kEndOfOptions, {});
  }
  add_number(size);
}

bool PcapngWriter::flush() {
  size_t done = 0;
  while (errno_ == 0 && done < buffer_.size()) {
    const ssize_t n = ::write(fd_, buffer_.data() + done, buffer_.size() - done);
    if (n >= 0) {
      done += size_t(n);
    } else if (errno == EAGAIN) {
      pollfd wait{.fd = fd_, .events = POLLOUT, .revents = 0};
      ::poll(&wait, 1, -1);
    } else if (errno != EINTR) {
      errno_ = errno;
    }
  }
  buffer_.clear();
  return errno_ == 0;
}

void PcapngWriter::add(const void* bytes, size_t n) {
  const auto* from = static_cast<const uint8_t*>(bytes);
  while (n > 0) {
    if (buffer_.size() == kBuffer) flush();
    const size_t part = std::min(n, kBuffer - buffer_.size());
    buffer_.insert(buffer_.end(), from, from + part);
    from += part;
    n -= part;
  }
}

void PcapngWriter::add_option(uint16_t code, std::string_view value) {
  add_number(code);
  add_number(uint16_t(value.size()));
  add(value.data(), value.size());
  pad(value.size());
}

// Zeros up to the next multiple of 4 behind `n` bytes.
void PcapngWriter::pad(size_t n) {
  constexpr uint8_t kZeros[4] = {};
  add(kZeros, padding(n));
}

}  // namespace weft
