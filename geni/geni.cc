// SPDX-License-Identifier: Apache-2.0
#include "geni/geni.h"

#include <algorithm>

namespace weft {

namespace {

// Opening::id of a port is its number; of a path: this bit, a generation, the id.
constexpr uint32_t kPathBit = 1u << 31;
constexpr uint16_t kGenerations = 1u << 15;
constexpr uint16_t kMaxPaths = 0xfffe;

Opening path_opening(uint16_t id, uint16_t generation) {
  return {kPathBit | uint32_t{generation} << 16 | id};
}
bool is_path(Opening which) { return (which.id & kPathBit) != 0; }
uint16_t path_id(Opening which) { return uint16_t(which.id); }

}  // namespace

Geni::Geni(Worker& worker, Demux& demux, std::vector<Module*> modules, std::vector<Transform*> transforms)
    : worker_(worker),
      demux_(demux),
      builder_(
          std::move(modules), [this](std::string_view name) { return find_port(name); },
          [this] {
            std::vector<std::string> names;
            for (const auto& port : ports_) names.push_back(port->name);
            return names;
          }),
      transforms_(std::move(transforms)) {
  worker_.call([this] { worker_.add_round_end(this); });
}

Geni::~Geni() {
  while (!entries_.empty()) close(entries_.rbegin()->second.opening);
  worker_.call([this] {
    for (uint32_t joint : joints_) worker_.remove_joint(joint);
    worker_.remove_round_end(this);
    for (auto& out : out_ports_) out->flush();
  });
}

void PathTotals::add(const Path& path) {
  const Path::Ledger ledger = path.ledger();
  in += ledger.in_packets;
  made += ledger.made;
  out += ledger.out_packets;
  dropped += path.dropped();
  held += path.held();
}

// --- ports -------------------------------------------------------------------

Result<uint16_t> Geni::add_port(std::string name, Partner& partner, Opening opening) {
  auto as_path = parse_path(name);
  if (!as_path || as_path->near.chain.size() != 1 || as_path->cut() || !as_path->near.attributes.empty()) {
    return Error{Code::kInvalid, "'" + name + "' is not a name for a partner"};
  }
  if (find_port(name) != nullptr) return Error{Code::kExists, "there is a partner '" + name + "' already"};
  auto what = info(partner, opening);
  if (!what) return what.error();

  const auto number = uint16_t(ports_.size());
  ports_.push_back(
      std::make_unique<Port>(Port{number, std::move(name), *std::move(what), &partner, opening}));
  const Port& port = *ports_.back();
  auto out = std::make_unique<OutPort>(port);
  worker_.call([&] {
    out_ports_.push_back(std::move(out));
    sorters_.push_back(&demux_);
    demux_.add_port(number, port.info.link);
    joints_.push_back(worker_.add_joint({&partner, opening, this, Opening{number}, port.info.poll_fd}));
  });
  return number;
}

const Port* Geni::find_port(std::string_view name) const {
  auto it = std::find_if(ports_.begin(), ports_.end(), [&](const auto& port) { return port->name == name; });
  return it == ports_.end() ? nullptr : it->get();
}

Result<PartnerInfo> Geni::refresh_port(uint16_t number) {
  Port& port = *ports_[number];
  Result<PartnerInfo> what = PartnerInfo{};
  worker_.call([&] {
    const auto refreshed = port.partner->control(port.opening, TextRequest{"refresh"});
    if (!refreshed && refreshed.error().code != Code::kUnsupported) {
      what = refreshed.error();
    } else if (what = info(*port.partner, port.opening); what) {
      port.info = *what;
    }
  });
  return what;
}

void Geni::set_sorter(uint16_t number, Sorter& sorter) {
  worker_.call([&] { sorters_[number] = &sorter; });
}

// --- paths -------------------------------------------------------------------

Result<Opening> Geni::open(std::string_view path_text, Partner* peer, Opening peer_end) {
  return open_path(path_text, peer, peer_end, {});
}

Result<Opening> Geni::open_path(std::string_view text, Partner* peer, Opening peer_end,
                                const PathOptions& options) {
  auto built = builder_.build(text, options.queues, options.account, options.finish_in);
  if (!built) return built.error();
  if (options.narrow) {
    if (auto narrowed = options.narrow(built->key); !narrowed) return narrowed.error();
  }
  auto id = take_id();
  if (!id) return id.error();

  Path& path = *built->path;
  path.set_id(*id);
  path.set_priority(options.priority);
  if (options.share != nullptr) path.draw_on(*options.share);
  if (options.police.limits()) path.police(options.police, worker_);
  if (options.shape.limits()) path.shape(options.shape, worker_);
  path.join(End::kNear, out_ports_[built->near->number].get(), Opening{0});
  if (built->far != nullptr) {
    path.join(End::kFar, out_ports_[built->far->number].get(), Opening{0});
  } else {
    path.join(End::kFar, peer, peer_end);
  }

  generation_ = uint16_t((generation_ + 1) % kGenerations);
  Entry& entry = entries_[*id];
  entry.path = std::move(built->path);
  entry.opening = path_opening(*id, generation_);
  Result<void> installed;
  worker_.call([&] { installed = install(entry, options.receives ? &built->key : nullptr); });
  if (!installed) {
    forget(*id);
    return installed.error();
  }
  return entry.opening;
}

// Those in use and those given back are together 0, 1, ... without a gap.
Result<uint16_t> Geni::take_id() {
  if (free_ids_.empty()) {
    if (entries_.size() > kMaxPaths) return Error{Code::kLimit, "65535 paths are open; no more can be"};
    return uint16_t(entries_.size());
  }
  const uint16_t id = free_ids_.back();
  free_ids_.pop_back();
  return id;
}

void Geni::forget(uint16_t id) {
  entries_.erase(id);
  free_ids_.push_back(id);
}

// On the worker.  Without a key nothing is sorted to the path.
Result<void> Geni::install(Entry& entry, const DemuxKey* key) {
  Path& path = *entry.path;
  if (key != nullptr) {
    if (auto bound = demux_.bind(*key, path); !bound) return bound;
  }
  if (by_id_.size() <= path.id()) by_id_.resize(size_t{path.id()} + 1);
  by_id_[path.id()] = &entry;
  worker_.add(path);
  apply_transforms(entry);
  return {};
}

// Phase 4 of path creation.
void Geni::apply_transforms(Entry& entry) {
  if (entry.suspended) return;
  for (Transform* transform : transforms_) {
    if (entry.transform != nullptr || !transform->guard(*entry.path)) continue;
    transform->rewrite(*entry.path);
    entry.transform = transform;
  }
}

void Geni::undo_transform(Entry& entry) {
  if (entry.transform == nullptr) return;
  entry.transform->undo(*entry.path);
  entry.transform = nullptr;
}

void Geni::close(Opening which) {
  if (entry(which) == nullptr) return;
  Entry& closing = entries_[path_id(which)];
  worker_.call([&] {
    undo_transform(closing);
    demux_.unbind(*closing.path);
    worker_.remove(*closing.path);
    closing.path->close();
    by_id_[path_id(which)] = nullptr;
  });
  closed_.add(*closing.path);
  forget(path_id(which));
}

const Geni::Entry* Geni::entry(Opening which) const {
  if (!is_path(which)) return nullptr;
  auto it = entries_.find(path_id(which));
  return it != entries_.end() && it->second.opening == which ? &it->second : nullptr;
}

Path* Geni::path(Opening which) const {
  const Entry* found = entry(which);
  return found == nullptr ? nullptr : found->path.get();
}

std::vector<Opening> Geni::find_paths(std::string_view text) const {
  std::vector<Opening> found;
  const auto spec = parse_path(text);
  if (!spec) return found;
  const std::string canonical = to_text(*spec);
  for (const auto& [id, entry] : entries_) {
    if (entry.path->text() == canonical) found.push_back(entry.opening);
  }
  return found;
}

void Geni::for_each_path(const std::function<void(Opening, Path&)>& f) const {
  for (const auto& [id, entry] : entries_) f(entry.opening, *entry.path);
}

PathTotals Geni::totals() const {
  PathTotals sum = closed_;
  for (const auto& [id, entry] : entries_) sum.add(*entry.path);
  return sum;
}

void Geni::suspend(Opening which, bool suspended) {
  if (entry(which) == nullptr) return;
  Entry& changed = entries_[path_id(which)];
  if (changed.suspended == suspended) return;
  changed.suspended = suspended;
  if (suspended) {
    undo_transform(changed);
    worker_.remove(*changed.path);
  } else {
    worker_.add(*changed.path);
    apply_transforms(changed);
  }
}

bool Geni::suspended(Opening which) const {
  const Entry* found = entry(which);
  return found != nullptr && found->suspended;
}

Result<Aim> Geni::aim(Opening which, std::string_view addresses) {
  const Path* aimed = path(which);
  if (aimed == nullptr) return Error{Code::kDead, "the path is closed"};
  return builder_.aim(aimed->spec(), addresses);
}

void Geni::set_tap(Opening which, Tap* tap) {
  if (entry(which) == nullptr) return;
  Entry& tapped = entries_[path_id(which)];
  worker_.call([&] {
    undo_transform(tapped);
    tapped.path->set_tap(tap);
    apply_transforms(tapped);
  });
}

const Transform* Geni::transform_of(Opening which) const {
  const Entry* found = entry(which);
  return found == nullptr ? nullptr : found->transform;
}

// --- the data path -----------------------------------------------------------

void Geni::push(Opening which, Pvec& v) {
  if (!is_path(which)) {
    sorters_[which.id]->sort(uint16_t(which.id), v);
    return;
  }
  const size_t id = path_id(which);
  if (id >= by_id_.size() || by_id_[id] == nullptr || by_id_[id]->opening != which) return;
  by_id_[id]->path->enqueue(End::kFar, v);
}

void Geni::pull(Opening which, Pvec& v, size_t max) {
  if (!is_path(which)) {
    out_ports_[which.id]->pull(Opening{0}, v, max);
    return;
  }
  const size_t id = path_id(which);
  if (id >= by_id_.size() || by_id_[id] == nullptr || by_id_[id]->opening != which) return;
  by_id_[id]->path->take(End::kFar, v, max);
}

bool Geni::end_of_round(uint64_t) {
  for (Transform* transform : transforms_) transform->settle();
  bool waiting = false;
  for (auto& out : out_ports_) {
    out->flush();
    waiting |= out->waiting() > 0;
  }
  return waiting;
}

// --- control -----------------------------------------------------------------

Result<Reply> Geni::control(Opening which, const Request& request) {
  if (!is_path(which) && which.id < ports_.size()) {
    const Port& port = *ports_[which.id];
    return port.partner->control(port.opening, request);
  }
  const Path* asked = path(which);
  if (asked == nullptr) return Error{Code::kDead, "the path is closed"};
  if (std::holds_alternative<InfoRequest>(request)) {
    PartnerInfo what;
    what.driver = "geni";
    what.device = asked->text();
    what.mode = entry(which)->transform != nullptr ? entry(which)->transform->name() : "stage by stage";
    return Reply{what};
  }
  if (const auto* text = std::get_if<TextRequest>(&request); text != nullptr && text->text == "held") {
    return Reply{std::to_string(asked->held())};
  }
  return Error{Code::kUnsupported, "a path answers to its info and to 'held'"};
}

}  // namespace weft
