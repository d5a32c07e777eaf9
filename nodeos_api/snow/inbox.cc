// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/snow/inbox.h"

#include "nodeos_api/snow/runs.h"
#include "nodeos_api/snow/snow_channel.h"

namespace weft::snow {

void Inbox::open(Opening which, SnowInChannel& channel) {
  const size_t index = uint16_t(which.id);
  if (entries_.size() <= index) entries_.resize(index + 1);
  entries_[index] = {which.id, &channel};
}

void Inbox::close(Opening which) {
  const size_t index = uint16_t(which.id);
  if (index < entries_.size() && entries_[index].opening == which.id) entries_[index] = {};
}

SnowInChannel* Inbox::find(uint32_t opening) const {
  const size_t index = uint16_t(opening);
  return index < entries_.size() && entries_[index].opening == opening ? entries_[index].channel : nullptr;
}

void Inbox::push(Opening, Pvec& v) {
  for_each_run(v, [this](uint32_t opening, Pvec& run) {
    SnowInChannel* to = find(opening);
    if (to != nullptr) {
      to->receive(run);
    } else {
      run.clear();
    }
  });
}

Result<Reply> Inbox::control(Opening, const Request&) {
  return Error{Code::kUnsupported, "an inbox answers no questions"};
}

}  // namespace weft::snow
