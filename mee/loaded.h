// SPDX-License-Identifier: Apache-2.0
// Loaded: the home of an EE that is trusted: a shared object in this process.
//
// Threads: the control thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mee/home.h"
#include "mee/shared_object.h"

namespace weft::mee {

class Loaded final : public Home {
 public:
  // `argv` as an_eeInit gets it, but for the NULL.  `cred`: of whom its domain draws on; NULL: it is
  // the node's own.  Both outlive this.
  Loaded(std::string path, std::vector<std::string> argv, Host& host, an_Cred cred = nullptr);
  ~Loaded() override;

  Result<void> start(an_Domain parent, WhenEnded ended) override;
  void stop() override;
  void kill() override { end(); }
  Facts facts() const override;

 private:
  static int init(an_Domain self, void* arg);
  static void terminated(an_Domain ended, an_TermReason reason, void* arg);
  void end();
  int begin(an_Domain self);
  void leave_code();

  const std::string path_;
  const std::vector<std::string> argv_;
  std::vector<const char*> arguments_;
  Host& host_;
  const an_Cred cred_;
  std::shared_ptr<SharedObject> object_;  // while it runs
  an_Domain domain_ = nullptr;
  WhenEnded ended_;
  std::optional<Error> refused_;  // why it could not start
  bool asked_ = false;            // to end
};

}  // namespace weft::mee
