/* SPDX-License-Identifier: Apache-2.0
 *
 * What Weft and its peers are given by bench/capsule.py: capsules of the same code objects to
 * the same nodes.
 *
 * A capsule names one of some code objects, chosen at random for each, and its body begins
 * with the address of one of kNodes nodes, that none of which is this one.
 */
#ifndef WEFT_BENCH_CAPSULE_FRAMES_H
#define WEFT_BENCH_CAPSULE_FRAMES_H

#include "bench/ip4_frames.h"

enum {
  kCapsuleHeader = 64,
  kCapsuleName = 24,
  kCodeName = 33,
  kNodes = 16,
  kTtlOfCapsules = 64,
};

/* The address of node `i`, IPv4-mapped: 10.1.i.1. */
static inline void write_node(uint8_t* at, uint32_t i) {
  const uint8_t address[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 1, (uint8_t)i, 1};
  memcpy(at, address, sizeof address);
}

/* Writes header and destination of a capsule of `length` bytes. */
static inline void write_capsule(uint8_t* at, uint32_t length, const uint8_t (*names)[kCodeName],
                                 uint32_t objects, uint64_t* random) {
  uint8_t front[kCapsuleHeader + 16] = {0};
  front[0] = 1;
  front[3] = kTtlOfCapsules;
  front[6] = (uint8_t)(length >> 8);
  front[7] = (uint8_t)length;
  write_node(front + 8, 0);
  memcpy(front + kCapsuleName, names[next_random(random) % objects], kCodeName);
  write_node(front + kCapsuleHeader, next_random(random) % kNodes);
  memcpy(at, front, sizeof front);
}

#endif
