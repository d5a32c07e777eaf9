// SPDX-License-Identifier: Apache-2.0
// Any bytes as capsules, into the left end of a line of three PAN nodes.  Must hold:
//   - nothing outside a capsule is read or written (sanitizers see it: the memory is exact)
//   - a header that is accepted is what write() would have written
//   - the line comes to rest, each node's books balance, and every packet is back
//
// A capsule of the input:
//   1  flags   0x01 the name is ping's    0x02 the header is mended to be accepted
//              0x04 foreign memory        0x08 writable
//              0x10 in one vector with the next
//              0x20 node A itself pings 10.0.0.3 first
//   1  split: into two Segs behind that byte; 0: not
//   2  length, little-endian
//   .. the capsule, or what is left of the input
// The TTL is cut to 255, so that what goes in circles ends soon.
#include <algorithm>
#include <vector>

#include "pan_ee/capsule.h"
#include "tests/fuzz/exact_memory.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/require.h"
#include "tests/unit/testing/pan_line.h"

namespace weft::fuzz {
namespace {

enum Flag : uint8_t { kPing = 1, kMend = 2, kForeign = 4, kWritable = 8, kWithNext = 16, kOwnPing = 32 };
constexpr size_t kMaxCapsules = 64;

std::vector<uint8_t> capsule_of(std::span<const uint8_t> bytes, uint8_t flags, const pan::CodeName& ping) {
  namespace capsule = pan::capsule;
  std::vector<uint8_t> b(bytes.begin(), bytes.end());
  if (b.size() > capsule::kTtl) b[capsule::kTtl] = 0;
  if (b.size() < capsule::kHeader) return b;
  if ((flags & kMend) != 0) {
    const auto ttl = std::max<uint16_t>(capsule::ttl(b.data()), 1);
    const auto home = pan::NodeAddress::at(&b[capsule::kHome]);
    capsule::write(b.data(), {ttl, uint32_t(b.size()), home, pan::CodeName::at(&b[capsule::kName])});
  }
  if ((flags & kPing) != 0) ping.write(&b[capsule::kName]);
  return b;
}

// The parser by itself, on memory that ends where the header does.
void check_parser(const std::vector<uint8_t>& b) {
  namespace capsule = pan::capsule;
  const std::vector<uint8_t> header(b.begin(), b.begin() + ptrdiff_t(std::min(b.size(), capsule::kHeader)));
  if (capsule::check(header.data(), b.size()) != capsule::Fault::kNone) return;
  uint8_t written[capsule::kHeader];
  capsule::write(written,
                 {capsule::ttl(header.data()), capsule::length(header.data()),
                  pan::NodeAddress::at(&header[capsule::kHome]), pan::CodeName::at(&header[capsule::kName])});
  require(std::ranges::equal(written, header), "a header has one form");
}

// The checks of the line's fixture, as of require().
test::PanLine& make_line() {
  ::testing::GTEST_FLAG(break_on_failure) = true;
  return *new test::PanLine;
}

void run(Input in) {
  static test::PanLine& line = make_line();
  pan::Ping& ping = line.pan_node(0).ping();
  for (size_t n = 0; n < kMaxCapsules && !in.empty(); ++n) {
    const uint8_t flags = in.byte(), split = in.byte();
    const std::vector<uint8_t> bytes =
        capsule_of(in.bytes(in.number16()), flags, line.pan_node(0).find_code("ping")->name());
    check_parser(bytes);
    if ((flags & kOwnPing) != 0) ping.send({.destination = line.address(2)}, [](const pan::Ping::Reply&) {});
    if (!bytes.empty()) {
      line.inject((flags & kForeign) != 0
                      ? ExactMemory::packet(*line.pool, bytes, split, (flags & kWritable) != 0)
                      : line.pool->copy(bytes));
    }
    if ((flags & kWithNext) == 0) line.rounds();
  }
  line.rounds();
  line.lose_output();
  line.expect_balance();
  require(line.pool->in_use() == 0, "every packet is back in the pool");
}

}  // namespace
}  // namespace weft::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  weft::fuzz::run({data, size});
  return 0;
}
