// SPDX-License-Identifier: Apache-2.0
// Inbox: brings each packet from the rings to the channel of its opening.
//
// Threads: the worker; open() and close() while it stands between rounds.
#pragma once

#include <vector>

#include "partner/partner.h"

namespace weft::snow {

class SnowInChannel;

class Inbox final : public Partner {
 public:
  void open(Opening which, SnowInChannel& channel);
  // Packets of it that are still on their way are let go.
  void close(Opening which) override;
  void push(Opening which, Pvec& v) override;

 private:
  struct Entry {
    uint32_t opening = kNoOpening.id;
    SnowInChannel* channel = nullptr;
  };

  Result<Opening> open(std::string_view, Partner*, Opening) override { return kNoOpening; }
  void pull(Opening, Pvec&, size_t) override {}
  Result<Reply> control(Opening, const Request&) override;
  SnowInChannel* find(uint32_t opening) const;

  std::vector<Entry> entries_;  // by the opening's index
};

}  // namespace weft::snow
