/* SPDX-License-Identifier: Apache-2.0
 *
 * Does what the 17th byte of the body says: each is wrong in another way.
 */
#include "pni.h"

static uint32_t large[20000]; /* more than a packed arena has room for, so that this one faults */

uint32_t window(void) { return 17; }

static uint32_t endless(uint32_t depth) {
  if (large[1] == 1) return 0; /* never */
  return depth + endless(depth + 1) + large[depth % 20000];
}

void accept(pniStream* capsule, uint32_t length) {
  pniNodeAddr to;
  pniStream in;
  pniStream_dup(&in, capsule);
  pniNodeAddr_read(&in, &to);
  switch (pniStream_read_net_uint8(&in)) {
    case 'l':
      for (volatile uint32_t i = 0; i < 0xffffffff; ++i) {
      }
      break;
    case 'r':
      large[0] = endless(0);
      break;
    case 'n':
      *(volatile uint32_t*)8 = 1; /* nothing is mapped there */
      break;
    case 'a':
      __sync_fetch_and_add((uint32_t*)((uint8_t*)large + 1), 1);
      break;
    case 'h':
      pni_read(0, (void*)0x70000000, 4);
      break;
    case 'm':
      memcpy(large, (const void*)0xffffffff00000000, UINT64_MAX);
      break;
    case 'e':
      pniStream_seekFwd(&in, pniStream_getBytesRemaining(&in));
      pniStream_read_net_uint8(&in);
      break;
    case 's':
      pniStream_seekFwd(&in, 0xffffffff);
      break;
    case 'w':
      pniStream_write_net_uint8(&in, 1); /* behind what is at hand */
      break;
    case '2':
      pniNetwork_sendCapsule(&to, capsule, length);
      pniNetwork_sendCapsule(&to, capsule, length);
      break;
    case 'p':
      pniNetwork_sendCapsule(&to, &in, length - 17); /* a part of it */
      break;
    case 'k':
      pniAppLink_deliverData(7, capsule, length); /* a link that nobody gave it */
      break;
    case 'd':
      pniAppLink_deliverData(PNI_APPLINK_OF_THIS_CODE, capsule, length);
      break;
    case 'x':
      pni_drop(99);
      break;
    case 'f':
      PNI_HERE->at_hand = 0xffffffff; /* fools nobody but itself */
      PNI_HERE->written = 1;
      pniNetwork_sendCapsule(&to, capsule, length);
      break;
    case 'o': /* the body over itself: no harm, and no secret */
      pni_read(0, (uint8_t*)PNI_BODY + 4, 13);
      PNI_HERE->written = 1;
      pniNetwork_sendCapsule(&to, capsule, length);
      break;
    case 'g':
      pniNetwork_sendCapsule(&to, capsule, length);
      break;
    default: /* decides nothing */
      break;
  }
}
