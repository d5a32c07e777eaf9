// SPDX-License-Identifier: Apache-2.0
// Any bytes as what somebody shows: a PEM text, and behind a zero byte a signature.  Must hold:
//   - whatever parses answers every question, and parses the same way again
//   - nobody is recognised: no bytes from outside are a signature of a fresh challenge, and no
//     certificate vouches for itself
#include <cstring>
#include <string_view>

#include "nodeos_api/certificate.h"
#include "tests/conformance/identities.h"
#include "tests/fuzz/require.h"

using namespace weft;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const size_t zero = all.find('\0');
  const std::string_view pem = all.substr(0, zero);
  const std::string_view signature = zero == all.npos ? std::string_view() : all.substr(zero + 1);

  static const Certificate authority = *Certificate::parse(AUTHORITY_CERTIFICATE);
  auto certificate = Certificate::parse(pem);
  if (certificate) {
    auto again = Certificate::parse(pem);
    fuzz::require(again && again->same_as(*certificate) && again->subject() == certificate->subject());
    const Nonce nonce = *fresh_nonce();
    const std::string challenge = certificate->challenge("node", nonce);
    fuzz::require(!certificate->check_signature(challenge, signature), "nobody signed that");
    fuzz::require(!certificate->check_issued_by(*certificate, 1'700'000'000), "none vouches for itself");
    (void)certificate->check_issued_by(authority, 1'700'000'000);
    (void)certificate->check_valid(1'700'000'000);
  } else {
    fuzz::require(!certificate.error().sentence.empty());
  }
  if (auto signed_with = sign(pem, "message")) fuzz::require(!signed_with->empty());
  return 0;
}
