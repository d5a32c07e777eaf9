// SPDX-License-Identifier: Apache-2.0
#include "modules/ip_options.h"

#include <chrono>
#include <cstring>

#include "modules/ip4_header.h"

namespace weft {

namespace {

enum Option : uint8_t {
  kEnd = 0,
  kNoOperation = 1,
  kRecordRoute = 7,
  kTimestamp = 68,
  kLooseSourceRoute = 131,
  kStrictSourceRoute = 137,
  kRouterAlert = 148,
};

constexpr uint8_t kCopied = 0x80;
enum TimestampFlag : uint8_t { kTimesOnly = 0, kWithAddresses = 1, kPrespecified = 3 };

// Since midnight UT.  Node clocks have no date, so this asks the system's.
uint32_t milliseconds_of_day() {
  using namespace std::chrono;
  const auto now = duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
  return uint32_t(now % 86'400'000);
}

// Our address as the sender of the packet knows it.
void write_own_address(const IpNode& node, uint16_t in_port, const uint8_t* header, uint8_t* to) {
  Address sender{};
  std::memcpy(sender.data(), header + ip4::kSource, 4);
  const LocalAddress* own = node.source_towards(sender, 4);
  if (own == nullptr) own = node.source_on(in_port, 4);
  if (own != nullptr) {
    std::memcpy(to, own->address.data(), 4);
  } else {
    std::memset(to, 0, 4);
  }
}

// One walk over the options of one header.
class Reader {
 public:
  Reader(const IpNode& node, uint16_t in_port, uint8_t* header)
      : node_(node), in_port_(in_port), header_(header) {}

  Ip4Options read() {
    uint8_t* at = header_ + ip4::kMinHeader;
    uint8_t* const end = header_ + ip4::header_length(header_);
    while (at < end && !found_.bad) {
      if (*at == kEnd) {
        clear_rest(at + 1, end);
        break;
      }
      if (*at == kNoOperation) {
        ++at;
        continue;
      }
      const auto left = size_t(end - at);
      if (left < 2 || at[1] < 2 || at[1] > left) {
        problem(at);
        break;
      }
      take(at, at[1]);
      at += at[1];
    }
    return found_;
  }

 private:
  void problem(const uint8_t* at) {
    found_.bad = true;
    found_.problem_at = uint8_t(at - header_);
  }

  // What follows the end of the list is padding, which is zero (RFC 791).
  void clear_rest(uint8_t* at, const uint8_t* end) {
    for (; at < end; ++at) {
      if (*at == kEnd) continue;
      *at = kEnd;
      found_.changed = true;
    }
  }

  void take(uint8_t* at, uint8_t length) {
    switch (*at) {
      case kLooseSourceRoute:
      case kStrictSourceRoute:
        return take_source_route(at, length);
      case kRecordRoute:
        return take_record_route(at, length);
      case kTimestamp:
        return take_timestamp(at, length);
      case kRouterAlert:
        if (length < 4) problem(at + 1);  // RFC 2113 section 2.1
        return;
      default:
        return;  // RFC 1812 section 5.3.13.1: options that are not understood pass
    }
  }

  void take_source_route(uint8_t* at, uint8_t length) {
    if (length < 3) return problem(at + 1);
    if (at[2] < 4) return problem(at + 2);
    if (found_.source_route) return problem(at);  // RFC 1812 section 5.3.13.4: at most one
    found_.source_route = true;
  }

  void take_record_route(uint8_t* at, uint8_t length) {
    if (record_route_) return problem(at);
    record_route_ = true;
    if (length < 3) return problem(at + 1);
    if (at[2] < 4) return problem(at + 2);
    if (at[2] > length) return;  // full
    if (at[2] + 3 > length) return problem(at + 2);
    uint8_t* slot = at + at[2] - 1;
    write_own_address(node_, in_port_, header_, slot);
    found_.changed = true;
    found_.record_at = uint8_t(slot - header_);
    at[2] = uint8_t(at[2] + 4);
  }

  void take_timestamp(uint8_t* at, uint8_t length) {
    if (timestamp_) return problem(at);
    timestamp_ = true;
    if (length < 4) return problem(at + 1);
    if (at[2] < 5) return problem(at + 2);
    const uint8_t flag = at[3] & 0x0f;
    if (at[2] > length) {
      // Full: the next who could not register is counted.
      if (flag == kPrespecified) return;
      if (at[3] >> 4 == 15) return problem(at + 3);
      at[3] = uint8_t(at[3] + 0x10);
      found_.changed = true;
      return;
    }
    if (at[2] + 3 > length) return problem(at + 2);
    uint8_t* slot = at + at[2] - 1;
    if (flag == kTimesOnly) return stamp(at, slot, 4);
    if (flag != kWithAddresses && flag != kPrespecified) return;
    if (at[2] + 7 > length) return problem(at + 2);
    if (flag == kWithAddresses) {
      write_own_address(node_, in_port_, header_, slot);
    } else {
      Address wanted{};
      std::memcpy(wanted.data(), slot, 4);
      if (!node_.owns(wanted, 4)) return;
    }
    stamp(at, slot + 4, 8);
  }

  void stamp(uint8_t* at, uint8_t* time, uint8_t taken) {
    store_be32(time, milliseconds_of_day());
    at[2] = uint8_t(at[2] + taken);
    found_.changed = true;
  }

  const IpNode& node_;
  uint16_t in_port_;
  uint8_t* header_;
  Ip4Options found_;
  bool record_route_ = false;
  bool timestamp_ = false;
};

}  // namespace

Ip4Options take_ip4_options(const IpNode& node, uint16_t in_port, uint8_t* header) {
  return Reader(node, in_port, header).read();
}

void finish_ip4_options(const IpNode& node, uint16_t out_port, const Ip4Options& options, uint8_t* header) {
  if (options.record_at != 0) {
    // RFC 1812 section 5.3.13.5: the address of the interface that it leaves by.
    const LocalAddress* own = node.source_on(out_port, 4);
    if (own != nullptr) std::memcpy(header + options.record_at, own->address.data(), 4);
  }
  if (options.changed) ip4::write_checksum(header);
}

namespace {

// Makes no-operations of the options that `keep` does not want.
template <typename Keep>
void blank_options(uint8_t* header, Keep keep) {
  uint8_t* at = header + ip4::kMinHeader;
  uint8_t* const end = header + ip4::header_length(header);
  while (at < end && *at != kEnd) {
    if (*at == kNoOperation) {
      ++at;
      continue;
    }
    const auto left = size_t(end - at);
    if (left < 2 || at[1] < 2 || at[1] > left) return;
    const uint8_t length = at[1];
    if (!keep(*at)) std::memset(at, kNoOperation, length);
    at += length;
  }
}

}  // namespace

void blank_uncopied_options(uint8_t* header) {
  blank_options(header, [](uint8_t option) { return (option & kCopied) != 0; });
}

void keep_echoed_options(uint8_t* header) {
  blank_options(header, [](uint8_t option) { return option == kRecordRoute || option == kTimestamp; });
}

}  // namespace weft
