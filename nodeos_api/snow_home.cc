// SPDX-License-Identifier: Apache-2.0
// an_snow.h for EEs in the node's own process: they are where they want to be.
#include "nodeos_api/an_snow.h"
#include "nodeos_api/node.h"

using namespace weft;

extern "C" {

int an_snowConnect(const char*) {
  return Node::here() != nullptr ? AN_OK
                                 : fail(AN_ENOENT, "there is no node in this process, or more than one");
}

void an_snowSpin(int) {}

int an_snowRun(int) { return AN_OK; }

int an_snowFd(void) { return -1; }

int an_snowDisconnect(void) { return AN_OK; }

}  // extern "C"
