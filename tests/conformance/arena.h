/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena: the world around the EE under test.  The suite asks the node through an.h
 * only; the arena is its hand on the other ends of the wires, and on the clock.
 *
 * The node has two ports, "a" and "b", with raw links (the packet begins with its
 * network header), and the modules "pan", which takes packets whose first nibble is 0,
 * "ip" and "udp".  It is 10.0.0.1 on "a" and 10.0.1.1 on "b", with the rest of 10.0.0.0/24
 * and 10.0.1.0/24 on their links.
 * Its packet pool holds ARENA_PACKETS.  Its domains have files, with a quota of
 * ARENA_FILE_BYTES and ARENA_FILES, of which ARENA_OPEN can be open; or they have none, and
 * an_nodeInfo("files") says so.
 *
 * A worker with a thread of its own sleeps as soon as it has nothing to do: the clock by which it
 * would look for work stands still.
 *
 * Threads: the node's control thread.
 */
#ifndef WEFT_TESTS_CONFORMANCE_ARENA_H
#define WEFT_TESTS_CONFORMANCE_ARENA_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ARENA_PACKETS 2048
#define ARENA_FILE_BYTES (1 << 20)
#define ARENA_FILES 64
#define ARENA_OPEN 32

typedef struct arena arena;

/* NULL if the node cannot be started. */
arena* arena_start(void);
/* Stops the node.  Returns how many packets are not back in the pool. */
size_t arena_stop(arena* a);

/* A packet comes in at the port. */
void arena_inject(arena* a, const char* port, const void* bytes, size_t length);
/* Takes the oldest packet that went out of the port.  Returns its length, 0 if there is none. */
size_t arena_take(arena* a, const char* port, void* bytes, size_t room);

/* The folder of this host that is the root of the node's files, empty at the start; the suite
 * may do there what it likes, and in the folder that holds it. */
const char* arena_files(arena* a);

/* Returns when the node has done all there is to do, its control thread's part too. */
void arena_settle(arena* a);
/* The node's clock moves, and what is due happens. */
void arena_advance(arena* a, uint64_t ns);
/* The node's clock moves, and nothing else; from any thread. */
void arena_pass(arena* a, uint64_t ns);
/* Calls f(arg) on a thread that is neither the node's control thread nor its worker. */
void arena_elsewhere(void (*f)(void* arg), void* arg);

/* --- over Snow only ------------------------------------------------------- */

/* The suite's process leaves the node, which then listens for it: where, is returned. */
const char* arena_leave(arena* a);
/* A socket that is connected to it, as the text of its number. */
void arena_socket(arena* a, char* text, size_t room);
/* The node ends what it has with whoever joined. */
void arena_hang_up(arena* a);

#ifdef __cplusplus
}
#endif

#endif /* WEFT_TESTS_CONFORMANCE_ARENA_H */
