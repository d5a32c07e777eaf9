// SPDX-License-Identifier: Apache-2.0
#include "mee/manager.h"

#include <algorithm>

namespace weft::mee {

namespace {

uint64_t now_ns() { return an_timeGet(AN_TIME_MONOTONIC); }

std::string in_seconds(uint64_t ns) {
  const uint64_t tenths = (ns + 50'000'000) / 100'000'000;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
}

}  // namespace

const char* name(Restart restart) {
  static constexpr const char* kNames[] = {"never", "on-failure", "always"};
  return kNames[size_t(restart)];
}

const char* name(State state) {
  static constexpr const char* kNames[] = {"stopped", "running", "stopping", "waiting", "failed"};
  return kNames[size_t(state)];
}

// --- its own life --------------------------------------------------------------

Result<std::unique_ptr<Manager>> Manager::start(an_Domain parent) {
  an_Domain domain =
      an_domainCreate(nullptr, parent, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr);
  if (domain == nullptr) return Error{Code::kInvalid, "the management EE: " + std::string(an_errtext())};
  return std::unique_ptr<Manager>(new Manager(domain));
}

Manager::~Manager() {
  while (!ees_.empty()) ees_.pop_back();
  an_domainDestroy(domain_);
}

void Manager::add(std::string name, Restart restart, std::unique_ptr<Home> home) {
  ees_.push_back(
      std::make_unique<Ee>(Ee{.name = std::move(name), .restart = restart, .home = std::move(home)}));
  enter(*ees_.back(), State::kStopped);
}

void Manager::start_all() {
  for (const auto& ee : ees_) {
    if (ee->state == State::kStopped && ee->starts == 0) (void)bool(bring_up(*ee));
  }
}

// --- what an operator asks -------------------------------------------------------

Result<Manager::Ee*> Manager::find(std::string_view wanted) const {
  std::string known;
  for (const auto& ee : ees_) {
    if (ee->name == wanted) return ee.get();
    known += (known.empty() ? "" : ", ") + ee->name;
  }
  return Error{Code::kNotFound, "no EE '" + std::string(wanted) + "'; there " +
                                    (known.empty() ? std::string("is none") : "are: " + known)};
}

Result<void> Manager::start(std::string_view wanted) {
  const auto found = find(wanted);
  if (!found) return found.error();
  Ee& ee = **found;
  if (ee.state == State::kRunning) return Error{Code::kBusy, "EE '" + ee.name + "' is running already"};
  if (ee.state == State::kStopping) return Error{Code::kBusy, "EE '" + ee.name + "' is still stopping"};
  return bring_up(ee);
}

Result<void> Manager::stop(std::string_view wanted) {
  const auto found = find(wanted);
  if (!found) return found.error();
  Ee& ee = **found;
  switch (ee.state) {
    case State::kRunning:
      bring_down(ee);
      return {};
    case State::kStopping:
      ee.again = false;
      return {};
    case State::kWaiting:
      say(AN_LOG_INFO, ee, "is not started again: it was stopped");
      enter(ee, State::kStopped);
      return {};
    default:
      return Error{Code::kDead, "EE '" + ee.name + "' is not running"};
  }
}

Result<void> Manager::restart(std::string_view wanted) {
  const auto found = find(wanted);
  if (!found) return found.error();
  Ee& ee = **found;
  if (ee.state != State::kRunning && ee.state != State::kStopping) return bring_up(ee);
  ee.again = true;
  if (ee.state == State::kRunning) bring_down(ee);
  // Ended already, it need not wait for service().
  return ee.state == State::kWaiting ? bring_up(ee) : Result<void>();
}

void Manager::stop_all() {
  for (auto ee = ees_.rbegin(); ee != ees_.rend(); ++ee) {
    if ((*ee)->state == State::kRunning) bring_down(**ee);
    if ((*ee)->state == State::kWaiting) enter(**ee, State::kStopped);
    (*ee)->again = false;
  }
}

bool Manager::stopping() const {
  return std::ranges::any_of(ees_, [](const auto& ee) { return ee->state == State::kStopping; });
}

// --- up and down ---------------------------------------------------------------

Result<void> Manager::bring_up(Ee& ee) {
  const auto started = ee.home->start(domain_, [this, &ee](const Ended& how) { ended(ee, how); });
  if (!started) {
    ee.last = started.error().sentence;
    say(AN_LOG_ERROR, ee, "cannot start: " + ee.last);
    failed(ee, 0);
    return started;
  }
  ++ee.starts;
  enter(ee, State::kRunning);
  const Facts facts = ee.home->facts();
  say(AN_LOG_INFO, ee, "runs in " + facts.place);
  if (ee.starts > 1) return {};  // what it lacks is said once
  for (const std::string& lack : facts.lacks) say(AN_LOG_WARNING, ee, "runs without " + lack);
  return {};
}

void Manager::bring_down(Ee& ee) {
  enter(ee, State::kStopping, now_ns() + kGraceNs);
  ee.home->stop();  // ended() may be called before it returns
}

void Manager::ended(Ee& ee, const Ended& how) {
  const bool asked = ee.state == State::kStopping;
  const uint64_t ran_ns = now_ns() - ee.since_ns;
  ee.last = how.how;
  say(how.failed && !asked ? AN_LOG_ERROR : AN_LOG_INFO, ee, "ended: " + how.how);
  if (asked) {
    // To start it from here would be to start it while it ends.
    enter(ee, ee.again ? State::kWaiting : State::kStopped, ee.again ? now_ns() : UINT64_MAX);
    ee.again = false;
  } else if (how.failed || ee.restart == Restart::kAlways) {
    failed(ee, ran_ns);
  } else {
    enter(ee, State::kStopped);
  }
}

void Manager::failed(Ee& ee, uint64_t ran_ns) {
  if (ee.restart == Restart::kNever) return enter(ee, State::kFailed);
  const uint64_t wait_ns = ee.back_off.next(ran_ns);
  say(AN_LOG_INFO, ee, "is started again in " + in_seconds(wait_ns));
  enter(ee, State::kWaiting, now_ns() + wait_ns);
}

void Manager::enter(Ee& ee, State state, uint64_t due_ns) {
  ee.state = state;
  ee.since_ns = now_ns();
  ee.due_ns = due_ns;
}

// --- time ----------------------------------------------------------------------

uint64_t Manager::next_due_ns() const {
  uint64_t due = UINT64_MAX;
  for (const auto& ee : ees_) due = std::min(due, ee->due_ns);
  return due;
}

void Manager::service() {
  const uint64_t now = now_ns();
  for (const auto& ee : ees_) {
    if (ee->due_ns > now) continue;
    ee->due_ns = UINT64_MAX;
    if (ee->state == State::kWaiting) {
      (void)bool(bring_up(*ee));
    } else if (ee->state == State::kStopping) {
      say(AN_LOG_WARNING, *ee, "does not stop when asked: it is ended");
      ee->home->kill();
    }
  }
}

// --- to be looked at -------------------------------------------------------------

std::vector<EeView> Manager::list() const {
  std::vector<EeView> views;
  for (const auto& ee : ees_) {
    const bool alive = ee->state == State::kRunning || ee->state == State::kStopping;
    views.push_back({.name = ee->name,
                     .state = ee->state,
                     .restart = ee->restart,
                     .facts = alive ? ee->home->facts() : Facts{},
                     .starts = ee->starts,
                     .since_ns = ee->since_ns,
                     .due_ns = ee->state == State::kWaiting ? ee->due_ns : UINT64_MAX,
                     .last = ee->last});
  }
  return views;
}

void Manager::say(an_LogLevel level, const Ee& ee, const std::string& what) const {
  an_log(domain_, level, ("ee " + ee.name + " " + what).c_str());
}

}  // namespace weft::mee
