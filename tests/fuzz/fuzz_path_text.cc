// SPDX-License-Identifier: Apache-2.0
// Any bytes as a path text.  Must hold:
//   - what parses has a canonical text that parses to the same canonical text
//   - an error is one printable line whose column lies in the text, or just behind it
#include <string>

#include "paths/path_text.h"
#include "tests/fuzz/require.h"

namespace {

using weft::fuzz::require;

void check_error(std::string_view text, const weft::Error& error) {
  require(error.code == weft::Code::kProtocolSpec || error.code == weft::Code::kAddressSpec);
  for (char c : error.sentence) require(c >= ' ' && c <= '~');
  require(error.sentence.size() < 400);
  const std::string mark = ": column ";
  // The shown text may hold the mark too: it is at most 120 characters and "...".
  const size_t shown = text.empty() ? 7 : std::min<size_t>(text.size(), 123);
  size_t at = error.sentence.find(mark, text.size() > 120 ? 123 : shown);
  require(at != std::string::npos);
  const unsigned long column = std::stoul(error.sentence.substr(at + mark.size()));
  require(column >= 1 && column <= text.size() + 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  auto spec = weft::parse_path(text);
  if (!spec) {
    check_error(text, spec.error());
  } else {
    const std::string canonical = weft::to_text(*spec);
    require(canonical.size() <= weft::kMaxPathText);
    auto again = weft::parse_path(canonical);
    require(bool(again));
    require(weft::to_text(*again) == canonical);
    require(again->near.chain.size() == spec->near.chain.size() && again->cut() == spec->cut());
  }
  (void)weft::did_you_mean(text, {"arp", "eth", "icmp", "icmp6", "ip", "ip6", "udp", ""});
  return 0;
}
