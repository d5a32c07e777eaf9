/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pni_abi.h: what a code object and the node that runs it agree on: version 1 of the PAN
 * node interface, as it lies in memory.  Code objects include pni.h.
 *
 * Both sides are little-endian.  What stands here never changes for a version: code objects
 * are named by their bytes, and old ones stay.
 */
#ifndef WEFT_PNI_ABI_H
#define WEFT_PNI_ABI_H

#include <stdint.h>

#define PNI_VERSION 1

/* A place in a capsule's body, and where the body ends; in bytes from its start. */
typedef struct pniStream {
  uint32_t position;
  uint32_t end;
} pniStream;

/* What the node lays out for each capsule.  Behind it lie the first bytes of the body: a
 * copy, which goes back into the capsule if `written` is set. */
struct pniEnvironment {
  pniStream capsule; /* the whole body: what `accept` is passed */
  uint32_t at_hand;  /* bytes of the body that lie behind this */
  uint16_t from_network;
  uint16_t written;
  uint64_t local_address[2]; /* written once, when the code object is loaded */
};

/* Where the environment lies, as programs see it: with a short body, in one line of a cache. */
#define PNI_ENVIRONMENT 0x14200
#define PNI_BODY (PNI_ENVIRONMENT + 32)

/* Bytes of the body at hand, for a code object that exports no `window`; and the most that
 * it may ask for. */
#define PNI_DEFAULT_WINDOW 64
#define PNI_MAX_WINDOW 1536

/* Why a capsule is let go. */
typedef enum pniDropReason {
  PNI_DROP_DISCARD = 0, /* no longer wanted */
  PNI_DROP_MALFORMED    /* not a capsule of this protocol */
} pniDropReason;

#endif /* WEFT_PNI_ABI_H */
