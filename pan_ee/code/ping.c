/* SPDX-License-Identifier: Apache-2.0
 *
 * ping: at each node on its way it counts itself and goes on; at its destination it turns
 * round; at its source it is handed to whoever waits.
 *
 *   body    bytes
 *      0      16  destination
 *     16      16  source
 *     32       1  direction: 0 outward, 1 back
 *     33       1  zero
 *     34       2  nodes passed outward, the destination among them
 *     36       2  nodes passed on the way back, the source among them
 *     38       2  zero
 *     40       4  sequence number
 *     44       8  cookie: who waits at the source
 *     52          payload
 */
#include "pni.h"

enum { kDirection = 32, kHopsOut = 34, kHopsBack = 36, kBody = 52 };
enum { kOutward = 0, kBack = 1 };

uint32_t window(void) { return kBody; }

/* One more, up to 65535. */
static void count(const pniStream* capsule, uint32_t where) {
  pniStream in, out;
  pniStream_dup(&in, capsule);
  pniStream_seekFwd(&in, where);
  pniStream_dup(&out, &in);
  const uint16_t hops = pniStream_read_net_uint16(&in);
  if (hops != UINT16_MAX) pniStream_write_net_uint16(&out, hops + 1);
}

static void turn_round(const pniStream* capsule) {
  pniStream out;
  pniStream_dup(&out, capsule);
  pniStream_seekFwd(&out, kDirection);
  pniStream_write_net_uint8(&out, kBack);
}

void accept(pniStream* capsule, uint32_t length) {
  if (length < kBody) {
    pniCapsule_drop(PNI_DROP_MALFORMED);
    return;
  }
  pniStream in;
  pniNodeAddr destination, source, here;
  pniStream_dup(&in, capsule);
  pniNodeAddr_read(&in, &destination);
  pniNodeAddr_read(&in, &source);
  const uint8_t direction = pniStream_read_net_uint8(&in);
  const uint8_t zero_1 = pniStream_read_net_uint8(&in);
  pniStream_seekFwd(&in, 4);
  const uint16_t zero_2 = pniStream_read_net_uint16(&in);
  if (direction > kBack || zero_1 != 0 || zero_2 != 0) {
    pniCapsule_drop(PNI_DROP_MALFORMED);
    return;
  }

  pniNodeAddr_getLocalAddr(&here);
  if (pniCapsule_isFromNetwork()) count(capsule, direction == kOutward ? kHopsOut : kHopsBack);
  if (direction == kOutward) {
    if (!pniNodeAddr_compare(&destination, &here)) {
      pniNetwork_sendCapsule(&destination, capsule, length);
      return;
    }
    turn_round(capsule);
  }
  if (pniNodeAddr_compare(&source, &here)) {
    pniAppLink_deliverData(PNI_APPLINK_OF_THIS_CODE, capsule, length);
  } else {
    pniNetwork_sendCapsule(&source, capsule, length);
  }
}
