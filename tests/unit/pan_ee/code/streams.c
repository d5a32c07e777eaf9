/* SPDX-License-Identifier: Apache-2.0
 *
 * Uses all of the PNI on a body of 256 bytes, of which 128 are at hand, and sends it on.
 *
 *   body    bytes
 *      0      16  destination
 *     16      64  numbers, which are read; then written as they are in another byte order
 *     80      16  becomes the node's own address
 *     96       8  becomes a time stamp
 *    104       1  becomes whether it came from the network, and whether an application is there
 *    105       7  becomes a copy of the last 7 bytes of the body
 *    112       4  becomes how often this code was called since init()
 *    124       6  is read across the edge of what is at hand, and counted into 116
 */
#include "pni.h"

static uint32_t calls = 1000;

void init(void) { calls = 0; }
uint32_t window(void) { return 128; }

static void at(pniStream* s, const pniStream* capsule, uint32_t where) {
  pniStream_dup(s, capsule);
  pniStream_seekFwd(s, where);
}

void accept(pniStream* capsule, uint32_t length) {
  pniStream in, out;
  pniNodeAddr to, here;
  pniTimestamp now, before;
  uint8_t tail[7];
  if (length != 256) return;

  at(&in, capsule, 0);
  pniNodeAddr_read(&in, &to);
  at(&out, capsule, 16);
  pniStream_write_le_uint16(&out, pniStream_read_net_uint16(&in));
  pniStream_write_le_int16(&out, pniStream_read_be_int16(&in));
  pniStream_write_le_uint32(&out, pniStream_read_net_uint32(&in));
  pniStream_write_le_int32(&out, pniStream_read_be_int32(&in));
  pniStream_write_le_uint64(&out, pniStream_read_net_uint64(&in));
  pniStream_write_le_int64(&out, pniStream_read_be_int64(&in));
  pniStream_write_be_uint16(&out, pniStream_read_le_uint16(&in));
  pniStream_write_net_int16(&out, pniStream_read_le_int16(&in));
  pniStream_write_be_uint32(&out, pniStream_read_le_uint32(&in));
  pniStream_write_net_int32(&out, pniStream_read_le_int32(&in));
  pniStream_write_be_uint64(&out, pniStream_read_le_uint64(&in));
  pniStream_write_net_int64(&out, pniStream_read_le_int64(&in));
  pniStream_write_net_int8(&out, (int8_t)-pniStream_read_net_int8(&in));
  pniStream_write_le_uint8(&out, (uint8_t)(pniStream_read_be_uint8(&in) + 1));

  at(&out, capsule, 80);
  pniNodeAddr_getLocalAddr(&here);
  pniNodeAddr_write(&out, &here);
  pniTimestamp_getCurrent(&before);
  pniTimestamp_getCurrent(&now);
  if (pniTimestamp_compare(&now, &before) < 0 || before.ns % pniTimestamp_getResolution() != 0) return;
  pniTimestamp_write(&out, &now);
  pniStream_write_net_uint8(
      &out, (uint8_t)(pniCapsule_isFromNetwork() | pniAppLink_isConnected(PNI_APPLINK_OF_THIS_CODE) << 1));
  at(&in, capsule, 249);
  pniStream_read(&in, tail, 7);
  if (!pniStream_eofP(&in)) return;
  pniStream_write(&out, tail, 7);
  pniStream_write_net_uint32(&out, ++calls);

  at(&in, capsule, 124);
  uint8_t edge[6];
  pniStream edge_in;
  pniStream_dup(&edge_in, &in);
  pniStream_read(&edge_in, edge, 6);
  uint32_t sum = pniStream_read_net_uint16(&in);
  const uint64_t across = pniStream_read_le_uint64(&in); /* 126 .. 134 */
  if (edge[2] != (uint8_t)across || edge[5] != (uint8_t)(across >> 24)) return;
  for (int i = 0; i < 6; ++i) sum += edge[i];
  pniStream_write_net_uint32(&out, sum);
  pniNetwork_sendCapsule(&to, capsule, length);
}
