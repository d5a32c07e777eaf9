// SPDX-License-Identifier: Apache-2.0
// Packets from both sides of the NAT of examples/nat_ee.  An input is a list of
//   side and time (1 byte: bit 0 the side, the others seconds * 8), length (2 bytes), the packet.
// Must hold:
//   - nothing is read or written outside of the packet, and nothing changes behind NAT_FRONT
//   - a packet that may not go on is left as it was
//   - what goes outside comes from the outside address; the IP checksum is as right as it was
//   - the table counts what it holds, and each mapping is found both ways
#include <cstring>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "examples/nat_ee/translate.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/require.h"

namespace {

using weft::load_be16;
using weft::load_be32;
using weft::fuzz::require;

constexpr uint32_t kOutside = 0xc0000201;
constexpr uint64_t kSecond = 1'000'000'000;

uint32_t header_sum(const std::vector<uint8_t>& bytes) {
  uint32_t sum = 0;
  const size_t length = size_t{bytes[0] & 15u} * 4;
  for (size_t i = 0; i + 1 < length; i += 2) sum += load_be16(bytes.data() + i);
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return sum % 0xffff;  // 0 and 0xffff are the same number
}

void check_table(nat_table& table, uint64_t now_ns) {
  uint32_t used = 0;
  for (uint32_t i = 0; i < NAT_MAPPINGS; ++i) {
    const nat_mapping& m = table.mappings[i];
    if (!m.used) continue;
    ++used;
    require(table.outside[m.protocol][m.outside] == i);
    require(m.until_ns <= now_ns ||
            nat_table_find_inside(&table, nat_protocol(m.protocol), m.address, m.port, now_ns) == &m);
  }
  require(used == table.count);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto n = std::make_unique<nat>();
  n->outside = kOutside;
  nat_table_init(&n->table, 1);
  uint64_t now_ns = kSecond;
  weft::fuzz::Input input(data, size);
  for (int i = 0; i < 64 && !input.empty(); ++i) {
    const uint8_t how = input.byte();
    now_ns += (how >> 1) * 8 * kSecond;
    const auto piece = input.bytes(input.number16());
    const std::vector<uint8_t> before(piece.begin(), piece.end());
    std::vector<uint8_t> after = before;
    after.shrink_to_fit();
    const bool inside = (how & 1) != 0;
    const nat_verdict verdict = inside ? nat_from_inside(n.get(), after.data(), after.size(), now_ns)
                                       : nat_from_outside(n.get(), after.data(), after.size(), now_ns);
    if (verdict > NAT_TO_INSIDE) {
      require(after == before);
      continue;
    }
    require(verdict == NAT_TO_INSIDE || (inside && load_be32(after.data() + 12) == kOutside));
    require(header_sum(after) == header_sum(before));
    require(after[8] + 1 == before[8]);
    if (after.size() > NAT_FRONT)
      require(std::memcmp(after.data() + NAT_FRONT, before.data() + NAT_FRONT, after.size() - NAT_FRONT) ==
              0);
  }
  check_table(n->table, now_ns);
  return 0;
}
