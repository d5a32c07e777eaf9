// SPDX-License-Identifier: Apache-2.0
// Any bytes as an object file for BPF, linked by itself.  Must hold:
//   - what is wrong is told in a sentence that names the file
//   - what an ElfObject promises of its sections, symbols and relocations
//   - what is linked is an image that a node reads
#include <span>

#include "tests/fuzz/require.h"
#include "tools/weft_cc/elf_object.h"
#include "tools/weft_cc/linker.h"
#include "vm/image.h"

using namespace weft;

namespace {

void check(const cc::ElfObject& object) {
  for (const auto& s : object.sections) {
    fuzz::require(s.bytes.size() == (s.kind == cc::SectionKind::kBss ? 0 : s.size));
    fuzz::require(s.align >= 1 && s.align <= vm::kPageBytes);
  }
  for (const auto& s : object.symbols) {
    fuzz::require(s.section < int(object.sections.size()));
    fuzz::require(s.section < 0 || s.value <= object.sections[size_t(s.section)].size);
    fuzz::require(!s.is_variable || s.is_undefined);
  }
  for (const auto& r : object.relocations) {
    fuzz::require(r.section >= 0 && size_t(r.section) < object.sections.size());
    fuzz::require(r.symbol < object.symbols.size());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto object = cc::parse_elf({data, size}, "a.o");
  if (!object) {
    fuzz::require(object.error().sentence.starts_with("a.o: "), object.error().sentence.c_str());
    return 0;
  }
  check(*object);
  for (bool keep_names : {true, false}) {
    const auto image = cc::link({&*object, 1}, keep_names);
    if (!image) {
      fuzz::require(!image.error().sentence.empty());
      continue;
    }
    const auto again = vm::read_image(vm::write_image(*image));
    fuzz::require(again && *again == *image);
  }
  return 0;
}
