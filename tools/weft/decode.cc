// SPDX-License-Identifier: Apache-2.0
#include "tools/weft/decode.h"

#include <arpa/inet.h>
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cstdint>

#include "base/bytes.h"

namespace weft::cli {

namespace {

// The bytes that are left, read from the front.
class Bytes {
 public:
  explicit Bytes(std::string_view bytes) : bytes_(bytes) {}
  bool has(size_t n) const { return bytes_.size() >= n; }
  bool empty() const { return bytes_.empty(); }
  // REQUIRES, of all below: has(at + what is read)
  uint8_t u8(size_t at) const { return uint8_t(bytes_[at]); }
  uint16_t u16(size_t at) const { return load_be16(bytes_.data() + at); }
  uint32_t u32(size_t at) const { return load_be32(bytes_.data() + at); }
  std::string mac(size_t at) const {
    return fmt::format("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", u8(at), u8(at + 1), u8(at + 2),
                       u8(at + 3), u8(at + 4), u8(at + 5));
  }
  std::string address(int family, size_t at) const {
    char text[INET6_ADDRSTRLEN] = "";
    ::inet_ntop(family, bytes_.data() + at, text, sizeof text);
    return text;
  }
  Bytes from(size_t at) const { return Bytes(bytes_.substr(std::min(at, bytes_.size()))); }

 private:
  std::string_view bytes_;
};

constexpr const char* kCut = "(cut short)";

std::string tcp(Bytes b) {
  if (!b.has(20)) return kCut;
  std::string flags;
  constexpr std::string_view kFlags = "FSRPAUEC";
  for (size_t i = 0; i < kFlags.size(); ++i) {
    if (b.u8(13) >> i & 1) flags += kFlags[i];
  }
  return fmt::format("tcp {} > {} [{}] seq {} ack {} win {}", b.u16(0), b.u16(2), flags, b.u32(4), b.u32(8),
                     b.u16(14));
}

std::string udp(Bytes b) {
  if (!b.has(8)) return kCut;
  return fmt::format("udp {} > {} length {}", b.u16(0), b.u16(2), b.u16(4));
}

std::string icmp(Bytes b) {
  if (!b.has(8)) return kCut;
  const unsigned type = b.u8(0), code = b.u8(1);
  switch (type) {
    case 0:
      return fmt::format("icmp echo reply id {} seq {}", b.u16(4), b.u16(6));
    case 8:
      return fmt::format("icmp echo request id {} seq {}", b.u16(4), b.u16(6));
    case 3:
      if (code == 4) return fmt::format("icmp fragmentation needed, mtu {}", b.u16(6));
      return fmt::format("icmp unreachable, code {}", code);
    case 11:
      return fmt::format("icmp time exceeded, code {}", code);
    case 12:
      return fmt::format("icmp parameter problem at {}", b.u8(4));
    default:
      return fmt::format("icmp type {} code {}", type, code);
  }
}

std::string icmp6(Bytes b) {
  if (!b.has(8)) return kCut;
  const unsigned type = b.u8(0), code = b.u8(1);
  switch (type) {
    case 1:
      return fmt::format("icmp6 unreachable, code {}", code);
    case 2:
      return fmt::format("icmp6 packet too big, mtu {}", b.u32(4));
    case 3:
      return fmt::format("icmp6 time exceeded, code {}", code);
    case 4:
      return fmt::format("icmp6 parameter problem at {}", b.u32(4));
    case 128:
      return fmt::format("icmp6 echo request id {} seq {}", b.u16(4), b.u16(6));
    case 129:
      return fmt::format("icmp6 echo reply id {} seq {}", b.u16(4), b.u16(6));
    case 133:
      return "icmp6 router solicitation";
    case 134:
      return "icmp6 router advertisement";
    case 135:
      return b.has(24) ? "icmp6 neighbour solicitation for " + b.address(AF_INET6, 8) : kCut;
    case 136:
      return b.has(24) ? "icmp6 neighbour advertisement of " + b.address(AF_INET6, 8) : kCut;
    default:
      return fmt::format("icmp6 type {} code {}", type, code);
  }
}

std::string transport(uint8_t protocol, Bytes b) {
  switch (protocol) {
    case IPPROTO_ICMP:
      return icmp(b);
    case IPPROTO_TCP:
      return tcp(b);
    case IPPROTO_UDP:
      return udp(b);
    case IPPROTO_ICMPV6:
      return icmp6(b);
    default:
      return fmt::format("protocol {}", protocol);
  }
}

std::string ip4(Bytes b) {
  if (!b.has(20)) return fmt::format("ip {}", kCut);
  std::string text = fmt::format("{} > {} ttl {}", b.address(AF_INET, 12), b.address(AF_INET, 16), b.u8(8));
  const uint16_t fragment = b.u16(6);
  const size_t header = size_t(b.u8(0) & 15) * 4;
  if (header < 20) return text + fmt::format("  header length {}", header);
  if (header > 20) text += fmt::format(" options {}", header - 20);
  if (fragment & 0x3fff) {
    text += fmt::format(" fragment id {} at {}{}", b.u16(4), (fragment & 0x1fff) * 8,
                        fragment & 0x2000 ? "+" : "");
    if (fragment & 0x1fff) return text + fmt::format("  protocol {}", b.u8(9));
  }
  return text + "  " + transport(b.u8(9), b.from(header));
}

constexpr uint8_t kHopByHop = 0, kRouting = 43, kFragment = 44,
                  kDestinationOptions = 60;  // RFC 8200 section 4

std::string ip6(Bytes b) {
  if (!b.has(40)) return fmt::format("ip6 {}", kCut);
  std::string text = fmt::format("{} > {} hops {}", b.address(AF_INET6, 8), b.address(AF_INET6, 24), b.u8(7));
  uint8_t next = b.u8(6);
  Bytes rest = b.from(40);
  while (next == kHopByHop || next == kRouting || next == kFragment || next == kDestinationOptions) {
    if (!rest.has(8)) return text + " " + kCut;
    if (next == kFragment) {
      const uint16_t field = rest.u16(2);
      text += fmt::format(" fragment id {} at {}{}", rest.u32(4), field & 0xfff8, field & 1 ? "+" : "");
      if (field & 0xfff8) return text + fmt::format("  protocol {}", rest.u8(0));
    }
    const size_t length = next == kFragment ? 8 : (size_t{rest.u8(1)} + 1) * 8;
    next = rest.u8(0);
    rest = rest.from(length);
  }
  return text + "  " + transport(next, rest);
}

std::string arp(Bytes b) {
  if (!b.has(28)) return fmt::format("arp {}", kCut);
  if (b.u16(6) == 1)
    return fmt::format("arp who has {} tell {}", b.address(AF_INET, 24), b.address(AF_INET, 14));
  return fmt::format("arp {} is at {}", b.address(AF_INET, 14), b.mac(8));
}

std::string network(Bytes b) {
  if (b.empty()) return "empty";
  switch (b.u8(0) >> 4) {
    case 4:
      return ip4(b);
    case 6:
      return ip6(b);
    case 0:
      return "capsule";
    default:
      return fmt::format("first byte {:#04x}", b.u8(0));
  }
}

std::string frame(Bytes b) {
  if (!b.has(14)) return fmt::format("frame {}", kCut);
  const std::string macs = b.mac(6) + " > " + b.mac(0) + "  ";
  const uint16_t type = b.u16(12);
  switch (type) {
    case 0x0800:
      return macs + ip4(b.from(14));
    case 0x86dd:
      return macs + ip6(b.from(14));
    case 0x0806:
      return macs + arp(b.from(14));
    default:
      return macs + fmt::format("type {:#06x}", type);
  }
}

}  // namespace

std::string decode(std::string_view bytes, bool link_header) {
  return link_header ? frame(Bytes(bytes)) : network(Bytes(bytes));
}

}  // namespace weft::cli
