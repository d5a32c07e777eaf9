// SPDX-License-Identifier: Apache-2.0
// What an_errno() and an_errtext() give: the last failure of this thread.
//
// Threads: each its own.
// Time: fail() with a literal does not allocate; it may be called for a packet.
#pragma once

#include <string>

#include "base/result.h"
#include "nodeos_api/an.h"

namespace weft {

// Each notes the failure and returns its status.
// `literal` lives as long as the process.
int fail(an_Status status, const char* literal);
int fail(an_Status status, const std::string& sentence);
int fail(const Error& error);

an_Status to_status(Code code);
// The kind of failure that has that status; kIo, where none has.
Code to_code(an_Status status);

// The failure of a thread, to be carried to another: what the worker did for the
// control thread failed for the control thread.
class LastFailure {
 public:
  static LastFailure& of_this_thread();

  an_Status status() const { return status_; }
  const char* text() const { return literal_ != nullptr ? literal_ : text_; }
  void forget() { status_ = AN_OK; }

  void set(an_Status status, const char* literal);
  void set(an_Status status, const std::string& sentence);

 private:
  an_Status status_ = AN_OK;
  const char* literal_ = "";
  char text_[512] = {};
};

}  // namespace weft
