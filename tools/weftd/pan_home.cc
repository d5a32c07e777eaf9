// SPDX-License-Identifier: Apache-2.0
#include "tools/weftd/pan_home.h"

namespace weft {

Result<void> PanHome::start(an_Domain parent, WhenEnded ended) {
  std::string error;
  place_ = pan::Node::start(config_, parent, error, cred_);
  if (place_ == nullptr) return Error{Code::kInvalid, error};
  ended_ = std::move(ended);
  return {};
}

void PanHome::stop() {
  place_.reset();
  if (const WhenEnded tell = std::exchange(ended_, nullptr)) tell({.failed = false, .how = "stopped"});
}

mee::Facts PanHome::facts() const {
  mee::Facts facts{.place = "weftd", .domain = nullptr, .has = {}, .lacks = {}};
  if (place_ != nullptr) facts.domain = place_->domain();
  return facts;
}

}  // namespace weft
