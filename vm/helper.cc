// SPDX-License-Identifier: Apache-2.0
#include "vm/helper.h"

#include <cstring>

namespace weft::vm {

namespace {

// Of two ranges of the same length that both passed, the bits of either size are those of the other;
// where only one passed, none are left to a CPU that guesses.

// memcpy and memmove alike: a program cannot know that the other is faster.
uint64_t copy(Call& call, uint64_t to, uint64_t from, uint64_t bytes) {
  const Out target = call.writable(to, bytes);
  const In source = call.readable(from, bytes);
  if (call.failed()) return 0;
  std::memmove(target.data, source.data, source.size & target.size);
  return to;
}

uint64_t fill(Call& call, uint64_t to, uint64_t value, uint64_t bytes) {
  const Out target = call.writable(to, bytes);
  if (call.failed()) return 0;
  std::memset(target.data, int(uint8_t(value)), target.size);
  return to;
}

uint64_t compare(Call& call, uint64_t a, uint64_t b, uint64_t bytes) {
  const In left = call.readable(a, bytes);
  const In right = call.readable(b, bytes);
  if (call.failed()) return 0;
  const int order = std::memcmp(left.data, right.data, left.size & right.size);
  return order < 0 ? uint64_t(-1) : order > 0 ? 1 : 0;
}

}  // namespace

Result<void> HelperTable::add(Helper helper) {
  if (helper.number == 0 || helper.number >= kMaxHelpers) {
    return Error{Code::kInvalid, "helper " + helper.name + " has the number " +
                                     std::to_string(helper.number) + "; 1 to " +
                                     std::to_string(kMaxHelpers - 1) + " are allowed"};
  }
  if (helper.function == nullptr || helper.arguments > 5) {
    return Error{Code::kInvalid, "helper " + helper.name + " has no function, or more than five arguments"};
  }
  if (find(helper.number) != nullptr || find(helper.name) != nullptr) {
    return Error{Code::kExists,
                 "helper " + helper.name + " (" + std::to_string(helper.number) + ") is there already"};
  }
  if (by_number_.size() <= helper.number) by_number_.resize(helper.number + 1);
  const uint32_t number = helper.number;
  by_number_[number] = std::move(helper);
  return {};
}

const Helper* HelperTable::find(std::string_view name) const {
  for (const Helper& h : by_number_) {
    if (h.function != nullptr && h.name == name) return &h;
  }
  return nullptr;
}

Result<void> add_memory_helpers(HelperTable& table, uint32_t first) {
  for (const Helper& h :
       {make_helper<copy>(first, "memcpy"), make_helper<copy>(first + 1, "memmove"),
        make_helper<fill>(first + 2, "memset"), make_helper<compare>(first + 3, "memcmp")}) {
    if (auto added = table.add(h); !added) return added;
  }
  return {};
}

}  // namespace weft::vm
