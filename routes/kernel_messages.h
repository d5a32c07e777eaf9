// SPDX-License-Identifier: Apache-2.0
// What the kernel says over rtnetlink, as plain values.  (rtnetlink(7))
//
// Threads: pure functions.
// Errors: a message that is too short, or that is about something the node has no use
//   for (another family, another table), parses to false.
#pragma once

#include <linux/netlink.h>

#include <vector>

#include "partner/partner.h"
#include "paths/prefix.h"

namespace weft {

struct LinkMessage {
  bool gone = false;
  int ifindex = 0;
  std::string name;
  MacAddress mac{};
  uint32_t mtu = 0;
  bool up = false;       // administratively
  bool running = false;  // and has carrier
};

struct AddressMessage {
  bool gone = false;
  int ifindex = 0;
  uint8_t family = 4;
  uint8_t length = 0;  // of its prefix
  uint8_t scope = 0;   // RT_SCOPE_*
  bool usable = true;  // not tentative, not a duplicate
  Address address{};
};

struct RouteMessage {
  enum Type : uint8_t { kUnicast, kForKernel, kBlackhole, kUnreachable, kProhibit, kNone };
  struct Hop {
    int ifindex = 0;
    uint8_t via_family = 0;  // 0: on the link
    Address via{};
  };
  bool gone = false;
  bool replaces = false;  // takes the place of the route of this prefix and metric
  bool local = false;     // of table "local"
  Type type = kUnicast;
  Prefix prefix;
  uint32_t metric = 0;
  uint32_t mtu = 0;       // 0: the link's
  std::vector<Hop> hops;  // of kUnicast and kForKernel; dead ones are left out
};

struct NeighbourMessage {
  enum State : uint8_t { kGone, kIncomplete, kFailed, kStale, kConfirmed };
  State state = kGone;
  bool permanent = false;  // somebody configured it: there is nothing to resolve
  int ifindex = 0;
  uint8_t family = 4;
  Address address{};
  MacAddress mac{};
};

bool parse(const nlmsghdr* message, LinkMessage& link);
bool parse(const nlmsghdr* message, AddressMessage& address);
bool parse(const nlmsghdr* message, RouteMessage& route);
bool parse(const nlmsghdr* message, NeighbourMessage& neighbour);

}  // namespace weft
