// SPDX-License-Identifier: Apache-2.0
// Certificate: an X.509 certificate (RFC 5280), and the proof that somebody has its key.
//
// A certificate is public, so showing one proves nothing.  The node gives a nonce that it
// made for this one time, and the principal signs
//
//   "weft credential 1" NUL  length and name of the node  nonce  SHA-256 of the certificate
//
// so that no signature is good for another time, node, certificate or purpose.  Signatures are
// Ed25519, Ed448, ECDSA with SHA-256, or RSASSA-PSS with SHA-256 (RFC 8017), by keys that
// are worth 112 bits at least (NIST SP 800-57).
//
// Threads: each object one at a time; the functions from any.
#pragma once

#include <array>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

struct x509_st;  // of OpenSSL

namespace weft {

using Nonce = std::array<unsigned char, 32>;
// Errors: kIo (the system has no randomness).
Result<Nonce> fresh_nonce();

class Certificate {
 public:
  static constexpr size_t kMaxPem = 65536;  // bytes

  // The first certificate of a PEM text.  Errors: kInvalid.
  static Result<Certificate> parse(std::string_view pem);

  // What is signed: the same bytes for the principal and for the node.
  std::string challenge(std::string_view node, const Nonce& nonce) const;
  // Errors: kPermission (not by this certificate's key, or by one that is too weak).
  Result<void> check_signature(std::string_view message, std::string_view signature) const;

  // "CN=alice,O=Example" (RFC 4514: the last part first).
  std::string subject() const;
  bool same_as(const Certificate& other) const { return der_ == other.der_; }
  // Errors: kPermission: not valid yet, or any more, at that time; not for signing.
  Result<void> check_valid(std::time_t now) const;
  // Errors: kPermission: `issuer` did not issue it.
  Result<void> check_issued_by(const Certificate& issuer, std::time_t now) const;

 private:
  struct Free {
    void operator()(x509_st* x) const;
  };
  explicit Certificate(x509_st* x);

  std::shared_ptr<x509_st> x509_;
  std::string der_;
};

// Signs a challenge with a private key, a PEM text without a pass phrase.
// Errors: kInvalid (no such key), kPermission (too weak), kIo.
Result<std::string> sign(std::string_view key_pem, std::string_view message);

}  // namespace weft
