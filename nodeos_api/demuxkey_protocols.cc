// SPDX-License-Identifier: Apache-2.0
// Demux keys in the words of protocols: each call adds one tuple, over the header that
// the chain leaves at the front of a packet.
#include "nodeos_api/demuxkey.h"
#include "nodeos_api/hand_over.h"
#include "nodeos_api/node.h"
#include "paths/prefix.h"

namespace weft {

namespace {

constexpr uint8_t kTcp = 6, kUdp = 17;

// What a header must hold.
template <size_t kLength>
struct Wanted {
  uint8_t value[kLength] = {};
  uint8_t mask[kLength] = {};

  void byte(size_t at, uint8_t v, uint8_t m = 0xff) {
    value[at] = v;
    mask[at] = m;
  }
  void number16(size_t at, uint16_t v) {
    byte(at, uint8_t(v >> 8));
    byte(at + 1, uint8_t(v));
  }
  // `text` null: any address.
  Result<void> prefix(size_t at, uint8_t family, const char* text) {
    if (text == nullptr) return {};
    auto parsed = parse_prefix(text, family);
    if (!parsed) return parsed.error();
    fill_prefix(*parsed, value + at, mask + at);
    return {};
  }
};

Result<void> add(DemuxKeyObject& key, const auto& wanted) {
  return key.add(0, sizeof wanted.value, wanted.value, wanted.mask);
}

// Calls `f(key)`; its status.
template <typename F>
int change(an_DemuxKey handle, F&& f) {
  if (on_own_thread()) return handed_over([&] { return change(handle, f); });
  DemuxKeyObject* key = find<DemuxKeyObject>(handle);
  if (key == nullptr || !key->domain().node().allows_control()) return an_errno();
  const Result<void> changed = f(*key);
  return changed ? AN_OK : fail(changed.error());
}

Result<void> check_number(int number, int most, const char* what) {
  if (number >= AN_ANY && number <= most) return {};
  return Error{Code::kInvalid, std::string(what) + " is 0 to " + std::to_string(most) + ", or AN_ANY"};
}

// RFC 768 and RFC 9293 section 3.1 agree on where the ports are.
Result<void> add_ports(DemuxKeyObject& key, uint8_t protocol, int source, int destination) {
  for (int port : {source, destination}) {
    if (auto good = check_number(port, 65535, "a port"); !good) return good;
  }
  Wanted<4> header;
  if (source != AN_ANY) header.number16(0, uint16_t(source));
  if (destination != AN_ANY) header.number16(2, uint16_t(destination));
  if (auto of = key.require_transport(protocol); !of) return of;
  return add(key, header);
}

}  // namespace

}  // namespace weft

using namespace weft;

extern "C" {

// RFC 791 section 3.1.
int an_demuxkeyAddIPv4(an_DemuxKey k, const char* src, const char* dst, int protocol) {
  return change(k, [&](DemuxKeyObject& key) -> Result<void> {
    if (auto good = check_number(protocol, 255, "a protocol"); !good) return good;
    Wanted<20> header;
    header.byte(0, 0x40, 0xf0);
    if (protocol != AN_ANY) header.byte(9, uint8_t(protocol));
    if (auto good = header.prefix(12, 4, src); !good) return good;
    if (auto good = header.prefix(16, 4, dst); !good) return good;
    return add(key, header);
  });
}

// RFC 8200 section 3.
int an_demuxkeyAddIPv6(an_DemuxKey k, const char* src, const char* dst, int next_header) {
  return change(k, [&](DemuxKeyObject& key) -> Result<void> {
    if (auto good = check_number(next_header, 255, "a next header"); !good) return good;
    Wanted<40> header;
    header.byte(0, 0x60, 0xf0);
    if (next_header != AN_ANY) header.byte(6, uint8_t(next_header));
    if (auto good = header.prefix(8, 6, src); !good) return good;
    if (auto good = header.prefix(24, 6, dst); !good) return good;
    return add(key, header);
  });
}

int an_demuxkeyAddUDP(an_DemuxKey k, int srcport, int dstport) {
  return change(k, [&](DemuxKeyObject& key) { return add_ports(key, kUdp, srcport, dstport); });
}

int an_demuxkeyAddTCP(an_DemuxKey k, int srcport, int dstport) {
  return change(k, [&](DemuxKeyObject& key) { return add_ports(key, kTcp, srcport, dstport); });
}

// Alexander et al., Active Network Encapsulation Protocol (1997), section 2: version,
// flags, type identifier.
int an_demuxkeyAddANEP(an_DemuxKey k, int type) {
  return change(k, [&](DemuxKeyObject& key) -> Result<void> {
    if (auto good = check_number(type, 65535, "an ANEP type"); !good) return good;
    Wanted<4> header;
    header.byte(0, 1);
    if (type != AN_ANY) header.number16(2, uint16_t(type));
    return add(key, header);
  });
}

}  // extern "C"
