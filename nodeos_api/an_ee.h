/* SPDX-License-Identifier: Apache-2.0 */
/*
 * an_ee.h: where an execution environment (EE) begins and ends.
 *
 * An EE is C or C++ that defines an_eeInit, and an_eeExit if it has something to do at
 * its end.  The same source is linked in one of two ways:
 *   - as a shared object, which weftd loads into its own process ([ee.NAME] load);
 *   - as a program of its own, with libweft-snow-main and libweft-snow ([ee.NAME] exec).
 * docs/write-an-ee.md goes from nothing to a running EE.
 *
 * Threads: both functions run on the control thread, as all init functions do (an.h).
 *
 * This header is C11 and C++.
 */
#ifndef WEFT_NODEOS_API_AN_EE_H
#define WEFT_NODEOS_API_AN_EE_H

#include <nodeos_api/an.h>

#ifdef __cplusplus
#define AN_EE_ENTRY extern "C" __attribute__((visibility("default")))
#else
#define AN_EE_ENTRY extern __attribute__((visibility("default")))
#endif

/*
 * Called once, when the EE starts, in a domain that was made for it: opens its channels,
 * schedules its events, and returns.  Everything that it makes in `self`, or in domains
 * below it, ends with `self`.
 * `argv` are `argc` strings, then NULL; the first is the EE's name, the others stand in the
 * config.  They last until an_eeExit has returned.
 * Returns AN_OK; anything else refuses to start, and `self` is taken down again.  A status
 * that a call has just failed with (`return an_errno();`) is reported with its sentence.
 */
AN_EE_ENTRY int an_eeInit(an_Domain self, int argc, const char* const* argv);

/*
 * Optional.  Called before `self` is ended in good order: its channels are still open.  Not
 * called when an_eeInit refused, or when the domain was ended otherwise.
 */
AN_EE_ENTRY void an_eeExit(an_Domain self);

#endif /* WEFT_NODEOS_API_AN_EE_H */
