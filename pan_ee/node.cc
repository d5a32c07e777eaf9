// SPDX-License-Identifier: Apache-2.0
#include "pan_ee/node.h"

#include <algorithm>

#include "pan_ee/capsule.h"
#include "pan_ee/code_folder.h"
#include "vm/signals.h"

namespace weft::pan {

namespace {

// A path text as an.h takes it: the chain, and the addresses in parentheses.
struct Carrier {
  std::string protspec, addrspec;
};
Carrier split(const std::string& text) {
  const size_t open = text.find('(');
  if (open == std::string::npos) return {text, ""};
  std::string chain = text.substr(0, open);
  while (!chain.empty() && chain.back() == ' ') chain.pop_back();
  return {chain, text.substr(open)};
}

an_DropReason lose(an_Packet capsule, an_DropReason reason) {
  an_packetDrop(capsule, reason);
  return reason;
}

// Why a capsule is let go that was evaluated.
an_DropReason reason_of(const Environment& env) {
  if (env.verdict() == Environment::Verdict::kDrop) return env.reason();
  if (env.verdict() != Environment::Verdict::kStopped) return AN_DROP_DISCARD;
  switch (env.fault()) {
    case vm::Fault::kBudget:
      return AN_DROP_CODE_BUDGET;
    case vm::Fault::kRefused:
      return AN_DROP_CODE_REFUSED;
    default:
      return AN_DROP_CODE_FAULT;
  }
}

}  // namespace

// --- life --------------------------------------------------------------------

std::unique_ptr<Node> Node::start(const NodeConfig& config, an_Domain parent, std::string& error,
                                  an_Cred cred) {
  std::unique_ptr<Node> node(new Node(config));
  if (!node->configure(config)) {
    error = node->error_;
    return nullptr;
  }
  node->config_ = &config;
  an_Domain domain = an_domainCreate(nullptr, parent, cred, nullptr, nullptr, &Node::init, node.get(),
                                     &Node::terminated, node.get());
  node->config_ = nullptr;
  if (domain == nullptr) {
    error = node->error_.empty() ? an_errtext() : node->error_;
    node->domain_ = nullptr;
    return nullptr;
  }
  return node;
}

Node::~Node() {
  if (domain_ != nullptr) an_domainDestroy(domain_);
}

// What needs no domain.
bool Node::configure(const NodeConfig& config) {
  if (config.address.none()) {
    error_ = "a PAN node needs an address";
    return false;
  }
  if (config.budget == 0 || config.budget > vm::kMaxBudget) {
    error_ = "a capsule's budget is 1 to " + std::to_string(vm::kMaxBudget) + " instructions";
    return false;
  }
  auto loader = CodeLoader::create(config.engine, address_);
  if (!loader) {
    error_ = loader.error().sentence;
    return false;
  }
  loader_ = std::move(*loader);
  return add_neighbours(config);
}

bool Node::add_neighbours(const NodeConfig& config) {
  for (const NeighbourConfig& n : config.neighbours) {
    if (n.address.none() || n.address == address_ ||
        !routes_.add({n.address, 128}, uint16_t(neighbours_.size()))) {
      error_ = "neighbour " + to_text(n.address) + ": not an address of another node, or there twice";
      return false;
    }
    neighbours_.push_back(std::make_unique<Neighbour>());
    neighbours_.back()->address = n.address;
    neighbours_.back()->carrier = n.carrier;
  }
  for (const RouteConfig& r : config.routes) {
    const uint16_t via = neighbour_at(r.via);
    if (via == Routes::kNone) {
      error_ = "route via " + to_text(r.via) + ": that is no neighbour";
      return false;
    }
    if (!routes_.add(r.to, via)) {
      error_ =
          "route to " + to_text(r.to.address) + "/" + std::to_string(r.to.length) + ": there is one already";
      return false;
    }
  }
  return true;
}

uint16_t Node::neighbour_at(const NodeAddress& address) const {
  for (size_t i = 0; i < neighbours_.size(); ++i) {
    if (neighbours_[i]->address == address) return uint16_t(i);
  }
  return Routes::kNone;
}

int Node::init(an_Domain self, void* node) {
  Node& n = *static_cast<Node*>(node);
  n.domain_ = self;
  if (!n.load_code(*n.config_)) return AN_ENOENT;
  if (n.open_channels(*n.config_) &&
      an_eventSchedule(nullptr, self, 0, 0, &Node::prepare_worker, nullptr) != nullptr) {
    return AN_OK;
  }
  n.error_ = an_errtext();
  return an_errno();
}

bool Node::load_code(const NodeConfig& config) {
  if (config.code_folder.empty()) return true;
  const auto files = read_code_folder(config.code_folder);
  if (!files) {
    error_ = files.error().sentence;
    return false;
  }
  for (const CodeFile& file : *files) load_object(file);
  ping_.attach();
  return true;
}

void Node::load_object(const CodeFile& file) {
  const auto leave_out = [&](const std::string& why) {
    an_log(domain_, AN_LOG_WARNING, (file.file + " is left out: " + why).c_str());
  };
  if (!file.object) return leave_out(file.object.error().sentence);
  auto loaded = loader_->load(*file.object);
  if (!loaded) return leave_out(loaded.error().sentence);
  if (!code_.add(std::move(*loaded)))
    leave_out("code object: " + to_text(file.object->name) + " is there already");
}

LoadedCode* Node::find_code(std::string_view symbolic_name) const {
  const auto& all = code_.objects();
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const auto& code) { return code->symbolic_name() == symbolic_name; });
  return found != all.end() ? found->get() : nullptr;
}

// A fault of a program is a signal: its handler is not to depend on how much is left of
// the worker's stack.
void Node::prepare_worker(void*) { static thread_local const auto stack = vm::SignalStack::create(); }

// Outgoing first, so that nothing comes in that cannot go on.
bool Node::open_channels(const NodeConfig& config) {
  for (auto& neighbour : neighbours_) {
    const Carrier carrier = split(neighbour->carrier);
    neighbour->channel =
        an_outchanCreate(nullptr, domain_, carrier.protspec.c_str(), carrier.addrspec.c_str(), nullptr);
    if (neighbour->channel == nullptr) return false;
  }
  for (const std::string& text : config.carriers) {
    const Carrier carrier = split(text);
    an_InChan channel = an_inchanCreate(nullptr, domain_, nullptr, carrier.protspec.c_str(),
                                        carrier.addrspec.c_str(), nullptr, nullptr, nullptr);
    if (channel == nullptr || an_inchanSetVector(channel, &Node::receive, this) != AN_OK ||
        an_inchanResume(channel) != AN_OK) {
      return false;
    }
  }
  return true;
}

void Node::terminated(an_Domain, an_TermReason, void* node) {
  Node& n = *static_cast<Node*>(node);
  n.domain_ = nullptr;
  for (auto& neighbour : n.neighbours_) neighbour->channel = nullptr;
  n.ping_.stop();
}

// --- capsules ----------------------------------------------------------------

void Node::receive(void* node, an_Packet* capsules, size_t count) {
  Node& n = *static_cast<Node*>(node);
  while (count > 0) {
    const size_t some = std::min(count, kBatch);
    n.pass(capsules, some, n.received_.data());
    capsules += some;
    count -= some;
  }
}

std::optional<an_DropReason> Node::insert(an_Packet capsule) {
  Environment env(false);
  const Lost lost = pass(&capsule, 1, &env);
  return lost == kNot ? std::nullopt : std::optional(lost);
}

// In steps over the vector: what a later step needs of the memory is on its way, and no
// capsule waits for what becomes of the one before.
Node::Lost Node::pass(an_Packet* capsules, size_t count, Environment* in_hand) {
  Lost lost = kNot;
  Wanted wanted;
  const size_t admitted = admit(capsules, count, in_hand, wanted, lost);
  evaluate(wanted);
  for (size_t i = 0; i < admitted; ++i) {
    if (const Lost why = act(in_hand[i]); why != kNot) lost = why;
  }
  send_batches();
  return lost;
}

size_t Node::admit(an_Packet* capsules, size_t count, Environment* in_hand, Wanted& wanted, Lost& lost) {
  an_PacketView views[kBatch];
  an_packetGetViewVec(capsules, count, views);
  Environment* env = in_hand;
  size_t codes = 0;
  for (size_t i = 0; i < count; ++i) {
    if (!admit_usual(capsules[i], views[i], *env)) [[unlikely]] {
      if (const Lost why = admit_any(capsules[i], views[i], *env); why != kNot) {
        lost = lose(capsules[i], why);
        continue;
      }
    }
    wanted.code[codes] = &env->code();
    codes += env->code().wait(*env);
    ++env;
  }
  wanted.count = codes;
  return size_t(env - in_hand);
}

inline bool Node::admit_usual(an_Packet capsule, const an_PacketView& view, Environment& env) const {
  if (view.front_length < capsule::kHeader || !view.writable) return false;
  uint8_t* const header = view.front;
  const uint32_t length = capsule::length(header);
  if (length != view.front_length || length != view.length || !capsule::begins_well(header)) return false;
  LoadedCode* const code = code_.find(header + capsule::kName);
  if (code == nullptr) return false;
  const uint32_t body = length - uint32_t{capsule::kHeader};
  env.begin(capsule, header, body, std::min(body, code->window()), *code);
  return true;
}

[[gnu::noinline]] Node::Lost Node::admit_any(an_Packet& capsule, const an_PacketView& view,
                                             Environment& env) const {
  uint8_t* header = view.front;
  if (view.front_length < capsule::kHeader) {
    if (view.length < capsule::kHeader) return AN_DROP_MALFORMED;
    header = static_cast<uint8_t*>(an_packetGetData(&capsule, capsule::kHeader));
    if (header == nullptr) return AN_DROP_NO_PACKET;
  }
  const capsule::Fault fault = capsule::check(header, view.length);
  if (fault != capsule::Fault::kNone) {
    return fault == capsule::Fault::kTtl ? AN_DROP_TTL : AN_DROP_MALFORMED;
  }
  LoadedCode* const code = code_.find(header + capsule::kName);
  if (code == nullptr) return AN_DROP_CODE_UNKNOWN;
  const uint32_t length = capsule::length(header), body = length - uint32_t{capsule::kHeader};
  if (length < view.length) an_packetTrim(capsule, length);
  const uint32_t at_hand = std::min(body, code->window());
  header = static_cast<uint8_t*>(an_packetGetData(&capsule, capsule::kHeader + at_hand));
  if (header == nullptr) return AN_DROP_NO_PACKET;
  env.begin(capsule, header, body, at_hand, *code);
  return kNot;
}

// One loop over all, in which nothing but the way into the program differs.
inline void Node::evaluate(const Wanted& wanted) const {
  Environment* first = nullptr;
  Environment** end = &first;
  for (size_t i = 0; i < wanted.count; ++i) end = wanted.code[i]->take_waiting(end);
  *end = nullptr;
  vm::Instance::Calls calls;
  for (Environment* env = first; env != nullptr; env = env->next())
    env->code().evaluate(*env, calls, budget_);
}

inline Node::Lost Node::act(const Environment& env) {
  if (env.verdict() == Environment::Verdict::kSend) [[likely]]
    return send(env);
  if (env.verdict() != Environment::Verdict::kDeliver) return lose(env.capsule(), reason_of(env));
  Application* const application = env.code().application();
  if (application == nullptr) return lose(env.capsule(), AN_DROP_NO_APPLICATION);
  application->deliver(env.capsule());
  return kNot;
}

// A capsule that comes from another node leaves with a TTL that is one lower; one of an
// application leaves with the TTL that it was given.
inline Node::Lost Node::send(const Environment& env) {
  const uint16_t route = routes_.find(env.destination()[0], env.destination()[1]);
  if (route == Routes::kNone) return lose(env.capsule(), AN_DROP_NO_NEIGHBOUR);
  if (env.from_network() && !capsule::lower_ttl(env.header())) [[unlikely]]
    return lose(env.capsule(), AN_DROP_TTL);
  Neighbour& neighbour = *neighbours_[route];
  // (A capsule that an application inserts meanwhile is not in the way: it was handed one, and sends all.)
  neighbour.batch[neighbour.waiting++] = env.capsule();
  return kNot;
}

void Node::send_batch(Neighbour& neighbour) {
  size_t sent = an_outchanSendVec(neighbour.channel, neighbour.batch.data(), neighbour.waiting);
  for (; sent < neighbour.waiting; ++sent) an_packetDrop(neighbour.batch[sent], AN_DROP_QUEUE_FULL);
  neighbour.waiting = 0;
}

void Node::send_batches() {
  for (auto& neighbour : neighbours_) {
    if (neighbour->waiting > 0) send_batch(*neighbour);
  }
}

// --- what an operator sees ---------------------------------------------------

std::vector<Node::NeighbourInfo> Node::neighbours() const {
  std::vector<NeighbourInfo> all;
  for (const auto& neighbour : neighbours_) {
    NeighbourInfo info{neighbour->address, neighbour->carrier, {.size = sizeof(an_ChanStats)}};
    if (neighbour->channel != nullptr) an_outchanGetStats(neighbour->channel, &info.stats);
    all.push_back(std::move(info));
  }
  return all;
}

an_DomainStats Node::stats() const {
  an_DomainStats stats{.size = sizeof(an_DomainStats)};
  if (domain_ != nullptr) an_domainGetStats(domain_, &stats);
  return stats;
}

}  // namespace weft::pan
