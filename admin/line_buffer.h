// SPDX-License-Identifier: Apache-2.0
// LineBuffer: bytes of a stream in, whole lines out; bounded.
//
// Threads: one.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace weft::admin {

class LineBuffer {
 public:
  explicit LineBuffer(size_t longest) : longest_(longest) {}

  // False when a line grew longer than allowed; the buffer is then of no more use.
  bool append(std::string_view bytes) {
    buffer_.append(bytes);
    return buffer_.size() <= longest_ || buffer_.find('\n', scanned_) <= longest_;
  }

  // The next line without its newline.
  std::optional<std::string> take() {
    const size_t end = buffer_.find('\n', scanned_);
    if (end == std::string::npos) {
      scanned_ = buffer_.size();
      return std::nullopt;
    }
    std::string line = buffer_.substr(0, end);
    buffer_.erase(0, end + 1);
    scanned_ = 0;
    return line;
  }

 private:
  std::string buffer_;
  size_t longest_;
  size_t scanned_ = 0;  // no newline before this
};

}  // namespace weft::admin
