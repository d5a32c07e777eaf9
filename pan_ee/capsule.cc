// SPDX-License-Identifier: Apache-2.0
#include "pan_ee/capsule.h"

#include <cstring>

namespace weft::pan::capsule {

const char* sentence(Fault fault) {
  switch (fault) {
    case Fault::kNone:
      return "nothing is wrong";
    case Fault::kTooShort:
      return "shorter than a capsule's header";
    case Fault::kVersion:
      return "not a capsule of version 1";
    case Fault::kFlags:
      return "a flag that version 1 does not know";
    case Fault::kLength:
      return "a length that contradicts the packet";
    case Fault::kName:
      return "not the name of a code object";
    case Fault::kReserved:
      return "reserved bytes that are not zero";
    case Fault::kTtl:
      return "a TTL of zero";
  }
  return "?";
}

Fault check(const uint8_t* header, size_t available) {
  if (available < kHeader) return Fault::kTooShort;
  if (header[0] != kVersion) return Fault::kVersion;
  if (header[1] != 0) return Fault::kFlags;
  if (length(header) < kHeader || length(header) > available) return Fault::kLength;
  if (!is_code_name(header + kName)) return Fault::kName;
  for (size_t i = kReserved; i < kHeader; ++i) {
    if (header[i] != 0) return Fault::kReserved;
  }
  return ttl(header) == 0 ? Fault::kTtl : Fault::kNone;
}

void write(uint8_t* at, const Header& header) {
  std::memset(at, 0, kHeader);
  at[0] = kVersion;
  set_ttl(at, header.ttl);
  for (int i = 0; i < 4; ++i) at[kLength + i] = uint8_t(header.length >> (24 - 8 * i));
  header.home.write(at + kHome);
  header.name.write(at + kName);
}

}  // namespace weft::pan::capsule
