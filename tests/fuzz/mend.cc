// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/mend.h"

#include <algorithm>
#include <span>

#include "base/bytes.h"

namespace weft::fuzz {

namespace {

constexpr uint8_t kIcmp = 1, kUdp = 17, kIcmp6 = 58;

// Word by word: not the code under test.
uint32_t add(std::span<const uint8_t> bytes, uint32_t sum) {
  for (size_t i = 0; i < bytes.size(); ++i) sum += uint32_t{bytes[i]} << (i % 2 == 0 ? 8 : 0);
  return sum;
}
void write_checksum(std::span<uint8_t> bytes, size_t at, uint32_t sum) {
  if (bytes.size() < at + 2) return;
  store_be16(&bytes[at], 0);
  sum = add(bytes, sum);
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  store_be16(&bytes[at], uint16_t(~sum));
}

void mend_transport(std::span<uint8_t> bytes, uint8_t protocol, uint32_t pseudo) {
  pseudo += protocol + uint32_t(bytes.size());
  if (protocol == kIcmp) write_checksum(bytes, 2, 0);
  if (protocol == kUdp) write_checksum(bytes, 6, pseudo);
  if (protocol == kIcmp6) write_checksum(bytes, 2, pseudo);
}

void mend_ip4(std::span<uint8_t> ip) {
  const size_t header = std::clamp<size_t>((ip[0] & 15u) * 4u, 20, ip.size());
  write_checksum(ip.first(header), 10, 0);
  const size_t end = std::clamp<size_t>(load_be16(&ip[2]), header, ip.size());
  if ((load_be16(&ip[6]) & 0x3fff) != 0) return;  // a fragment
  mend_transport(ip.subspan(header, end - header), ip[9], add(ip.subspan(12, 8), 0));
}

void mend_ip6(std::span<uint8_t> ip) {
  const size_t end = std::clamp<size_t>(40 + load_be16(&ip[4]), 40, ip.size());
  mend_transport(ip.subspan(40, end - 40), ip[6], add(ip.subspan(8, 32), 0));
}

}  // namespace

void mend(std::vector<uint8_t>& frame, size_t network) {
  if (frame.size() < network + 20) return;
  const std::span ip = std::span(frame).subspan(network);
  if (ip[0] >> 4 == 4) mend_ip4(ip);
  if (ip[0] >> 4 == 6 && ip.size() >= 40) mend_ip6(ip);
}

}  // namespace weft::fuzz
