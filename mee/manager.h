// SPDX-License-Identifier: Apache-2.0
// Manager: the management EE.  It is the first EE of a node, and starts, stops and watches
// the others, which live in domains below its own; so it ends them by what every EE may
// ask of a node.  (Snow on Silk, section 1.)
//
// It is written against an.h; what an.h does not have it is given (home.h).
//
// Threads: the control thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "mee/back_off.h"
#include "mee/home.h"

namespace weft::mee {

enum class Restart : uint8_t { kNever, kOnFailure, kAlways };
const char* name(Restart restart);  // "on-failure"

enum class State : uint8_t {
  kStopped,   // was not started, was stopped, or ended well
  kRunning,   //
  kStopping,  // was asked to
  kWaiting,   // ended, and will be started again
  kFailed,    // ended, and will not
};
const char* name(State state);

// An EE, to be looked at.
struct EeView {
  std::string name;
  State state;
  Restart restart;
  Facts facts;        // while it runs or stops
  uint64_t starts;    // how often it was brought to life
  uint64_t since_ns;  // when it came into this state; AN_TIME_MONOTONIC
  uint64_t due_ns;    // kWaiting: when it is started again
  std::string last;   // how it ended last, or why it could not start; "": nothing to tell
};

class Manager {
 public:
  static constexpr uint64_t kGraceNs = 5'000'000'000;  // from being asked to end to being ended

  // Makes its domain below `parent`; NULL: the root of the process's node.
  static Result<std::unique_ptr<Manager>> start(an_Domain parent);
  // Ends all EEs, the youngest first, and its domain.
  ~Manager();
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;

  an_Domain domain() const { return domain_; }

  // REQUIRES: there is none of that name.
  void add(std::string name, Restart restart, std::unique_ptr<Home> home);
  // Starts those that were never started, in the order in which they were added.  One that
  // cannot start is said in the log, and tried again as its Restart says.
  void start_all();

  // What an operator asks.  Errors: kNotFound (with what was meant), kBusy (it runs already, it
  // is stopping), kDead (it does not run), why it cannot start.
  Result<void> start(std::string_view name);
  Result<void> stop(std::string_view name);     // done when its state is kStopped
  Result<void> restart(std::string_view name);  // one that does not run is started

  // Asks all to end, the youngest first.  They have when stopping() is false.
  void stop_all();
  bool stopping() const;

  // Does what is due.  The time is AN_TIME_MONOTONIC; UINT64_MAX: nothing.
  uint64_t next_due_ns() const;
  void service();

  std::vector<EeView> list() const;

 private:
  struct Ee {
    std::string name;
    Restart restart;
    std::unique_ptr<Home> home;
    State state = State::kStopped;
    BackOff back_off{};
    uint64_t starts = 0, since_ns = 0;
    uint64_t due_ns = UINT64_MAX;  // kWaiting: to be started; kStopping: to be ended
    bool again = false;            // kStopping: to be started when it has ended
    std::string last{};
  };

  explicit Manager(an_Domain domain) : domain_(domain) {}

  Result<Ee*> find(std::string_view name) const;
  Result<void> bring_up(Ee& ee);
  void bring_down(Ee& ee);
  void ended(Ee& ee, const Ended& how);
  // Ended or not started, against what was wanted: waits, or gives up.
  void failed(Ee& ee, uint64_t ran_ns);
  void enter(Ee& ee, State state, uint64_t due_ns = UINT64_MAX);
  void say(an_LogLevel level, const Ee& ee, const std::string& what) const;

  an_Domain domain_;
  std::vector<std::unique_ptr<Ee>> ees_;
};

}  // namespace weft::mee
