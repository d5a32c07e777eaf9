// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/certificate.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

namespace weft {

namespace {

constexpr int kLeastSecurityBits = 112;
constexpr size_t kMaxSignature = 4096;
constexpr std::string_view kPurpose{"weft credential 1\0", 18};

template <auto f>
struct FreeWith {
  template <typename T>
  void operator()(T* t) const {
    f(t);
  }
};
using Bio = std::unique_ptr<BIO, FreeWith<BIO_free>>;
using Key = std::unique_ptr<EVP_PKEY, FreeWith<EVP_PKEY_free>>;
using Digest = std::unique_ptr<EVP_MD_CTX, FreeWith<EVP_MD_CTX_free>>;
using Store = std::unique_ptr<X509_STORE, FreeWith<X509_STORE_free>>;
using StoreContext = std::unique_ptr<X509_STORE_CTX, FreeWith<X509_STORE_CTX_free>>;

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// The last complaint of OpenSSL, which is then forgotten.
std::string complaint() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  const char* reason = code != 0 ? ERR_reason_error_string(code) : nullptr;
  return reason != nullptr ? std::string(": ") + reason : std::string();
}

Bio memory(std::string_view text) { return Bio(BIO_new_mem_buf(text.data(), int(text.size()))); }

// Nobody is asked for a pass phrase.
int no_pass_phrase(char*, int, int, void*) { return -1; }

bool strong_enough(EVP_PKEY* key) { return EVP_PKEY_get_security_bits(key) >= kLeastSecurityBits; }

// The signature scheme of a key, set up by EVP_DigestSignInit or EVP_DigestVerifyInit.
bool begin(const Digest& context, EVP_PKEY* key, decltype(EVP_DigestSignInit) init) {
  const bool edwards = EVP_PKEY_is_a(key, "ED25519") || EVP_PKEY_is_a(key, "ED448");
  EVP_PKEY_CTX* parameters = nullptr;
  if (context == nullptr ||
      init(context.get(), &parameters, edwards ? nullptr : EVP_sha256(), nullptr, key) != 1) {
    return false;
  }
  return !EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1;
}

}  // namespace

Result<Nonce> fresh_nonce() {
  Nonce nonce;
  if (RAND_bytes(nonce.data(), int(nonce.size())) == 1) return nonce;
  return Error{Code::kIo, "no randomness is to be had" + complaint()};
}

void Certificate::Free::operator()(x509_st* x) const { X509_free(x); }

Certificate::Certificate(x509_st* x) : x509_(x, Free()) {
  unsigned char* der = nullptr;
  const int length = i2d_X509(x, &der);
  if (length > 0) der_.assign(reinterpret_cast<const char*>(der), size_t(length));
  OPENSSL_free(der);
}

Result<Certificate> Certificate::parse(std::string_view pem) {
  if (pem.size() > kMaxPem) return Error{Code::kInvalid, "a certificate has at most 65536 bytes"};
  const Bio bio = memory(pem);
  X509* x = bio != nullptr ? PEM_read_bio_X509(bio.get(), nullptr, no_pass_phrase, nullptr) : nullptr;
  if (x == nullptr) return Error{Code::kInvalid, "not an X.509 certificate in PEM" + complaint()};
  Certificate made(x);
  if (made.der_.empty()) return Error{Code::kInvalid, "not an X.509 certificate in PEM" + complaint()};
  return made;
}

std::string Certificate::challenge(std::string_view node, const Nonce& nonce) const {
  unsigned char hash[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  EVP_Digest(der_.data(), der_.size(), hash, &length, EVP_sha256(), nullptr);
  std::string message(kPurpose);
  message += std::to_string(node.size()) + ":";
  message += node;
  message.append(reinterpret_cast<const char*>(nonce.data()), nonce.size());
  message.append(reinterpret_cast<const char*>(hash), length);
  return message;
}

Result<void> Certificate::check_signature(std::string_view message, std::string_view signature) const {
  EVP_PKEY* key = X509_get0_pubkey(x509_.get());
  if (key == nullptr)
    return Error{Code::kPermission, "the certificate's key is of no known kind" + complaint()};
  if (!strong_enough(key))
    return Error{Code::kPermission, "the certificate's key is too weak: 112 bits are wanted"};
  const Digest context(EVP_MD_CTX_new());
  const bool good = signature.size() <= kMaxSignature && begin(context, key, EVP_DigestVerifyInit) &&
                    EVP_DigestVerify(context.get(), bytes(signature), signature.size(), bytes(message),
                                     message.size()) == 1;
  ERR_clear_error();
  if (good) return {};
  return Error{Code::kPermission, "the signature is not by the key of the certificate"};
}

std::string Certificate::subject() const {
  const Bio out(BIO_new(BIO_s_mem()));
  if (out == nullptr || X509_NAME_print_ex(out.get(), X509_get_subject_name(x509_.get()), 0,
                                           XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) < 0) {
    return {};
  }
  char* text = nullptr;
  const long length = BIO_get_mem_data(out.get(), &text);
  return length > 0 ? std::string(text, size_t(length)) : std::string();
}

// RFC 5280 sections 4.1.2.5 and 4.2.1.3.
Result<void> Certificate::check_valid(std::time_t now) const {
  if (X509_cmp_time(X509_get0_notBefore(x509_.get()), &now) != -1) {
    return Error{Code::kPermission, "the certificate is not valid yet"};
  }
  if (X509_cmp_time(X509_get0_notAfter(x509_.get()), &now) != 1) {
    return Error{Code::kPermission, "the certificate has expired"};
  }
  if ((X509_get_key_usage(x509_.get()) & KU_DIGITAL_SIGNATURE) == 0) {
    return Error{Code::kPermission, "the certificate's key is not for signatures (key usage)"};
  }
  return {};
}

// RFC 5280 section 6, with `issuer` as the only trust anchor.
Result<void> Certificate::check_issued_by(const Certificate& issuer, std::time_t now) const {
  const Store store(X509_STORE_new());
  const StoreContext context(X509_STORE_CTX_new());
  if (store == nullptr || context == nullptr || X509_STORE_add_cert(store.get(), issuer.x509_.get()) != 1 ||
      X509_STORE_CTX_init(context.get(), store.get(), x509_.get(), nullptr) != 1) {
    return Error{Code::kNoMemory, "the certificate cannot be checked" + complaint()};
  }
  X509_STORE_CTX_set_flags(context.get(), X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_X509_STRICT);
  X509_STORE_CTX_set_time(context.get(), 0, now);
  if (!same_as(issuer) && X509_verify_cert(context.get()) == 1) return {};
  const int error = X509_STORE_CTX_get_error(context.get());
  ERR_clear_error();
  if (same_as(issuer)) return Error{Code::kPermission, "the certificate is that of the issuer itself"};
  return Error{Code::kPermission, std::string("the issuer's certificate does not vouch for it: ") +
                                      X509_verify_cert_error_string(error)};
}

Result<std::string> sign(std::string_view key_pem, std::string_view message) {
  if (key_pem.size() > Certificate::kMaxPem) return Error{Code::kInvalid, "a key has at most 65536 bytes"};
  const Bio bio = memory(key_pem);
  const Key key(bio != nullptr ? PEM_read_bio_PrivateKey(bio.get(), nullptr, no_pass_phrase, nullptr)
                               : nullptr);
  if (key == nullptr)
    return Error{Code::kInvalid, "not a private key in PEM, or one with a pass phrase" + complaint()};
  if (!strong_enough(key.get())) return Error{Code::kPermission, "the key is too weak: 112 bits are wanted"};
  const Digest context(EVP_MD_CTX_new());
  size_t length = 0;
  if (!begin(context, key.get(), EVP_DigestSignInit) ||
      EVP_DigestSign(context.get(), nullptr, &length, bytes(message), message.size()) != 1) {
    return Error{Code::kInvalid, "the key cannot sign" + complaint()};
  }
  std::string signature(length, '\0');
  if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &length,
                     bytes(message), message.size()) != 1) {
    return Error{Code::kIo, "the key did not sign" + complaint()};
  }
  signature.resize(length);
  return signature;
}

}  // namespace weft
