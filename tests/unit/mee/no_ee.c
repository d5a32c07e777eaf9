/* SPDX-License-Identifier: Apache-2.0 */
/* A shared object that is no EE, and one that asks for a call that no node has. */
#ifdef WEFT_CALLS_NOTHING
extern int an_thereIsNoSuchCall(void);
int an_eeInit(void) { return an_thereIsNoSuchCall(); }
#else
int some_function(void) { return 0; }
#endif
