// SPDX-License-Identifier: Apache-2.0
// What an.h offers in the node's process and not behind Snow: these calls say so.
// (docs/snow.md, "What is missing")
#include "nodeos_api/errors.h"

namespace weft::snow {

namespace {

int missing(const char* what) { return fail(AN_ENOSYS, std::string(what) + " over Snow"); }

}  // namespace

}  // namespace weft::snow

using weft::snow::missing;

extern "C" {

// A credential is who is at the other end of the socket; the key of a certificate would have
// to sign on this side of it.
an_Cred an_credCreate(void*, an_CredSpec) {
  missing("no credentials are shown");
  return nullptr;
}
int an_credDestroy(an_Cred) { return missing("there are no credentials"); }
int an_credCheck(an_Cred, an_CredInfo*) { return missing("there are no credentials"); }

}  // extern "C"
