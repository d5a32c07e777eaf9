// SPDX-License-Identifier: Apache-2.0
#include "tools/weft_cc/externs.h"

#include <algorithm>
#include <optional>

#include "base/bytes.h"

namespace weft::cc {

namespace {

// Of the kernel's Documentation/bpf/btf.rst.
constexpr uint16_t kMagic = 0xeb9f;
constexpr size_t kHeaderBytes = 24, kTypeBytes = 12;
constexpr uint32_t kVariable = 14, kExtern = 2;

// The bytes behind a type of this kind, with `n` members.
std::optional<size_t> tail(uint32_t kind, size_t n) {
  constexpr int8_t kFixed[] = {-1, 4, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 4, 0, 0};
  constexpr int8_t kEach[] = {0, 0, 0, 0, 12, 12, 8, 0, 0, 0, 0, 0, 0, 8, 0, 12, 0, 0, 0, 12};
  if (kind >= std::size(kFixed) || kFixed[kind] < 0) return std::nullopt;
  return size_t(kFixed[kind]) + n * size_t(kEach[kind]);
}

std::span<const uint8_t> part(std::span<const uint8_t> all, uint64_t at, uint64_t bytes) {
  if (at > all.size() || bytes > all.size() - at) return {};
  return all.subspan(at, bytes);
}

bool is_caller_saved(unsigned r) { return r >= 1 && r <= 5; }

}  // namespace

std::set<std::string> extern_variables(std::span<const uint8_t> btf) {
  std::set<std::string> found;
  if (btf.size() < kHeaderBytes || load<uint16_t>(btf.data()) != kMagic) return found;
  const auto word = [&](size_t at) { return uint64_t{load<uint32_t>(btf.data() + at)}; };
  const uint64_t header = word(4);
  std::span<const uint8_t> types = part(btf, header + word(8), word(12));
  const std::span<const uint8_t> names = part(btf, header + word(16), word(20));
  while (types.size() >= kTypeBytes) {
    const uint32_t name = load<uint32_t>(types.data()), info = load<uint32_t>(types.data() + 4);
    const uint32_t kind = info >> 24 & 31;
    const auto behind = tail(kind, info & 0xffff);
    types = types.subspan(kTypeBytes);
    if (!behind || *behind > types.size()) break;
    if (kind == kVariable && load<uint32_t>(types.data()) == kExtern && name < names.size()) {
      const auto from = names.subspan(name);
      found.emplace(from.begin(), std::find(from.begin(), from.end(), 0));
    }
    types = types.subspan(*behind);
  }
  return found;
}

bool reads_through(std::span<const vm::Instruction> text, size_t at) {
  const unsigned r = text[at].dst();
  for (size_t i = at + 2; i < text.size(); ++i) {
    const vm::Instruction& next = text[i];
    switch (next.cls()) {
      case vm::kLdx:
        if (next.src() == r) return true;
        if (next.dst() == r) return false;
        break;
      case vm::kSt:
      case vm::kStx:
        if (next.dst() == r) return true;
        break;
      case vm::kLd:
        if (next.dst() == r) return false;
        ++i;
        break;
      case vm::kAlu:
      case vm::kAlu64:  // &variable + index goes on
        if (next.dst() == r && next.operation() == vm::kMov) return false;
        break;
      default:
        if (next.is_exit() || next.is_unconditional_jump()) return false;
        if (next.is_call() && (r == 0 || is_caller_saved(r))) return false;
    }
  }
  return false;
}

}  // namespace weft::cc
