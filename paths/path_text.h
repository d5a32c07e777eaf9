// SPDX-License-Identifier: Apache-2.0
// Path text: how a path is written, everywhere.
//
//   eth0/ip/udp (dstport=7)          from a device up to whoever opened it
//   eth0/ip -> eth1                  cut-through: in at eth0, out at eth1
//   udp0/ip (src=10.0.0.0/8) -> udp1/ip (ttl=9)
//
//   path  = side [ "->" side ]
//   side  = name { "/" name } [ "(" name "=" value { "," name "=" value } ")" ]
//   name  = letter { letter | digit | "_" | "-" | "." }
//   value = any characters but "," "(" ")" and space, or "..." with \" and \\.
//
// Spaces may stand between any two of these; the text is printable ASCII, and no
// attribute is given twice.
//
// The first name of a side is a partner's; the others are modules', from the
// device upwards.  The same text is the argument of an_inchanCreate, a line of
// the config file, an argument of the CLI, and the label in metrics and traces.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace weft {

constexpr size_t kMaxPathText = 4096;      // characters
constexpr size_t kMaxPathLinks = 16;       // names of one side
constexpr size_t kMaxPathAttributes = 32;  // of one side

struct Attribute {
  std::string name;
  std::string value;
  size_t column = 0;  // of the name, in the text that was parsed; from 1
};

struct ChainLink {
  std::string name;
  size_t column = 0;
};

struct PathSide {
  std::vector<ChainLink> chain;  // chain[0] is the partner
  std::vector<Attribute> attributes;

  // The attribute of that name, or null.
  const Attribute* find(std::string_view name) const;
};

struct PathSpec {
  PathSide near;  // where packets come in
  PathSide far;   // where they go out; an empty chain: whoever opened the path
  bool cut() const { return !far.chain.empty(); }
};

// Errors: kProtocolSpec or kAddressSpec; the sentence begins with the text and the
// column: "eth0//ip: column 6: a name was expected, found '/'".
Result<PathSpec> parse_path(std::string_view text);

// The canonical text: parse_path(to_text(s)) gives s again, but for columns.
std::string to_text(const PathSpec& spec);

// An error at `column` of `text`, in the manner of parse_path.
Error path_error(Code code, std::string_view text, size_t column, std::string_view sentence);

// ", did you mean 'ip'?" when one of `known` is close to `word`; else empty.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& known);

}  // namespace weft
