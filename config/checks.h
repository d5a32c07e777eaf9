// SPDX-License-Identifier: Apache-2.0
// What a config must keep beyond the types of its values: names that exist, path
// texts that parse, nothing twice.
//
// Threads: plain functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/errors.h"
#include "config/table_reader.h"
#include "paths/path_text.h"

namespace weft {

// letter { letter | digit | "_" | "-" | "." }, as in path texts.
bool is_name(std::string_view text);
std::string not_a_name(std::string_view text);

// The parsed value into `into`, or the error at `text`.  Returns whether it was good.
template <typename T>
bool take(Result<T> parsed, const Text& text, ConfigErrors& errors, T& into) {
  if (parsed) {
    into = *parsed;
  } else {
    errors.add(text.at, parsed.error().sentence);
  }
  return bool(parsed);
}

// Checks names that one item gives of others.
class NameCheck {
 public:
  NameCheck(const std::vector<PartnerConfig>& partners, const std::vector<std::string>& modules,
            ConfigErrors& errors);

  void partner(const Text& name) const;
  // A path text: its grammar, its partners and its modules, each error at its character.
  void path(const Text& text) const;

 private:
  void side(const Text& text, const PathSide& side) const;

  std::vector<std::string> partners_;
  const std::vector<std::string>& modules_;
  ConfigErrors& errors_;
};

// EEs and weft have a socket each.
void check_sockets(const Config& config, ConfigErrors& errors);

// Nothing twice, and nothing that contradicts something else.
void check_whole(const Config& config, ConfigErrors& errors);

}  // namespace weft
