// SPDX-License-Identifier: Apache-2.0
#include "pan_ee/node.h"

#include <algorithm>

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
  auto loader = CodeLoader::create(config.engine, address_, config.code_bytes);
  if (!loader) {
    error_ = loader.error().sentence;
    return false;
  }
  loader_ = std::move(*loader);
  return add_neighbours(config);
}

bool Node::add_neighbours(const NodeConfig& config) {
  for (const NeighbourConfig& n : config.neighbours) {
    if (n.address.none() || n.address == address_ || !way_.add_neighbour(n.address, n.carrier)) {
      error_ = "neighbour " + to_text(n.address) + ": not an address of another node, or there twice";
      return false;
    }
  }
  for (const RouteConfig& r : config.routes) {
    Neighbour* const via = neighbour_at(r.via);
    if (via == nullptr) {
      error_ = "route via " + to_text(r.via) + ": that is no neighbour";
      return false;
    }
    if (!way_.routes().add(r.to, *via)) {
      error_ =
          "route to " + to_text(r.to.address) + "/" + std::to_string(r.to.length) + ": there is one already";
      return false;
    }
  }
  return true;
}

Neighbour* Node::neighbour_at(const NodeAddress& address) const {
  const auto& all = way_.neighbours();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const auto& n) { return n->address == address; });
  return found != all.end() ? found->get() : nullptr;
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
  const std::string why_interpreted = (*loaded)->why_interpreted();
  if (!way_.code().add(std::move(*loaded)))
    return leave_out("code object: " + to_text(file.object->name) + " is there already");
  if (!why_interpreted.empty())
    an_log(domain_, AN_LOG_WARNING, (file.file + " is interpreted: " + why_interpreted).c_str());
}

LoadedCode* Node::find_code(std::string_view symbolic_name) const {
  const auto& all = code();
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const auto& code) { return code->symbolic_name() == symbolic_name; });
  return found != all.end() ? found->get() : nullptr;
}

// A fault of a program is a signal: its handler is not to depend on how much is left of
// the worker's stack.
void Node::prepare_worker(void*) { static thread_local const auto stack = vm::SignalStack::create(); }

// Outgoing first, so that nothing comes in that cannot go on.
bool Node::open_channels(const NodeConfig& config) {
  for (const auto& neighbour : way_.neighbours()) {
    const Carrier carrier = split(neighbour->carrier);
    neighbour->channel =
        an_outchanCreate(nullptr, domain_, carrier.protspec.c_str(), carrier.addrspec.c_str(), nullptr);
    if (neighbour->channel == nullptr) return false;
  }
  for (const std::string& text : config.carriers) {
    const Carrier carrier = split(text);
    an_InChan channel = an_inchanCreate(nullptr, domain_, nullptr, carrier.protspec.c_str(),
                                        carrier.addrspec.c_str(), nullptr, nullptr, nullptr);
    if (channel == nullptr || an_inchanSetViews(channel, &Node::receive, this) != AN_OK ||
        an_inchanResume(channel) != AN_OK) {
      return false;
    }
  }
  return true;
}

void Node::receive(void* node, an_Packet* capsules, const an_PacketView* views, size_t count) {
  static_cast<Node*>(node)->way_.receive(capsules, views, count);
}

void Node::terminated(an_Domain, an_TermReason, void* node) {
  Node& n = *static_cast<Node*>(node);
  n.domain_ = nullptr;
  for (const auto& neighbour : n.way_.neighbours()) neighbour->channel = nullptr;
  n.ping_.stop();
}

// --- what an operator sees ---------------------------------------------------

std::vector<Node::NeighbourInfo> Node::neighbours() const {
  std::vector<NeighbourInfo> all;
  for (const auto& neighbour : way_.neighbours()) {
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
