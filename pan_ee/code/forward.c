/* SPDX-License-Identifier: Apache-2.0
 *
 * forward: goes to the node whose address its body begins with, and is handed to the
 * application that waits there.  What follows in the body is the application's.
 */
#include "pni.h"

uint32_t window(void) { return sizeof(pniNodeAddr); }

void accept(pniStream* capsule, uint32_t length) {
  pniStream body;
  pniNodeAddr destination, here;
  if (!pniStream_atHand(capsule, sizeof destination)) {
    pniCapsule_drop(PNI_DROP_MALFORMED);
    return;
  }
  pniStream_dup(&body, capsule);
  pniNodeAddr_read(&body, &destination);
  pniNodeAddr_getLocalAddr(&here);
  if (pniNodeAddr_compare(&destination, &here)) {
    pniAppLink_deliverData(PNI_APPLINK_OF_THIS_CODE, capsule, length);
  } else {
    pniNetwork_sendCapsule(&destination, capsule, length);
  }
}
