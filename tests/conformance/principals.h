// SPDX-License-Identifier: Apache-2.0
// Who may have what of the arena's node.
#pragma once

#include <unistd.h>

#include <cstdlib>

#include "nodeos_api/principals.h"
#include "tests/conformance/identities.h"

namespace weft {

// user   this process      domains and the rest without bound; over Snow all that the suite opens
// alice  by the authority  2 domains, 4 channels, 3 threads, priority 1, a/ip/udp (dstport=7000-7999)
// carol  by the authority  80000 bit/s
// bob    his certificate   64 slots of packets
inline void add_principals(Principals& principals, const Geni& geni) {
  const auto grants = [](std::initializer_list<const char*> texts) {
    std::vector<PathGrant> made;
    for (const char* text : texts) made.push_back(*PathGrant::parse(text));
    return made;
  };
  const Certificate authority = *Certificate::parse(AUTHORITY_CERTIFICATE);
  const std::initializer_list<const char*> all = {"a", "b", "a -> b"};
  const std::initializer_list<const char*> of_user = {
      "a",        "b",     "a -> b", "b -> a",   "a/ip",         "b/ip",         "a/ip/udp",
      "b/ip/udp", "a/pan", "b/pan",  "a/ip/pan", "a/ip -> b/ip", "a/ip/udp -> b"};
  Principal each[] = {
      {.name = "user", .uid = ::geteuid(), .limits = {.priority = 7}, .paths = grants(of_user)},
      {.name = "alice",
       .issuer = authority,
       .subject = "CN=alice,O=Weft tests",
       .limits = {.domains = 2, .channels = 4, .threads = 3, .priority = 1},
       .paths = grants({"a/ip/udp (dstport=7000-7999)"})},
      {.name = "carol",
       .issuer = authority,
       .subject = "CN=carol,O=Weft tests",
       .limits = {.bandwidth = 80000},
       .paths = grants(all)},
      {.name = "bob",
       .certificate = *Certificate::parse(BOB_CERTIFICATE),
       .limits = {.memory = 64 * Packet::kStride},
       .paths = grants(all)},
  };
  for (Principal& p : each) {
    if (!principals.add(std::move(p), geni, 0)) std::abort();
  }
}

}  // namespace weft
