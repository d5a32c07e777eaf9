/* SPDX-License-Identifier: Apache-2.0 */
/* An EE that does what its arguments say. */
#include <nodeos_api/an_ee.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Stays, whatever becomes of its domain, until the int at the address in its argument is not 0. */
static void* stay(void* arg) {
  const int* const may_go = (const int*)(uintptr_t)strtoull((const char*)arg, NULL, 0);
  while (__atomic_load_n(may_go, __ATOMIC_ACQUIRE) == 0) usleep(1000);
  return arg;
}

/* Calls before an_eeInit has been are of the EE, too. */
static an_Domain at_load;
static int made_at_load;
__attribute__((constructor)) static void when_loaded(void) {
  at_load = an_domainSelf();
  made_at_load = at_load != NULL && an_demuxkeyCreate(NULL, at_load) != NULL;
}
/* Calls after it are nobody's. */
__attribute__((destructor)) static void when_unloaded(void) {
  if (an_domainCreate(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL) != NULL) abort();
}

int an_eeInit(an_Domain self, int argc, const char* const* argv) {
  if (an_domainSelf() != self || argv[argc] != NULL) return AN_EIO;
  if (argc > 1 && strcmp(argv[1], "open") == 0) {
    return an_outchanCreate(NULL, self, argv[2], NULL, NULL) != NULL ? AN_OK : an_errno();
  }
  if (argc > 1 && strcmp(argv[1], "refuse") == 0) return AN_EPERM;
  if (argc > 1 && strcmp(argv[1], "stay") == 0) {
    return an_threadSpawn(NULL, self, stay, (void*)argv[2]) != NULL ? AN_OK : an_errno();
  }
  if (argc > 1 && strcmp(argv[1], "at load") == 0) return at_load == self && made_at_load ? AN_OK : AN_EIO;
  return an_log(self, AN_LOG_INFO, argv[0]);
}

void an_eeExit(an_Domain self) {
  an_log(self, AN_LOG_INFO, an_domainSelf() == self ? "exit, in its domain" : "exit, elsewhere");
}
