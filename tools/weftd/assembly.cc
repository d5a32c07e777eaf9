// SPDX-License-Identifier: Apache-2.0
#include "tools/weftd/assembly.h"

#include <poll.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "modules/ip6_header.h"
#include "modules/ip6_source.h"
#include "pan_ee/code_folder.h"
#include "paths/policy_priority.h"
#include "tools/weftd/default_paths.h"
#include "tools/weftd/ee_limits.h"
#include "tools/weftd/pan_config.h"
#include "tools/weftd/pan_home.h"
#include "tools/weftd/principals_config.h"

namespace weft {

namespace {

constexpr const char* kPanName = "pan";
constexpr uint64_t kServeEveryNs = 1'000'000'000;  // to see whether the worker is held up
constexpr uint64_t kSettleNs = 5'000'000'000;      // to wait for the routes before the node is ready

Prefix network_of(const IpPrefix& p) { return {p.address.family, p.length, p.network().bytes}; }

}  // namespace

Result<std::unique_ptr<Assembly>> Assembly::start(const Config& config, const Parts& parts, ControlLoop& loop,
                                                  Clock& clock, Logger& log) {
  std::unique_ptr<Assembly> node(new Assembly(config, parts, loop, clock, log));
  if (auto assembled = node->assemble(); !assembled) return assembled.error();
  if (!node->open_all()) {
    const ConfigError first = node->errors_.take().front();
    return Error{Code::kInvalid, at(config.file, first.at, first.sentence)};
  }
  node->run();
  return node;
}

std::vector<ConfigError> Assembly::rehearse(const Config& config, const Parts& parts, ControlLoop& loop,
                                            Clock& clock, Logger& log) {
  Assembly node(config, parts, loop, clock, log);
  if (auto assembled = node.assemble(); !assembled) return {{Place{}, assembled.error().sentence}};
  node.open_all();
  return node.errors_.take();
}

bool Assembly::open_all() {
  for (auto step :
       {&Assembly::open_partners, &Assembly::open_joints, &Assembly::open_ports, &Assembly::open_routes,
        &Assembly::open_paths, &Assembly::open_files, &Assembly::start_mee, &Assembly::start_pan}) {
    (this->*step)();
    if (!errors_.empty()) return false;
  }
  return true;
}

Assembly::~Assembly() { stop(); }

Result<void> Assembly::assemble() {
  auto pool = Pool::create(config_.node.pool);
  if (!pool) return pool.error();
  pool_ = std::move(*pool);
  neighbours_.emplace();
  ip_.emplace(IpNode{.fib = fib_, .pool = *pool_, .clock = clock_, .forwarding = config_.node.forwarding});
  host_.emplace(*ip_);
  demux_.emplace(fib_, reader_, *pool_);
  worker_.emplace(WorkerOptions{.busy = config_.node.busy}, clock_, std::make_unique<Priority>());
  reassembly_.emplace(*pool_, clock_, worker_->timers());
  services_.emplace(NodeServices{*pool_, clock_, *ip_, *host_, *neighbours_, *reassembly_, *demux_});
  fusion_.emplace(fib_, ip_->addresses, *demux_, demux_->narrow_transit(), demux_->wide_transit());
  std::vector<Module*> modules;
  for (const ModulePart& part : parts_.modules) {
    modules_.push_back(part.make(*services_));
    modules.push_back(modules_.back().get());
  }
  geni_.emplace(*worker_, *demux_, std::move(modules), std::vector<Transform*>{&*fusion_});
  questions_.emplace(*worker_, *geni_, *ip_);
  router_.emplace(*worker_, clock_, fib_, *ip_, *neighbours_, *questions_, log_,
                  RouterOptions{.refresh_port = [this](uint16_t port) { return geni_->refresh_port(port); },
                                .follow_kernel = config_.node.kernel_routes});
  return {};
}

// The two ends of a wire are one partner.
Result<Partner*> Assembly::make_partner(const PartnerConfig& config) {
  WireConfig wire;
  std::string key = config.name;
  if (const auto* loop = std::get_if<LoopConfig>(&config.driver)) {
    key = "wire " + loop->wire;  // no name of a partner has a space
    if (const WireConfig* described = config_.find_wire(loop->wire)) wire = *described;
    wire.name = loop->wire;
  }
  auto& driver = drivers_[key];
  if (driver == nullptr) {
    auto made = parts_.make_partner(config.driver, wire, *services_);
    if (!made) return made.error();
    driver = std::move(*made);
  }
  return driver.get();
}

void Assembly::open_partners() {
  for (const PartnerConfig& p : config_.partners) {
    if (auto opened = open_partner(p); !opened) return errors_.add(p.at, opened.error().sentence);
  }
}

Result<void> Assembly::open_partner(const PartnerConfig& config) {
  auto partner = make_partner(config);
  if (!partner) return partner.error();
  auto opening = (*partner)->open("", nullptr, kNoOpening);
  if (!opening) return opening.error();
  partners_.push_back({config.name, *partner, *opening, config.addresses, ""});
  return {};
}

NodePartner& Assembly::partner(std::string_view name) {
  return *std::ranges::find(partners_, name, &NodePartner::name);
}

// Raw flows: what one partner gives the other takes, both ways.
void Assembly::open_joints() {
  for (const JointConfig& joint : config_.joints) {
    NodePartner& a = partner(joint.a);
    NodePartner& b = partner(joint.b);
    a.joined_to = b.name;
    b.joined_to = a.name;
    for (auto [from, to] : {std::pair(&a, &b), std::pair(&b, &a)}) {
      auto what = info(*from->partner, from->opening);
      if (!what) return errors_.add(joint.at, what.error().sentence);
      joints_.push_back(
          worker_->add_joint({from->partner, from->opening, to->partner, to->opening, what->poll_fd}));
    }
  }
}

bool Assembly::owns_addresses(const Port& port) {
  return port.info.owns_address || !partner(port.name).addresses.empty();
}

// RFC 4291 section 2.8: a node has a link-local address on each of its links.
void Assembly::add_link_local(NodePartner& p, const Port& port) {
  if (port.info.link != Link::kEthernet || port.info.mac == MacAddress{} || !owns_addresses(port)) return;
  const auto link_local = [](const AddressConfig& a) {
    return a.prefix.address.family == 6 && ip6::is_link_local(a.prefix.address.bytes.data());
  };
  if (std::ranges::any_of(p.addresses, link_local)) return;
  p.addresses.push_back({{{6, ip6_link_local(port.info.mac)}, 64}, config_.find_partner(p.name)->at});
}

void Assembly::open_ports() {
  for (NodePartner& p : partners_) {
    if (p.joined_to.empty()) open_port(p);
  }
}

void Assembly::open_port(NodePartner& p) {
  const Place place = config_.find_partner(p.name)->at;
  auto number = geni_->add_port(p.name, *p.partner, p.opening);
  if (!number) return errors_.add(place, number.error().sentence);
  const Port& port = geni_->port(*number);
  fusion_->add_port(port, geni_->out_port(*number));
  geni_->set_sorter(*number, *fusion_);
  if (auto known = router_->add_port(port); !known) return errors_.add(place, known.error().sentence);
  add_link_local(p, port);
  for (const auto& [address, address_place] : p.addresses) {
    const Prefix prefix{address.address.family, address.length, address.address.bytes};
    auto added = router_->add_address(*number, prefix);
    if (!added) errors_.add(address_place, added.error().sentence);
  }
}

// What a config can still have wrong here is the gateway.
void Assembly::open_routes() {
  for (const RouteConfig& route : config_.routes) {
    StaticRoute added{.prefix = network_of(route.to), .port = geni_->find_port(route.port)->number};
    if (route.via) {
      added.via_family = route.via->family;
      added.via = route.via->bytes;
    }
    auto done = router_->add_route(added);
    if (!done) errors_.add(route.via ? route.via_at : route.at, done.error().sentence);
  }
}

void Assembly::open_paths() {
  if (config_.node.default_paths) open_default_paths();
  for (const PathConfig& path : config_.paths) {
    auto opened = geni_->open(path.text.value, &*host_, kNoOpening);
    if (!opened) errors_.add(mistake_in_path(path.text, opened.error()));
  }
}

void Assembly::open_default_paths() {
  std::vector<const Port*> ports;
  for (uint16_t i = 0; i < geni_->port_count(); ++i) ports.push_back(&geni_->port(i));
  const auto owns_addresses = [&](const Port& port) { return this->owns_addresses(port); };
  const auto has_module = [&](std::string_view name) {
    return std::ranges::any_of(modules_, [&](const auto& m) { return m->name() == name; });
  };
  for (const DefaultPath& wanted :
       default_paths(ports, owns_addresses, config_.node.forwarding, has_module)) {
    auto opened = geni_->open(wanted.text, &*host_, kNoOpening);
    if (!opened) return errors_.add(Place{}, "default path " + opened.error().sentence);
    if (wanted.kind == DefaultPath::kQuestions) questions_->add_path(wanted.port, wanted.family, *opened);
    if (wanted.kind != DefaultPath::kHost) continue;
    worker_->call([&] { host_->add_path(wanted.port, wanted.family, *geni_->path(*opened)); });
  }
}

// Ready is who forwards: the routes that are known have reached the worker.
void Assembly::settle() {
  const uint64_t deadline = clock_.now_ns() + kSettleNs;
  router_->service();
  while (!router_->settled() && clock_.now_ns() < deadline) {
    pollfd wait{.fd = router_->fd(), .events = POLLIN, .revents = 0};
    ::poll(&wait, 1, 1);
    router_->service();
  }
  if (!router_->settled()) log_.warn("the routes are not all installed yet; that goes on while packets flow");
}

// Opens what PAN is about to open, and closes it: the only way to say which of the
// carriers is wrong, and where in it.
void Assembly::try_carriers() {
  std::vector<Opening> tried;
  const auto attempt = [&](const Text& carrier, bool receives) {
    auto opened = geni_->open_path(carrier.value, &*host_, kNoOpening, {.receives = receives});
    if (opened) return tried.push_back(*opened);
    errors_.add(mistake_in_path(carrier, opened.error()));
  };
  for (const Text& carrier : config_.pan->carriers) attempt(carrier, true);
  if (errors_.empty()) {
    for (const PanNeighbourConfig& n : config_.pan->neighbours) attempt(n.carrier, false);
  }
  for (Opening opening : tried) geni_->close(opening);
}

void Assembly::open_files() {
  if (!config_.node.files) return;
  const Place at = config_.node.files->at;
  auto opened = FileSpaces::open(config_.node.files->value);
  if (!opened) return errors_.add(at, opened.error().sentence);
  files_ = std::move(*opened);
  const auto open_space = [&](const std::string& name, const FilesConfig& files) {
    if (auto space = files_->space(name, quota_of(files)); !space) errors_.add(at, space.error().sentence);
  };
  for (const EeConfig& ee : config_.ees) open_space(ee.name, ee.files);
  if (config_.pan) open_space(kPanName, config_.node.each_files);
}

// The first EE of all.
void Assembly::start_mee() {
  nodeos_.emplace(GeniNode::Parts{.geni = *geni_,
                                  .worker = *worker_,
                                  .pool = *pool_,
                                  .clock = clock_,
                                  .log = log_,
                                  .name = config_.node.name});
  add_principals(config_.principals, *geni_, clock_.now_ns(), nodeos_->principals(), errors_);
  if (!errors_.empty()) return;
  auto ees = Ees::start({*nodeos_, loop_, clock_, log_, files_.get()});
  if (!ees) return errors_.add(Place{}, ees.error().sentence);
  ees_ = std::move(*ees);
}

void Assembly::start_pan() {
  if (!config_.pan) return;
  try_carriers();
  if (!errors_.empty()) return;
  const auto config = pan_config(*config_.pan);
  if (!config) return errors_.add(config_.pan->at, config.error().sentence);
  if (config_.pan->code) {
    if (auto folder = pan::read_code_folder(config->code_folder); !folder)
      return errors_.add(config_.pan->code->at, folder.error().sentence);
  }
  Principals& known = nodeos_->principals();
  const an_Cred cred = ees_->credential(
      kPanName, config_.pan->principal ? known.named(config_.pan->principal->value) : nullptr,
      config_.node.each_files);
  ees_->manager().add(kPanName, mee::Restart::kNever, std::make_unique<PanHome>(*config, cred, pan_));
  if (auto started = ees_->manager().start(kPanName); !started)
    errors_.add(config_.pan->at, started.error().sentence);
}

void Assembly::run() {
  log_parts();
  loop_.watch(router_->fd(), EPOLLIN, [this](uint32_t) { router_->service(); });
  router_due_ = loop_.when_due([this] { return router_->next_due_ns(); }, [this] { router_->service(); });
  loop_.watch(nodeos_->control_fd(), EPOLLIN, [this](uint32_t) { nodeos_->serve(); });
  nodeos_tick_ = loop_.every(kServeEveryNs, [this] { nodeos_->serve(); });
  worker_->start();
  running_ = true;
  settle();
  ees_->add(config_.ees);
  ees_->start_all();
}

void Assembly::log_parts() {
  const auto because = [](const std::string& reason) { return reason.empty() ? "" : " (" + reason + ")"; };
  log_.info("pool: {} packets on {} pages{}", pool_->capacity(), weft::name(pool_->pages()),
            because(pool_->pages_reason()));
  for (const NodePartner& p : partners_) {
    const auto what = info(*p.partner, p.opening);
    if (what) {
      log_.info("partner {}: {} {}, {}{}", p.name, what->driver, what->device, what->mode,
                because(what->reason));
    }
  }
  for (const JointConfig& joint : config_.joints) log_.info("joint {} <-> {}", joint.a, joint.b);
  if (files_) {
    log_.info("files: {}, a folder for each of {} EEs", files_->root(), files_->size());
  }
  if (pan_) {
    log_.info("pan: active node {}, {} neighbours, {} code objects, {}{}", to_text(pan_->address()),
              config_.pan->neighbours.size(), pan_->code().size(), pan::name(pan_->engine()),
              because(pan_->engine_reason()));
    if (pan_->code().empty()) log_.warn("pan: there are no code objects, so all capsules are lost");
  }
}

bool Assembly::stop() {
  if (running_) {
    ees_->stop_all();
    loop_.forget(router_->fd());
    loop_.forget_due(router_due_);
    loop_.forget(nodeos_->control_fd());
    loop_.forget_tick(nodeos_tick_);
    worker_->stop();
  }
  const PathTotals total = geni_ ? geni_->totals() : PathTotals{};
  ees_.reset();
  nodeos_.reset();
  router_.reset();
  close_paths();
  close_partners();
  const size_t left = pool_ ? pool_->in_use() : 0;
  if (!std::exchange(running_, false)) return left == 0;
  log_.info("stopped: {} in + {} made = {} out + {} dropped + {} held, now let go", total.in, total.made,
            total.out, total.dropped, total.held);
  if (!total.conserved()) log_.error("the sums do not agree: packets were lost without a reason");
  if (left != 0) log_.error("{} packets are not back in the pool", left);
  return total.conserved() && left == 0;
}

void Assembly::close_paths() {
  if (!geni_) return;
  geni_->for_each_path([&](Opening, Path& path) { host_->remove_path(path); });
  geni_.reset();
  for (uint32_t joint : std::exchange(joints_, {})) worker_->remove_joint(joint);
}

void Assembly::close_partners() {
  for (const NodePartner& p : std::exchange(partners_, {})) p.partner->close(p.opening);
}

}  // namespace weft
