// SPDX-License-Identifier: Apache-2.0
#include "vm/lending.h"

#include <cstring>

namespace weft::vm {

namespace {

uint64_t lend(Call& call, uint64_t window, uint64_t at, uint64_t bytes, uint64_t writable) {
  call.lend(window, at, bytes, writable != 0);
  return 0;
}

uint64_t lent(Call& call, uint64_t window, uint64_t to_write) {
  const LentWindow w = call.lent(window);
  return to_write == 0 || w.writable ? w.length : 0;
}

uint64_t lent_read(Call& call, uint64_t window, uint64_t offset, Out into) {
  const In from = call.lent_readable(window, offset, into.size);
  if (!call.failed() && from.size > 0) std::memcpy(into.data, from.data, from.size);
  return 0;
}

uint64_t lent_write(Call& call, uint64_t window, uint64_t offset, In from) {
  const Out to = call.lent_writable(window, offset, from.size);
  if (!call.failed() && to.size > 0) std::memcpy(to.data, from.data, to.size);
  return 0;
}

}  // namespace

Result<void> add_lending_helpers(HelperTable& table, uint32_t first) {
  for (const Helper& h : {make_helper<lend>(first, "vm_lend"), make_helper<lent>(first + 1, "vm_lent"),
                          make_helper<lent_read>(first + 2, "vm_lent_read"),
                          make_helper<lent_write>(first + 3, "vm_lent_write")}) {
    if (auto added = table.add(h); !added) return added;
  }
  return {};
}

}  // namespace weft::vm
