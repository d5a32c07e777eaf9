/* SPDX-License-Identifier: Apache-2.0 */
/* An EE that does what its arguments say. */
#include <nodeos_api/an_ee.h>
#include <string.h>

int an_eeInit(an_Domain self, int argc, const char* const* argv) {
  if (an_domainSelf() != self || argv[argc] != NULL) return AN_EIO;
  if (argc > 1 && strcmp(argv[1], "open") == 0) {
    return an_outchanCreate(NULL, self, argv[2], NULL, NULL) != NULL ? AN_OK : an_errno();
  }
  if (argc > 1 && strcmp(argv[1], "refuse") == 0) return AN_EPERM;
  return an_log(self, AN_LOG_INFO, argv[0]);
}

void an_eeExit(an_Domain self) {
  an_log(self, AN_LOG_INFO, an_domainSelf() == self ? "exit, in its domain" : "exit, elsewhere");
}
