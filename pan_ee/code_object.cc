// SPDX-License-Identifier: Apache-2.0
#include "pan_ee/code_object.h"

#include <algorithm>
#include <cstring>

#include "base/bytes.h"

namespace weft::pan {

namespace {

constexpr std::string_view kMagic = "WEFTPCO";
constexpr size_t kName = 7, kHashed = 40, kHeader = 48, kSectionHeader = 8;
constexpr uint16_t kProgramObject = 1, kFormatVersion = 1;
constexpr uint16_t kSymbolicName = 2, kProgram = 3;
static_assert(kName == kMagic.size() && kName + CodeName::kSize == kHashed);

Error wrong(std::string what) { return {Code::kInvalid, "code object: " + std::move(what)}; }

std::string number(size_t n) { return std::to_string(n); }

std::string_view as_text(std::span<const uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Result<void> check_header(std::span<const uint8_t> bytes) {
  if (!is_code_object(bytes)) return wrong("it does not begin as one, with " + std::string(kMagic));
  if (bytes.size() < kHeader) return wrong("it ends within its header of " + number(kHeader) + " bytes");
  if (bytes.size() > kMaxCodeObject)
    return wrong(number(bytes.size()) + " bytes, at most " + number(kMaxCodeObject) + " are allowed");
  if (!is_code_name(bytes.data() + kName)) return wrong("its name is of no known kind of hash");
  const uint16_t type = load_be16(&bytes[40]), version = load_be16(&bytes[42]);
  if (version != kFormatVersion)
    return wrong("its format is version " + number(version) + ", this node reads version " +
                 number(kFormatVersion));
  if (type != kProgramObject) return wrong("it is of type " + number(type) + ", only programs are known");
  return {};
}

// Fills in the sections, which must be all that is left.
Result<void> read_sections(std::span<const uint8_t> left, uint16_t count, CodeObject& object) {
  uint16_t before = 0;
  for (uint16_t i = 1; i <= count; ++i) {
    if (left.size() < kSectionHeader) return wrong("it ends before its section " + number(i));
    const uint16_t type = load_be16(&left[0]), zero = load_be16(&left[2]);
    const uint32_t length = load_be32(&left[4]);
    left = left.subspan(kSectionHeader);
    if (length > left.size())
      return wrong("section " + number(i) + " has " + number(length) + " bytes, of which " +
                   number(left.size()) + " are there");
    if (type != kSymbolicName && type != kProgram)
      return wrong("section " + number(i) + " is of type " + number(type) +
                   ", which this node does not know");
    if (type <= before || zero != 0)
      return wrong("section " + number(i) + " is out of order, or has bytes set that must be zero");
    before = type;
    const auto body = left.first(length);
    if (type == kSymbolicName) object.symbolic_name = as_text(body);
    if (type == kProgram) object.program.assign(body.begin(), body.end());
    left = left.subspan(length);
  }
  if (!left.empty()) return wrong(number(left.size()) + " bytes follow its last section");
  return {};
}

}  // namespace

bool is_code_object(std::span<const uint8_t> bytes) {
  return bytes.size() >= kMagic.size() && std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) == 0;
}

bool is_symbolic_name(std::string_view text) {
  return !text.empty() && text.size() <= kMaxSymbolicName &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

Result<CodeObject> read_code_object(std::span<const uint8_t> bytes) {
  if (auto good = check_header(bytes); !good) return good.error();
  CodeObject object;
  object.name = CodeName::at(bytes.data() + kName);
  object.pni_version = load_be16(&bytes[44]);
  if (auto read = read_sections(bytes.subspan(kHeader), load_be16(&bytes[46]), object); !read)
    return read.error();
  const CodeName true_name = name_of(HashKind(object.name.bytes[0]), as_text(bytes.subspan(kHashed)));
  if (object.name != true_name)
    return wrong("it calls itself " + to_text(object.name) + ", but is " + to_text(true_name));
  if (!is_symbolic_name(object.symbolic_name))
    return wrong("its symbolic name has " + number(object.symbolic_name.size()) + " characters; 1 to " +
                 number(kMaxSymbolicName) + " printable ones, and no space, are allowed");
  if (object.program.empty()) return wrong("it has no program");
  return object;
}

std::vector<uint8_t> write_code_object(uint16_t pni_version, std::string_view symbolic_name,
                                       std::span<const uint8_t> program) {
  std::vector<uint8_t> bytes(kHeader);
  store_be16(&bytes[40], kProgramObject);
  store_be16(&bytes[42], kFormatVersion);
  store_be16(&bytes[44], pni_version);
  store_be16(&bytes[46], 2);
  const auto add = [&bytes](uint16_t type, const auto& body) {
    const size_t at = bytes.size();
    bytes.resize(at + kSectionHeader);
    store_be16(&bytes[at], type);
    store_be32(&bytes[at + 4], uint32_t(body.size()));
    bytes.insert(bytes.end(), body.begin(), body.end());
  };
  add(kSymbolicName, symbolic_name);
  add(kProgram, program);
  std::memcpy(bytes.data(), kMagic.data(), kMagic.size());
  name_of(HashKind::kSha256, as_text(std::span(bytes).subspan(kHashed))).write(&bytes[kName]);
  return bytes;
}

}  // namespace weft::pan
