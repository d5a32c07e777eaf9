// SPDX-License-Identifier: Apache-2.0
// PathGrant: path texts that a principal may open, as one text.
//
//   eth0/ip/udp (dstport=7000-7999)          any of these ports, and whatever narrows it more
//   eth0/ip (src=10.0.0.0/8) -> eth1
//
// A path is permitted if its chain is the grant's and every attribute of the grant stands
// in the path with a value that lies within: the same text, a number in the range, an
// address or prefix in the prefix.  What the grant does not name is left to the path.
//
// Threads: plain values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "paths/path_text.h"

namespace weft {

class PathGrant {
 public:
  // Errors: as parse_path(); kAddressSpec (a range that is none).
  static Result<PathGrant> parse(std::string_view text);

  // `path` and this with their link modules, as Geni::resolve() gives them.
  bool permits(const PathSpec& path) const;

  const std::string& text() const { return text_; }
  // Texts of paths that it permits, with the first and with the last number of each range in its
  // place: a value there that no module reads is one that nobody can open.  Columns are text()'s.
  std::vector<std::string> examples() const;
  void resolve_as(PathSpec spec) { spec_ = std::move(spec); }

 private:
  PathGrant(std::string text, PathSpec spec) : text_(std::move(text)), spec_(std::move(spec)) {}

  std::string text_;
  PathSpec spec_;
};

}  // namespace weft
