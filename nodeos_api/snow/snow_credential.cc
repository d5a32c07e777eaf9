// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/snow/snow_credential.h"

namespace weft::snow {

void SnowCredential::destroy() {
  bury();
  node_.connection().call<Call::kCredDestroy>({at_node_});
  node_.remove(*this);
  free_memory();
}

}  // namespace weft::snow
