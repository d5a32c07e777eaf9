// SPDX-License-Identifier: Apache-2.0
#include "routes/neighbour_table.h"

#include <utility>

namespace weft {

const char* name(NeighbourState state) {
  switch (state) {
    case NeighbourState::kIncomplete:
      return "incomplete";
    case NeighbourState::kReachable:
      return "reachable";
    case NeighbourState::kProbe:
      return "probe";
    case NeighbourState::kStale:
      return "stale";
    case NeighbourState::kFailed:
      return "failed";
  }
  return "";
}

void NeighbourTable::add_port(uint16_t port, bool kernel_resolves) { ports_[port].kernel = kernel_resolves; }

// --- questions ---------------------------------------------------------------

void NeighbourTable::wanted(const NeighbourKey& who, uint64_t now_ns) {
  const auto [it, added] = find_or_add(who, true);
  if (it == entries_.end()) {
    listener_.neighbour_failed(who);
    return;
  }
  if (added) {
    start(it, NeighbourState::kIncomplete, now_ns);
    return;
  }
  switch (it->second.state) {
    case NeighbourState::kIncomplete:
      return;  // the answer will be told
    case NeighbourState::kFailed:
      listener_.neighbour_failed(who);
      return;
    case NeighbourState::kStale:
      // RFC 4861 section 7.3.3: what is known is used while it is being confirmed.
      start(it, NeighbourState::kProbe, now_ns, true);
      break;
    case NeighbourState::kReachable:
    case NeighbourState::kProbe:
      break;
  }
  it->second.usable = true;
  listener_.neighbour_up(who, it->second.mac);
}

void NeighbourTable::keep(const NeighbourKey& who, uint64_t now_ns) {
  const auto [it, added] = find_or_add(who, true);
  if (it == entries_.end()) return;  // as long as there is no room, packets ask
  ++it->second.kept;
  line_up(it);
  if (added) {
    start(it, NeighbourState::kIncomplete, now_ns);
  } else if (it->second.state == NeighbourState::kStale) {
    wanted(who, now_ns);
  }
}

void NeighbourTable::release(const NeighbourKey& who) {
  const auto it = entries_.find(who);
  if (it == entries_.end() || it->second.kept == 0) return;
  --it->second.kept;
  line_up(it);
}

// --- answers -----------------------------------------------------------------

void NeighbourTable::heard(const NeighbourKey& who, const MacAddress& mac, bool solicited, bool may_add,
                           uint64_t now_ns, bool overrides) {
  auto it = entries_.find(who);
  if (it == entries_.end()) {
    if (!may_add) return;
    it = find_or_add(who, false).it;
    if (it == entries_.end()) return;
    it->second.mac = mac;
    set_state(it, NeighbourState::kStale, now_ns + kForgetNs);
    return;
  }
  Entry& entry = it->second;
  const bool keeps = !overrides && mac != entry.mac;
  switch (entry.state) {
    case NeighbourState::kIncomplete:
    case NeighbourState::kFailed:
      // Somebody waits for exactly this, or did until a moment ago.
      confirm(it, mac, now_ns);
      return;
    case NeighbourState::kStale:
      if (keeps) return;
      entry.mac = mac;
      set_due(it, now_ns + kForgetNs);
      return;
    case NeighbourState::kReachable:
      // A question was answered late, or a stranger speaks up; only an answer counts.
      if (!keeps && (solicited || mac == entry.mac)) {
        if (solicited) confirm(it, mac, now_ns);
      } else {
        start(it, NeighbourState::kProbe, now_ns);
      }
      return;
    case NeighbourState::kProbe:
      if (solicited && !keeps) confirm(it, mac, now_ns);
      return;
  }
}

void NeighbourTable::kernel_usable(const NeighbourKey& who, const MacAddress& mac, bool suspect,
                                   uint64_t now_ns) {
  const auto it = find_or_add(who, true).it;
  if (it == entries_.end()) return;
  Entry& entry = it->second;
  entry.in_kernel = true;
  entry.asked = 0;
  const bool changed = !entry.usable || entry.mac != mac;
  entry.mac = mac;
  entry.usable = true;
  // Asked for again even when it was confirmed just now: that is how the kernel
  // learns that it is in use.
  set_state(it, suspect ? NeighbourState::kStale : NeighbourState::kReachable,
            suspect ? now_ns : now_ns + kRefreshNs);
  if (changed) listener_.neighbour_up(who, mac);
}

void NeighbourTable::kernel_incomplete(const NeighbourKey& who, uint64_t now_ns) {
  const auto it = entries_.find(who);
  if (it == entries_.end()) return;
  it->second.in_kernel = true;
  withdraw(it);
  set_state(it, NeighbourState::kIncomplete, now_ns + kKernelNs);
}

void NeighbourTable::kernel_failed(const NeighbourKey& who, uint64_t now_ns) {
  const auto it = entries_.find(who);
  if (it == entries_.end()) return;
  it->second.in_kernel = true;
  fail(it, now_ns);
}

void NeighbourTable::kernel_forgot(const NeighbourKey& who, uint64_t now_ns) {
  const auto it = entries_.find(who);
  if (it == entries_.end()) return;
  it->second.in_kernel = false;
  withdraw(it);
  if (it->second.kept > 0) {
    start(it, NeighbourState::kIncomplete, now_ns);
  } else if (it->second.state != NeighbourState::kIncomplete) {
    forget(it);
  }
}

// --- time --------------------------------------------------------------------

void NeighbourTable::on_timer(uint64_t now_ns) {
  while (!due_.empty() && due_.begin()->first <= now_ns) {
    const auto it = entries_.find(due_.begin()->second);
    set_due(it, UINT64_MAX);
    expire(it, now_ns);
  }
}

void NeighbourTable::expire(Map::iterator it, uint64_t now_ns) {
  Entry& entry = it->second;
  if (entry.kernel && entry.usable) {
    // The kernel asks the link, and says what came of it.
    asker_.ask(it->first.port, it->first.family, it->first.address, 1, nullptr);
    set_due(it, now_ns + kRefreshNs);
    return;
  }
  switch (entry.state) {
    case NeighbourState::kIncomplete:
    case NeighbourState::kProbe:
      if (entry.kernel || entry.asked >= kQuestions) {
        fail(it, now_ns);
      } else {
        ask(it, now_ns, false);
      }
      return;
    case NeighbourState::kReachable:
      start(it, NeighbourState::kProbe, now_ns, true);
      return;
    case NeighbourState::kFailed:
    case NeighbourState::kStale:
      if (entry.kept > 0) {
        start(it, NeighbourState::kIncomplete, now_ns);
      } else {
        forget(it);
      }
      return;
  }
}

void NeighbourTable::start(Map::iterator it, NeighbourState state, uint64_t now_ns, bool alone) {
  it->second.asked = 0;
  set_state(it, state, UINT64_MAX);
  ask(it, now_ns, alone);
}

void NeighbourTable::ask(Map::iterator it, uint64_t now_ns, bool alone) {
  Entry& entry = it->second;
  ++entry.asked;
  set_due(it, now_ns + (entry.kernel ? kKernelNs : kRetransNs));
  asker_.ask(it->first.port, it->first.family, it->first.address, entry.asked, alone ? &entry.mac : nullptr);
}

void NeighbourTable::confirm(Map::iterator it, const MacAddress& mac, uint64_t now_ns) {
  Entry& entry = it->second;
  entry.mac = mac;
  entry.usable = true;
  entry.asked = 0;
  set_state(it, NeighbourState::kReachable, now_ns + kConfirmNs);
  listener_.neighbour_up(it->first, mac);
}

void NeighbourTable::withdraw(Map::iterator it) {
  if (!std::exchange(it->second.usable, false)) return;
  listener_.neighbour_gone(it->first);
}

void NeighbourTable::fail(Map::iterator it, uint64_t now_ns) {
  it->second.usable = false;
  set_state(it, NeighbourState::kFailed, now_ns + kSilenceNs);
  listener_.neighbour_failed(it->first);
}

// --- entries -----------------------------------------------------------------

NeighbourTable::Found NeighbourTable::find_or_add(const NeighbourKey& who, bool firm) {
  const auto found = entries_.find(who);
  if (found != entries_.end()) return {found, false};
  const auto port = ports_.find(who.port);
  if (port == ports_.end()) return {entries_.end(), false};
  PortState& state = port->second;
  if (!state.kernel && state.count >= kMaxOnLink) {
    std::list<NeighbourKey>& line = !state.loose.empty() || !firm ? state.loose : state.firm;
    if (line.empty()) return {entries_.end(), false};
    const auto victim = entries_.find(line.front());
    withdraw(victim);
    forget(victim);
  }
  ++state.count;
  const auto it = entries_.emplace(who, Entry{}).first;
  it->second.kernel = state.kernel;
  line_up(it);
  return {it, true};
}

void NeighbourTable::forget(Map::iterator it) {
  set_due(it, UINT64_MAX);
  if (it->second.line != nullptr) it->second.line->erase(it->second.place);
  --ports_[it->first.port].count;
  entries_.erase(it);
}

void NeighbourTable::line_up(Map::iterator it) {
  Entry& entry = it->second;
  PortState& port = ports_[it->first.port];
  const bool loose = entry.state == NeighbourState::kStale || entry.state == NeighbourState::kFailed;
  std::list<NeighbourKey>* line = entry.kept > 0 ? nullptr : loose ? &port.loose : &port.firm;
  if (line == entry.line) return;
  if (entry.line != nullptr) entry.line->erase(entry.place);
  entry.line = line;
  if (line != nullptr) entry.place = line->insert(line->end(), it->first);
}

void NeighbourTable::set_due(Map::iterator it, uint64_t due_ns) {
  Entry& entry = it->second;
  if (entry.due_ns != UINT64_MAX) due_.erase({entry.due_ns, it->first});
  entry.due_ns = due_ns;
  if (due_ns != UINT64_MAX) due_.insert({due_ns, it->first});
}

void NeighbourTable::set_state(Map::iterator it, NeighbourState state, uint64_t due_ns) {
  it->second.state = state;
  line_up(it);
  set_due(it, due_ns);
}

// --- views -------------------------------------------------------------------

const MacAddress* NeighbourTable::mac(const NeighbourKey& who) const {
  const auto it = entries_.find(who);
  return it == entries_.end() || !it->second.usable ? nullptr : &it->second.mac;
}

std::vector<NeighbourTable::View> NeighbourTable::view() const {
  std::vector<View> all;
  all.reserve(entries_.size());
  for (const auto& [who, entry] : entries_) {
    all.push_back({who, entry.state, entry.mac, entry.kept > 0, entry.kernel});
  }
  return all;
}

std::vector<NeighbourKey> NeighbourTable::of_kernel() const {
  std::vector<NeighbourKey> all;
  for (const auto& [who, entry] : entries_) {
    if (entry.in_kernel) all.push_back(who);
  }
  return all;
}

}  // namespace weft
