// SPDX-License-Identifier: Apache-2.0
// The arena in this process: a node on loop partners, whose far ends are the test's.
//
// With WEFT_ARENA_THREAD=1 the node's worker has a thread of its own; without, rounds
// are run by arena_settle().
#include "tests/conformance/arena_inprocess.h"

#include <spdlog/sinks/null_sink.h>

#include <cstdlib>
#include <cstring>
#include <thread>

#include "geni/geni.h"
#include "modules/flow.h"
#include "modules/ip.h"
#include "modules/pan.h"
#include "modules/udp.h"
#include "nodeos_api/file_space.h"
#include "partner/loop.h"
#include "paths/policy_priority.h"
#include "paths/prefix.h"
#include "tests/conformance/principals.h"
#include "tests/conformance/take_turns.h"
#include "tests/unit/testing/temporary_directory.h"

using namespace weft;

namespace {

// A port of the node, and the test's end of its wire.
struct Wire {
  std::unique_ptr<LoopPartner> loop;
  Opening node_end, test_end;

  Wire(const char* name, const Clock& clock)
      : loop(*LoopPartner::create({.name = name, .link = Link::kRaw, .mtu = 65535}, clock)),
        node_end(*loop->open("a", nullptr, kNoOpening)),
        test_end(*loop->open("b", nullptr, kNoOpening)) {}
  ~Wire() {
    loop->close(test_end);
    loop->close(node_end);
  }
};

}  // namespace

struct arena {
  testing::TemporaryDirectory folder;
  std::string files_root = folder.file("root");
  std::unique_ptr<FileSpace> files =
      *FileSpace::open(files_root, {.bytes = ARENA_FILE_BYTES, .files = ARENA_FILES, .open = ARENA_OPEN});
  ManualClock clock;
  std::unique_ptr<Pool> pool = *Pool::create({.packets = ARENA_PACKETS, .pages = PageKind::k4K});
  std::unique_ptr<Pool> wire_pool = *Pool::create({.packets = 1024, .pages = PageKind::k4K});
  Wire a{"a", clock}, b{"b", clock};
  Fib fib;
  FlowReader reader;
  Demux demux{fib, reader, *pool};
  IpNode ip_node{.fib = fib, .pool = *pool, .clock = clock};
  Host host{ip_node};
  PanModule pan;
  UdpModule udp{ip_node};
  Worker worker{{.linger_ns = 0}, clock, std::make_unique<Priority>()};
  Reassembly reassembly{*pool, clock, worker.timers()};
  IpModule ip{ip_node, host, reassembly, demux};
  Geni geni{worker, demux, {&pan, &ip, &udp}, {}};
  Logger log{"arena", std::make_shared<spdlog::sinks::null_sink_mt>()};
  std::unique_ptr<GeniNode> node;
  bool threaded = std::getenv("WEFT_ARENA_THREAD") != nullptr;

  Wire& wire(const char* port) { return std::strcmp(port, "a") == 0 ? a : b; }

  // On the link of port `port` the network 10.0.`port`.0/24, in which the node is .1.
  void add_network(uint8_t port) {
    const auto leads = [&](uint32_t index, NextHop::Kind kind, const Prefix& prefix) {
      NextHop hop;
      hop.kind = kind;
      hop.out_port = kind == NextHop::kLocal ? Packet::kNoPort : port;
      hop.mtu = 65535;
      fib.next_hops.set(index, hop);
      if (!fib.ip4.insert(prefix.address.data(), prefix.length, uint16_t(index))) std::abort();
    };
    leads(uint32_t{port} + 1, NextHop::kForward, {4, 24, {10, 0, port}});
    leads(3, NextHop::kLocal, {4, 32, {10, 0, port, 1}});
    ip_node.addresses.add({.family = 4, .port = port, .address = {10, 0, port, 1}, .length = 24});
  }
};

GeniNode& node_of(arena& world) { return *world.node; }

extern "C" {

arena* arena_start(void) {
  auto* world = new arena;
  if (!world->geni.add_port("a", *world->a.loop, world->a.node_end) ||
      !world->geni.add_port("b", *world->b.loop, world->b.node_end)) {
    delete world;
    return nullptr;
  }
  for (uint8_t port : {0, 1}) world->add_network(port);
  if (world->threaded) world->worker.start();
  world->node = std::make_unique<GeniNode>(GeniNode::Parts{world->geni, world->worker, *world->pool,
                                                           world->clock, world->log, world->files.get()});
  world->node->add_pool(*world->wire_pool);
  add_principals(world->node->principals(), world->geni);
  return world;
}

size_t arena_stop(arena* world) {
  world->node.reset();
  world->worker.stop();
  for (const char* port : {"a", "b"}) {
    while (arena_take(world, port, nullptr, 0) > 0) {
    }
  }
  const size_t missing = world->pool->in_use() + world->wire_pool->in_use();
  if (missing == 0) delete world;  // else it would fail on its own checks
  return missing;
}

void arena_inject(arena* world, const char* port, const void* bytes, size_t length) {
  world->worker.call([&] {
    Pvec v;
    v.push_back(world->wire_pool->copy({static_cast<const uint8_t*>(bytes), length}));
    Wire& wire = world->wire(port);
    wire.loop->push(wire.test_end, v);
    v.clear();
  });
}

size_t arena_take(arena* world, const char* port, void* bytes, size_t room) {
  size_t length = 0;
  world->worker.call([&] {
    Pvec v;
    Wire& wire = world->wire(port);
    wire.loop->pull(wire.test_end, v, 1);
    if (v.empty()) return;
    length = v[0]->total_length();
    size_t at = 0;
    for (const Packet* s = v[0]; s != nullptr && at < room; s = s->next) {
      const size_t n = std::min<size_t>(s->length, room - at);
      std::memcpy(static_cast<char*>(bytes) + at, s->data, n);
      at += n;
    }
    v.clear();
  });
  return length;
}

const char* arena_files(arena* world) { return world->files_root.c_str(); }

// A round ends all that was begun before it, but what waits for a timer.  What the worker asks of
// the control thread meanwhile is done in the next turn, however many rounds it made by itself.
void arena_settle(arena* world) {
  take_turns(*world->node, world->threaded, 8);
  world->worker.call([] {});  // what the worker wrote is there to be read
}

void arena_advance(arena* world, uint64_t ns) {
  world->clock.advance_ns(ns);
  arena_settle(world);
}

void arena_pass(arena* world, uint64_t ns) { world->clock.advance_ns(ns); }

void arena_elsewhere(void (*f)(void*), void* arg) { std::thread(f, arg).join(); }

}  // extern "C"
