/* SPDX-License-Identifier: Apache-2.0 */
/*
 * an_snow.h: how an EE in a process of its own joins its node.
 *
 *   int main(void) {
 *     if (an_snowConnect(NULL) != AN_OK) ...      the node is there: all of an.h may be called
 *     ... create domains and channels ...
 *     while (an_snowRun(-1) == AN_OK) {}          until the node goes
 *     an_snowDisconnect();
 *   }
 *
 * The EE's own thread is its control thread: it connects, creates, and runs an_snowRun().
 * Deliver functions and events run on a thread of the library, one at a time; while nothing
 * is to be done that thread sleeps, after it has looked a little longer.
 *
 * When the process ends, or its connection does, so do its domains, with all that they had.
 *
 * The same source may be linked with the node's own library: then the node is there already,
 * an_snowConnect() only looks, and an_snowRun() returns at once.
 */
#ifndef WEFT_NODEOS_API_AN_SNOW_H
#define WEFT_NODEOS_API_AN_SNOW_H

#include "nodeos_api/an.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where a node listens, unless its config says otherwise. */
#define AN_SNOW_PATH "/run/weft/snow.sock"
/* Names the environment variable with the number of a connected socket that was handed down
 * by who started this process. */
#define AN_SNOW_FD "WEFT_SNOW_FD"

/*
 * Joins the node that listens at `path`.  NULL: the socket that was handed down, if one was,
 * else AN_SNOW_PATH.  The calling thread is the control thread from now on.
 * Errors: AN_EEXIST (joined already), AN_ENOENT (nobody listens there), AN_EPERM, AN_EINVAL (no
 * path of a socket), AN_ENOSYS (the node speaks another version), AN_EADMIT and AN_ELIMIT (the
 * process's principal has no memory left, or no domain), AN_ENOMEM, AN_EIO (the node went away).
 */
int an_snowConnect(const char* path);

/* Before an_snowConnect(): the library's thread never sleeps (1), or does (0, at first).
 * A packet is then taken in less than a microsecond, for a CPU. */
void an_snowSpin(int spin);

/*
 * [control] Waits for what the node has to say, or the threads of this process's domains to ask
 * for, at most so long, and acts on it: termination functions of domains that the node ended are
 * called here, and overflow functions.  0: only looks; -1: waits for ever.
 * Errors: AN_EDEAD (the node is gone, and all domains have ended), AN_EINVAL (not joined).
 */
int an_snowRun(int timeout_ms);
/* Readable when an_snowRun() has something to do; for a loop of the EE's own.  -1: not joined. */
int an_snowFd(void);

/* [control] Ends all domains of this process, with AN_TERM_NODE, and leaves the node. */
int an_snowDisconnect(void);

#ifdef __cplusplus
}
#endif

#endif /* WEFT_NODEOS_API_AN_SNOW_H */
