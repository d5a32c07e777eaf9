/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pni.h: the PAN node interface: what a code object may ask of a node.  (PAN, sections 4.4 to
 * 4.10; the names are the original's.)  This is its first part: streams, node addresses,
 * network links, application links, time stamps.
 *
 * A code object is C that weft-cc compiles.  It exports
 *
 *   void accept(pniStream* capsule, uint32_t length);   evaluates one capsule, to its end:
 *                                                       `capsule` is its body, of `length` bytes
 *   void init(void);           may be there: called once when it was loaded
 *   void finalize(void);       may be there: called before it is unloaded
 *   uint32_t window(void);     may be there: how many bytes of the body it wants at hand, at most
 *                              PNI_MAX_WINDOW; without it PNI_DEFAULT_WINDOW
 *
 * and decides by one call what becomes of the capsule: pniNetwork_sendCapsule,
 * pniAppLink_deliverData or pniCapsule_drop.  Without one it is let go; a second one is
 * refused.  Static variables stay from capsule to capsule, until the node needs the room.
 *
 * What is refused ends the evaluation at once, and the capsule with it: the call does not
 * return.  So does reading behind the end of the body.  All of it is counted against the
 * code object, as is every instruction: see docs/pan.md.
 *
 * What is at hand of a body is read and written in place; behind that, it can be read, which
 * costs a call of the node.
 */
#ifndef WEFT_PNI_H
#define WEFT_PNI_H

#include "pni_abi.h"

/* ---- What the node itself offers: use the names behind this part. -------------------- */

/* Reads `n` bytes of the body from `position` on into `buffer`. */
uint64_t pni_read(uint64_t position, void* buffer, uint64_t n);
/* The same for at most 8 bytes, as a little-endian number. */
uint64_t pni_read_number(uint64_t position, uint64_t n);
uint64_t pni_send(uint64_t address_0, uint64_t address_1, uint64_t position, uint64_t length);
uint64_t pni_deliver(uint64_t link, uint64_t position, uint64_t length);
uint64_t pni_is_connected(uint64_t link);
uint64_t pni_drop(uint64_t reason);
uint64_t pni_time(void);
uint64_t pni_time_resolution(void);
/* Does not return. */
uint64_t pni_refuse(void);
void* memcpy(void* to, const void* from, uint64_t n);

/* The machine takes any address for a number of any size. */
typedef uint8_t __attribute__((may_alias)) pni_uint8;
typedef uint16_t __attribute__((may_alias)) pni_uint16;
typedef uint32_t __attribute__((may_alias)) pni_uint32;
typedef uint64_t __attribute__((may_alias)) pni_uint64;

#define PNI_HERE ((struct pniEnvironment*)PNI_ENVIRONMENT)

static inline int pni_at_hand(const pniStream* stream, uint64_t n) {
  return stream->position + n <= PNI_HERE->at_hand;
}
/* Where `n` bytes that are at hand may be written. */
static inline void* pni_to_write(pniStream* stream, uint64_t n) {
  if (!pni_at_hand(stream, n)) pni_refuse();
  void* const at = (void*)((uintptr_t)PNI_BODY + stream->position);
  stream->position += n;
  PNI_HERE->written = 1;
  return at;
}

/* ---- Streams.  (Table 4.3) --------------------------------------------------------------- */

/* Moves it forward.  Behind the end of the body: refused. */
static inline void pniStream_seekFwd(pniStream* stream, uint32_t n) {
  if (n > stream->end - stream->position) pni_refuse();
  stream->position += n;
}
static inline void pniStream_dup(pniStream* to, const pniStream* from) {
  to->position = from->position; /* one by one, so that a compiler sees what it knows of each */
  to->end = from->end;
}
static inline int pniStream_eofP(const pniStream* stream) { return stream->position == stream->end; }
/* Whether the next `n` bytes are at hand.  They are, if the body has them, up to `window`. */
static inline int pniStream_atHand(const pniStream* stream, uint32_t n) { return pni_at_hand(stream, n); }
static inline uint32_t pniStream_getBytesRemaining(const pniStream* stream) {
  return stream->end - stream->position;
}

/* Copies `n` bytes from the stream to `buffer`, or from `buffer` to what is at hand. */
static inline void pniStream_read(pniStream* stream, void* buffer, uint32_t n) {
  pni_read(stream->position, buffer, n);
  stream->position += n;
}
static inline void pniStream_write(pniStream* stream, const void* buffer, uint32_t n) {
  memcpy(pni_to_write(stream, n), buffer, n);
}

/*
 * pniStream_read_net_uint32(stream): the next number, and the same for signed and unsigned
 * numbers of 8, 16, 32 and 64 bits in network, big endian and little endian byte order.
 * pniStream_write_net_uint32(stream, number) writes one.
 */
#define PNI_AS_IS(x) (x)
#define PNI_NUMBER(ORDER, KIND, BITS, SWAP)                                                             \
  static inline KIND##BITS##_t pniStream_read_##ORDER##_##KIND##BITS(pniStream* stream) {               \
    uint##BITS##_t raw;                                                                                 \
    if (pni_at_hand(stream, sizeof raw)) {                                                              \
      raw = *(const pni_uint##BITS*)((uintptr_t)PNI_BODY + stream->position);                           \
    } else {                                                                                            \
      raw = (uint##BITS##_t)pni_read_number(stream->position, sizeof raw);                              \
    }                                                                                                   \
    stream->position += sizeof raw;                                                                     \
    return (KIND##BITS##_t)SWAP(raw);                                                                   \
  }                                                                                                     \
  static inline void pniStream_write_##ORDER##_##KIND##BITS(pniStream* stream, KIND##BITS##_t number) { \
    *(pni_uint##BITS*)pni_to_write(stream, sizeof number) = SWAP((uint##BITS##_t)number);               \
  }
#define PNI_NUMBERS(ORDER, SWAP16, SWAP32, SWAP64) \
  PNI_NUMBER(ORDER, uint, 8, PNI_AS_IS)            \
  PNI_NUMBER(ORDER, int, 8, PNI_AS_IS)             \
  PNI_NUMBER(ORDER, uint, 16, SWAP16)              \
  PNI_NUMBER(ORDER, int, 16, SWAP16)               \
  PNI_NUMBER(ORDER, uint, 32, SWAP32)              \
  PNI_NUMBER(ORDER, int, 32, SWAP32)               \
  PNI_NUMBER(ORDER, uint, 64, SWAP64)              \
  PNI_NUMBER(ORDER, int, 64, SWAP64)
PNI_NUMBERS(net, __builtin_bswap16, __builtin_bswap32, __builtin_bswap64)
PNI_NUMBERS(be, __builtin_bswap16, __builtin_bswap32, __builtin_bswap64)
PNI_NUMBERS(le, PNI_AS_IS, PNI_AS_IS, PNI_AS_IS)
#undef PNI_NUMBERS
#undef PNI_NUMBER
#undef PNI_AS_IS

/* ---- Node addresses.  (Table 4.7) ----------------------------------------------------------- */

/* 16 bytes in the order of the wire, never taken apart. */
typedef struct pniNodeAddr {
  uint64_t words[2];
} pniNodeAddr;

static inline void pniNodeAddr_read(pniStream* stream, pniNodeAddr* address) {
  if (pni_at_hand(stream, sizeof *address)) {
    const pni_uint64* const at = (const pni_uint64*)((uintptr_t)PNI_BODY + stream->position);
    address->words[0] = at[0];
    address->words[1] = at[1];
  } else {
    address->words[0] = pni_read_number(stream->position, 8);
    address->words[1] = pni_read_number(stream->position + 8, 8);
  }
  stream->position += sizeof *address;
}
static inline void pniNodeAddr_write(pniStream* stream, const pniNodeAddr* address) {
  pniStream_write_le_uint64(stream, address->words[0]);
  pniStream_write_le_uint64(stream, address->words[1]);
}
/* Not 0 when they are equal. */
static inline int pniNodeAddr_compare(const pniNodeAddr* a, const pniNodeAddr* b) {
  return a->words[0] == b->words[0] && a->words[1] == b->words[1];
}
static inline void pniNodeAddr_getLocalAddr(pniNodeAddr* address) {
  address->words[0] = PNI_HERE->local_address[0];
  address->words[1] = PNI_HERE->local_address[1];
}
static inline void pniNodeAddr_dup(pniNodeAddr* to, const pniNodeAddr* from) { *to = *from; }

/* ---- What becomes of the capsule.  (Tables 4.5 and 4.7) -------------------------------------- */

/* Sends it towards a node.  `capsule` is what accept was passed, at its start, and `length`
 * all of it; anything else is refused. */
static inline void pniNetwork_sendCapsule(const pniNodeAddr* to, const pniStream* capsule, uint32_t length) {
  pni_send(to->words[0], to->words[1], capsule->position, length);
}

/* An application at this node.  The only one that is known by now is whoever attached to the
 * name of the running code object. */
typedef uint64_t pniAppLink;
#define PNI_APPLINK_OF_THIS_CODE ((pniAppLink)0)

/* Passes the capsule to an application, on the same conditions.  Lost if there is none. */
static inline void pniAppLink_deliverData(pniAppLink link, const pniStream* capsule, uint32_t length) {
  pni_deliver(link, capsule->position, length);
}
static inline int pniAppLink_isConnected(pniAppLink link) { return pni_is_connected(link) != 0; }

static inline void pniCapsule_drop(pniDropReason reason) { pni_drop(reason); }
/* Whether it came from another node, and not from an application of this one.  The node
 * says so, and not the capsule. */
static inline int pniCapsule_isFromNetwork(void) { return PNI_HERE->from_network; }

/* ---- Time stamps.  (Table 4.8) --------------------------------------------------------------- */

/* Nanoseconds since 1970-01-01 UTC. */
typedef struct pniTimestamp {
  uint64_t ns;
} pniTimestamp;

static inline void pniTimestamp_getCurrent(pniTimestamp* t) { t->ns = pni_time(); }
/* In nanoseconds.  Nobody is given a fine clock. */
static inline uint64_t pniTimestamp_getResolution(void) { return pni_time_resolution(); }
static inline void pniTimestamp_read(pniStream* stream, pniTimestamp* t) {
  t->ns = pniStream_read_net_uint64(stream);
}
static inline void pniTimestamp_write(pniStream* stream, const pniTimestamp* t) {
  pniStream_write_net_uint64(stream, t->ns);
}
/* Below 0, 0, above 0: `a` is earlier than, the same as, later than `b`. */
static inline int pniTimestamp_compare(const pniTimestamp* a, const pniTimestamp* b) {
  return a->ns < b->ns ? -1 : a->ns > b->ns;
}
static inline void pniTimestamp_subtract(const pniTimestamp* a, const pniTimestamp* b,
                                         pniTimestamp* difference) {
  difference->ns = a->ns - b->ns;
}
static inline void pniTimestamp_dup(pniTimestamp* to, const pniTimestamp* from) { *to = *from; }

#endif /* WEFT_PNI_H */
