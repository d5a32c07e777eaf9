// SPDX-License-Identifier: Apache-2.0
// Home: where an EE lives, and how it is brought to life there.  One implementation for
// each way: loaded into this process (loaded.h); in a process of its own, and what is built
// in, which the composition root gives (tools/weftd/ee_process.h, pan_home.h), because
// an.h has no words for a process.
//
// Threads: the control thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "nodeos_api/an.h"

namespace weft::mee {

// How an EE ended.
struct Ended {
  bool failed;      // not as was asked, and not with success
  std::string how;  // "exit status 3"
};

// What there is to be said of an EE that runs.
struct Facts {
  std::string place;               // "weftd", "process 1234"
  an_Domain domain = nullptr;      // NULL: it has none, or none yet
  std::vector<std::string> has;    // fences around it
  std::vector<std::string> lacks;  // what could not be had, and why: one sentence each
};

class Home {
 public:
  using WhenEnded = std::function<void(const Ended&)>;

  // Ends the EE if it runs, without telling anybody.
  virtual ~Home() = default;

  // Brings the EE to life, in a domain below `parent`.  `ended` is called once when it has
  // ended, whyever; never from within start().
  // REQUIRES: it does not run.  Errors: one sentence; the EE has then not been.
  virtual Result<void> start(an_Domain parent, WhenEnded ended) = 0;
  // Asks it to end; `ended` is called, at once or later.
  virtual void stop() = 0;
  // Ends it without asking; `ended` is called, at once or soon.
  virtual void kill() = 0;
  virtual Facts facts() const = 0;
};

// What an.h lacks for an EE that manages others.  The composition root gives it.
class Host {
 public:
  virtual ~Host() = default;
  // Runs `work` on this thread as code of `domain`, as if the node had called it there.
  virtual void run_in(an_Domain domain, const std::function<void()>& work) = 0;
  // `domain` is the topmost of an EE, and `code` holds its functions in memory: whatever may call
  // them has a share of it until then, also what outlives the domain.
  virtual void share_code(an_Domain domain, std::shared_ptr<const void> code) = 0;
};

}  // namespace weft::mee
