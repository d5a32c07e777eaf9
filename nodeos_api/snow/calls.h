// SPDX-License-Identifier: Apache-2.0
// The calls that a Session answers: what stands behind each line of WEFT_SNOW_CALLS.
//
// Each `serve_NAME` does what the an_ call of that name does, by that call.  It returns its
// status; what failed is noted as for every call (errors.h).
//
// Threads: the node's control thread.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "nodeos_api/snow/session.h"
#include "nodeos_api/snow/wire.h"

namespace weft::snow {

// A C string that may be NULL.
class OptionalText {
 public:
  OptionalText() = default;
  explicit OptionalText(std::string text) : text_(std::move(text)), null_(false) {}
  const char* c_str() const { return null_ ? nullptr : text_.c_str(); }
  size_t size() const { return text_.size(); }
  const std::string& bytes() const { return text_; }

 private:
  std::string text_;
  bool null_ = true;
};

// One request, while it is answered.
struct Exchange {
  Session& session;
  std::span<const uint8_t> texts;  // behind the request's struct
  std::vector<uint8_t> answer;     // to go behind the reply's struct

  // Errors: noted; it lies outside of the message.
  bool read(Text where, OptionalText* text) const;
  // The bytes stay in the message; none where there is no text.
  bool read(Text where, std::span<const uint8_t>* bytes) const;
};

// What `work` says of the object that the EE's handle stands for.
template <typename Kind, typename Work>
int with(Exchange& x, uint64_t handle, Work work) {
  typename Kind::Handle real = x.session.real<Kind>(handle);
  return real != nullptr ? work(real) : an_errno();
}

#define X(number, name, Request, Reply) int serve_##name(Exchange&, const Request&, Reply&);
WEFT_SNOW_CALLS(X)
#undef X

// What the library is to keep to for a principal.
Bounds bounds_of(const Quota& quota);

// How a request is answered.
struct Service {
  uint32_t least;  // bytes of its struct
  // `body` is the request and its texts, at least so many bytes; `reply` gets struct and texts.
  int (*serve)(Session& session, std::span<const uint8_t> body, std::vector<uint8_t>* reply);
};
// Null for a number that is no call.
const Service* find_service(uint16_t call);

}  // namespace weft::snow
