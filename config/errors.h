// SPDX-License-Identifier: Apache-2.0
// ConfigErrors: every mistake of one config file, with its place.
//
// Threads: one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/place.h"

namespace weft {

struct ConfigError {
  Place at;
  std::string sentence;
};

class ConfigErrors {
 public:
  // Control characters in the sentence are shown as \x1b.
  void add(Place at, std::string_view sentence);
  void add(const ConfigError& error) { add(error.at, error.sentence); }
  bool empty() const { return errors_.empty(); }
  size_t size() const { return errors_.size(); }

  // In the order of the file.
  std::vector<ConfigError> take();

 private:
  std::vector<ConfigError> errors_;
};

}  // namespace weft
