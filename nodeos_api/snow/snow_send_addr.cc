// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/snow/snow_send_addr.h"

namespace weft::snow {

void SnowSendAddr::open() {
  channel_.add(*this);
  domain().node().worker().call(
      [this] { SnowNode::of(domain()).guest().share(opening_, channel_.opening()); });
}

void SnowSendAddr::destroy() {
  bury();
  channel_.remove(*this);
  if (node_must_hear(domain())) SnowNode::of(domain()).connection().call<Call::kSendaddrDestroy>({at_node_});
  domain().node().worker().call([this] { SnowNode::of(domain()).guest().close(opening_); });
  free_memory();
}

}  // namespace weft::snow
