// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/snow/snow_node.h"

#include <poll.h>
#include <sys/epoll.h>

#include <cstdlib>

#include "nodeos_api/snow/snow_credential.h"
#include "paths/policy_round_robin.h"

namespace weft::snow {

// In the order in which they need each other.
struct SnowNode::Parts {
  std::unique_ptr<Connection> connection;
  ShmMemory memory;
  std::unique_ptr<Pool> made, received;
  SystemClock system_clock;
  Clock& clock;
  ShmGuest guest;
  Inbox inbox;
  Worker worker;
  OwnedFd ready{::epoll_create1(EPOLL_CLOEXEC)};

  void watch(int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    ::epoll_ctl(ready.get(), EPOLL_CTL_ADD, fd, &event);
  }

  Parts(std::unique_ptr<Connection> c, ShmMemory m, std::unique_ptr<Pool> p, std::unique_ptr<Pool> q,
        const SnowOptions& options)
      : connection(std::move(c)),
        memory(std::move(m)),
        made(std::move(p)),
        received(std::move(q)),
        clock(options.clock != nullptr ? *options.clock : system_clock),
        guest(memory, *received),
        worker({.busy = options.spin, .linger_ns = options.linger_ns}, clock,
               std::make_unique<RoundRobin>()) {
    watch(connection->fd());
    worker.add_joint({&guest, Opening{0}, &inbox, Opening{0}, memory.bell(), &guest});
    if (options.thread) worker.start();
  }
  ~Parts() { worker.stop(); }
};

Result<std::unique_ptr<SnowNode>> SnowNode::join(OwnedFd socket, const SnowOptions& options) {
  auto connection = std::make_unique<Connection>(std::move(socket));
  Welcome welcome{};
  if (const int status = connection->call<Call::kHello>({kMagic, kVersion}, &welcome); status != AN_OK) {
    // One that goes without a word has refused nothing.
    const Code code = status == AN_EDEAD ? Code::kIo : to_code(an_Status(status));
    return Error{code, std::string("Snow: ") + an_errtext()};
  }
  const OwnedFd file = connection->take_descriptor(0);
  auto memory = ShmMemory::map(welcome.layout, file.get(), connection->take_descriptor(1));
  if (!memory) return memory.error();
  std::span<uint8_t> packets(memory->base() + welcome.layout.packets(), welcome.layout.memory);
  auto made = Pool::create({.packets = welcome.packets_made, .memory = packets});
  if (!made) return made.error();
  packets = packets.subspan(Pool::bytes(welcome.packets_made));
  auto received = Pool::create({.packets = welcome.packets_received, .memory = packets});
  if (!received) return received.error();
  auto parts = std::make_unique<Parts>(std::move(connection), std::move(*memory), std::move(*made),
                                       std::move(*received), options);
  std::unique_ptr<SnowNode> node(new SnowNode(std::move(parts), welcome));
  if (welcome.bounds.principal[0] != '\0') {
    Quota& quota = node->quota_of(welcome.bounds);
    (void)quota.admit_domain();  // the node counts them
    node->root().draw_on(&quota);
  }
  return node;
}

SnowNode::SnowNode(std::unique_ptr<Parts> parts, const Welcome& welcome)
    : Node(parts->worker, *parts->made, parts->clock),
      parts_(std::move(parts)),
      has_files_(welcome.has_files != 0) {
  root().set_at_node(welcome.root);
  add_pool(*parts_->received);
  parts_->watch(control_fd());
}

SnowNode::~SnowNode() {
  end_domains();
  while (!credentials_.empty()) credentials_.back()->destroy();
}

Quota& SnowNode::quota_of(const Bounds& bounds) {
  const std::string name(bounds.principal, ::strnlen(bounds.principal, sizeof bounds.principal));
  for (const auto& known : quotas_) {
    if (known->name() == name) return *known;
  }
  const QuotaLimits limits{.memory = bounds.memory, .bandwidth = bounds.bandwidth, .threads = bounds.threads};
  return *quotas_.emplace_back(std::make_unique<Quota>(name, limits, clock().now_ns()));
}

Connection& SnowNode::connection() const { return *parts_->connection; }
ShmGuest& SnowNode::guest() const { return parts_->guest; }
Inbox& SnowNode::inbox() const { return parts_->inbox; }

// The node is asked once for each.
std::string_view SnowNode::port_name(uint16_t port) const {
  auto [known, fresh] = port_names_.try_emplace(port);
  if (fresh) {
    PortNamed named{};
    if (connection().call<Call::kPortName>({port, 0}, &named) == AN_OK) {
      known->second.assign(named.name, ::strnlen(named.name, sizeof named.name));
    }
  }
  return known->second;
}

// The domain gets its counterpart in the node, which says whether it may be.
bool SnowNode::admit(Domain& fresh, an_Cred cred) {
  const SnowCredential* shown = nullptr;
  if (cred != nullptr && (shown = find<SnowCredential>(cred)) == nullptr) return false;
  const DomainCreate request{fresh.parent()->at_node(), reinterpret_cast<uint64_t>(fresh.handle()),
                             shown != nullptr ? shown->at_node() : 0};
  Created made{};
  if (connection().call<Call::kDomainCreate>(request, &made) != AN_OK) return false;
  fresh.set_at_node(made.handle);
  if (Quota* quota = shown != nullptr ? &shown->quota() : fresh.parent()->quota()) {
    (void)quota->admit_domain();  // the node counts them
    fresh.draw_on(quota);
  }
  return true;
}

void SnowNode::end(Domain& domain, an_TermReason reason) {
  connection().call<Call::kDomainDestroy>({domain.at_node()});
  domain.end(reason);
}

int SnowNode::fd() const { return parts_->ready.get(); }

bool SnowNode::listen(int timeout_ms) {
  pollfd ready{fd(), POLLIN, 0};
  if (!connection().has_news()) ::poll(&ready, 1, timeout_ms);
  serve();
  for (const DomainEnded& ended : connection().take_news()) {
    auto* domain = static_cast<Domain*>(handles().find(ended.tag, AN_DOMAIN).object);
    if (domain != nullptr) domain->end(an_TermReason(ended.reason));
  }
  if (!connection().gone()) return true;
  std::vector<an_Domain> all;
  for (const Domain* child : root().children()) all.push_back(child->handle());
  for (; !all.empty(); all.pop_back()) {
    if (Domain* child = alive(all.back())) child->end(AN_TERM_NODE);
  }
  return false;
}

}  // namespace weft::snow
