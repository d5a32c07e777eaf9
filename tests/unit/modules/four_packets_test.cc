// SPDX-License-Identifier: Apache-2.0
// Four at once say what one says.
#include "modules/four_packets.h"

#include <gtest/gtest.h>

#include <array>
#include <random>

#include "base/checksum.h"
#include "modules/plain_ip.h"

namespace weft {
namespace {

using Header = std::array<uint8_t, 20>;

// Mostly good; each of the fields that are looked at is sometimes not.
Header header(std::mt19937_64& rng) {
  Header h;
  for (uint8_t& b : h) b = uint8_t(rng());
  h[0] = 0x45;
  if (rng() % 4 == 0) store_be16(&h[2], uint16_t(rng() % 64));
  if (rng() % 4 == 0) h[8] = uint8_t(rng() % 3);
  if (rng() % 4 == 0)
    h[rng() % 2 == 0 ? 12 : 16] = std::array<uint8_t, 7>{0, 1, 126, 127, 128, 223, 224}[rng() % 7];
  store_be16(&h[10], 0);
  store(&h[10], uint16_t(~fold(add_checksum(0, h.data(), h.size()))));
  for (uint64_t flips = rng() % 3; flips > 1; --flips) h[rng() % 20] ^= uint8_t(1u << rng() % 8);
  return h;
}

bool one_host(uint8_t first) { return first != 0 && first != 127 && first < 224; }

TEST(FourPackets, HeadersAreReadAsOneIs) {
  std::mt19937_64 rng(1);
  int passed = 0;
  for (int i = 0; i < 100'000; ++i) {
    const Header h[4] = {header(rng), header(rng), header(rng), header(rng)};
    const uint8_t* const at[] = {h[0].data(), h[1].data(), h[2].data(), h[3].data()};
    const plain::FourIp4 four(at);
    const Mask without_options = four.without_options(), passable = four.passable();
    const Mask martian = four.martian();
    for (int k = 0; k < 4; ++k) {
      const plain::Ip4 one(h[k].data());
      ASSERT_EQ(four.total_length()[k], one.total_length());
      ASSERT_EQ(four.source()[k], one.source());
      const bool good = one.checksum_good() && one.ttl() > 1;
      ASSERT_EQ(passable[k], good ? -1 : 0);
      ASSERT_EQ(without_options[k], one.without_options() ? -1 : 0);
      ASSERT_EQ(martian[k] == 0, one_host(h[k][12]) && one_host(h[k][16]));
      if (!good) continue;
      ++passed;
      Header sent = h[k];
      one.decrement_ttl(sent.data());
      ASSERT_EQ(four.decremented_ttl()[k], load<uint32_t>(&sent[8]));
    }
  }
  EXPECT_GT(passed, 100'000);
}

// Every checksum, so both zeros and both carries.
TEST(FourPackets, EveryChecksum) {
  for (uint32_t checksum = 0; checksum < 0x10000; ++checksum) {
    Header h{0x45, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 64};
    store_be16(&h[10], uint16_t(checksum));
    const uint8_t* const at[] = {h.data(), h.data(), h.data(), h.data()};
    const plain::FourIp4 four(at);
    ASSERT_EQ(everywhere(four.passable()), plain::Ip4(h.data()).checksum_good()) << checksum;
  }
}

TEST(FourPackets, PlainOnlyIfAllAre) {
  Packet good{};
  good.length = 100;
  good.segs = 1;
  good.references = 1;
  const auto with = [&](auto change) {
    Packet p = good;
    change(p);
    return p;
  };
  const Packet bad[] = {with([](Packet& p) { p.segs = 2; }), with([](Packet& p) { p.references = 2; }),
                        with([](Packet& p) { p.flags = Packet::kOffload; }),
                        with([](Packet& p) { p.flags = Packet::kShares; }),
                        with([](Packet& p) { p.flags = Packet::kForeign; })};
  for (size_t at = 0; at < 4; ++at) {
    const Packet* four[] = {&good, &good, &good, &good};
    ASSERT_TRUE(everywhere(plain::FourPackets(four).plain<Packet::kOffload>()));
    ASSERT_EQ(plain::FourPackets(four).length()[at], 100u);
    for (const Packet& p : bad) {
      four[at] = &p;
      EXPECT_FALSE(everywhere(plain::FourPackets(four).plain<Packet::kOffload>()));
    }
  }
}

}  // namespace
}  // namespace weft
