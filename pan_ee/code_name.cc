// SPDX-License-Identifier: Apache-2.0
#include "pan_ee/code_name.h"

#include <openssl/evp.h>

namespace weft::pan {

namespace {

struct Hash {
  size_t size;  // bytes; 0: no such kind
  const EVP_MD* (*algorithm)();
};

Hash hash_of(uint8_t kind) {
  switch (HashKind(kind)) {
    case HashKind::kSha256:
      return {32, EVP_sha256};
    case HashKind::kSha1:
      return {20, EVP_sha1};
    case HashKind::kMd5:
      return {16, EVP_md5};
  }
  return {0, nullptr};
}

}  // namespace

CodeName name_of(HashKind kind, std::string_view contents) {
  CodeName name;
  name.bytes[0] = uint8_t(kind);
  const Hash hash = hash_of(uint8_t(kind));
  ::EVP_Digest(contents.data(), contents.size(), name.bytes.data() + 1, nullptr, hash.algorithm(), nullptr);
  return name;
}

bool is_code_name(const uint8_t* p) {
  const size_t size = hash_of(p[0]).size;
  if (size == 0) return false;
  for (size_t i = 1 + size; i < CodeName::kSize; ++i) {
    if (p[i] != 0) return false;
  }
  return true;
}

std::string to_text(const CodeName& name) {
  static constexpr const char* kKinds[] = {"?", "sha256", "sha1", "md5"};
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text = kKinds[name.bytes[0] < 4 ? name.bytes[0] : 0];
  text += ':';
  for (size_t i = 1; i <= 8; ++i) {
    text += kDigits[name.bytes[i] >> 4];
    text += kDigits[name.bytes[i] & 15];
  }
  return text;
}

}  // namespace weft::pan
