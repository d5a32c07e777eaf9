// SPDX-License-Identifier: Apache-2.0
// Any bytes as a program image.  Must hold:
//   - what is read is written again as the same bytes
//   - what is wrong is told in one printable sentence
//   - what the verifier lets pass runs alike on every machine, and stays in its arena
#include <cstdlib>

#include "tests/fuzz/vm_machines.h"
#include "vm/disassemble.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weft::vm;
  auto image = read_image({data, size});
  if (!image) {
    for (char c : image.error().sentence) fuzz::require(c >= ' ' && c <= '~');
    return 0;
  }
  const std::vector<uint8_t> again = write_image(*image);
  fuzz::require(again.size() == size && std::equal(again.begin(), again.end(), data));
  fuzz::require(!dump(*image).empty());
  static fuzz::Machines machines;
  machines.run(*image, 5000);
  return 0;
}
