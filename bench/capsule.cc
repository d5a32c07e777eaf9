// SPDX-License-Identifier: Apache-2.0
// A PAN node between partners that are arrays in memory: what evaluating and sending on a
// capsule costs, from one partner's pull() to the other's push().  Run by bench/capsule.py.
//
//   bench_capsule LENGTH PAGES OBJECTS PACKETS jit|interpreter|none
//
// Each packet is a capsule of one of OBJECTS code objects: `forward`, each with text of its
// own.  With "none" there is no PAN: an EE sends each vector on as it came, which is what two
// channels cost.  Prints "ready"; for each line read, one slice's "NS_PER_PACKET CALIBRATION".  Ends with
// a complaint when a byte of a body was copied, or memory allocated.
#include <spdlog/sinks/null_sink.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "bench/capsule_frames.h"
#include "bench/memory_partner.h"
#include "geni/geni.h"
#include "modules/flow.h"
#include "modules/pan.h"
#include "nodeos_api/geni_node.h"
#include "pan_ee/code/pni_abi.h"
#include "pan_ee/code_object.h"
#include "pan_ee/node.h"
#include "paths/policy_round_robin.h"
#include "tests/unit/testing/allocations.h"
#include "tests/unit/testing/temporary_directory.h"
#include "vm/image.h"

using namespace weft;

namespace {

constexpr uint64_t kSliceNs = 500'000;

struct Case {
  uint32_t length;  // bytes
  PageKind pages;
  uint32_t objects;
  uint32_t packets;  // that take turns
  std::string engine;
};

[[noreturn]] void fail(const std::string& why) {
  std::fprintf(stderr, "bench_capsule: %s\n", why.c_str());
  std::exit(1);
}

template <typename T>
T must(Result<T> result) {
  if (!result) fail(result.error().sentence);
  return std::move(*result);
}

std::vector<uint8_t> read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) fail("there is no " + path);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Variants of `forward`: behind its text, in which each evaluation stays, stands a function of
// its own, so that no two share machine code.
class CodeFolder {
 public:
  explicit CodeFolder(uint32_t objects) {
    const auto forward = must(pan::read_code_object(read_file(WEFT_CODE_FOLDER "/forward.pco")));
    const auto image = must(vm::read_image(forward.program));
    for (uint32_t i = 0; i < objects; ++i) add(image, i);
  }
  std::string path() const { return directory_.file("."); }
  const std::vector<std::array<uint8_t, kCodeName>>& names() const { return names_; }

 private:
  void add(vm::Image image, uint32_t i) {
    image.symbols.push_back({vm::Symbol::Kind::kFunction, uint32_t(image.text.size()), "variant"});
    image.text.push_back(vm::make(vm::kAlu64 | vm::kMov, 0, 0, 0, int32_t(i)));
    image.text.push_back(vm::make(vm::kExitOpcode, 0, 0, 0, 0));
    const auto bytes =
        pan::write_code_object(PNI_VERSION, "forward" + std::to_string(i), vm::write_image(image));
    directory_.write("forward" + std::to_string(i) + ".pco",
                     {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    names_.push_back(must(pan::read_code_object(bytes)).name.bytes);
  }

  testing::TemporaryDirectory directory_;
  std::vector<std::array<uint8_t, kCodeName>> names_;
};

class Bench {
 public:
  explicit Bench(const Case& c) : case_(c) {
    for (auto& [name, partner] : {std::pair{"in", &in_}, std::pair{"out", &out_}}) {
      if (auto added = geni_.add_port(name, *partner, Opening{0}); !added) fail(added.error().sentence);
    }
    c.engine == "none" ? start_passing() : start_pan();
    for (uint32_t i = 0; i < c.packets; ++i) {
      packets_.push_back(pool_->alloc().release());
      std::memset(packets_.back()->data, 0, c.length);
    }
  }
  ~Bench() {
    for (Packet* p : packets_) Pool::free(p);
  }

  // Forwards every capsule once.  Returns the cycles that this took.
  uint64_t pass() {
    uint64_t random = 1;
    for (Packet* p : packets_) {
      p->length = case_.length;
      write_capsule(p->data, case_.length,
                    reinterpret_cast<const uint8_t(*)[kCodeName]>(code_.names().data()), case_.objects,
                    &random);
    }
    in_.will_give(packets_);
    const uint64_t from = cycles();
    while (!in_.gave_all()) worker_.round();
    const uint64_t spent = cycles() - from;
    if (out_.take() != packets_.size()) fail("not every capsule came out");
    return spent;
  }

  void check(const uint64_t allocations) const {
    if (testing::allocations() != allocations) fail("memory was allocated");
    if (pool_->bytes_copied() != 0) fail("bytes of packets were copied");
  }

 private:
  void start_pan() {
    pan::NodeConfig config{.address = *pan::parse_address("10.1.255.1"), .carriers = {"in/pan"}};
    config.neighbours.push_back({*pan::parse_address("10.1.254.1"), "out/pan"});
    for (uint32_t i = 0; i < kNodes; ++i) {
      const auto behind = pan::parse_prefix("10.1." + std::to_string(i) + ".0/24");
      config.routes.push_back({*behind, config.neighbours[0].address});
    }
    config.code_folder = code_.path();
    config.engine = case_.engine == "jit" ? pan::Engine::kJit : pan::Engine::kInterpreter;
    std::string error;
    pan_ = pan::Node::start(config, node_.root().handle(), error);
    if (pan_ == nullptr) fail(error);
    if (pan_->code().size() != case_.objects) fail("not every code object was loaded");
    if (pan_->engine() != config.engine) fail(pan_->engine_reason());
  }

  void start_passing() {
    an_Domain root = node_.root().handle();
    passing_ = an_outchanCreate(nullptr, root, "out/pan", nullptr, nullptr);
    an_InChan in = an_inchanCreate(nullptr, root, nullptr, "in/pan", nullptr, nullptr, nullptr, nullptr);
    if (passing_ == nullptr || an_inchanSetVector(in, &Bench::pass_on, this) != AN_OK ||
        an_inchanResume(in) != AN_OK) {
      fail(an_errtext());
    }
  }
  static void pass_on(void* self, an_Packet* packets, size_t count) {
    an_outchanSendVec(static_cast<Bench*>(self)->passing_, packets, count);
  }

  static std::unique_ptr<Pool> make_pool(const Case& c) {
    auto pool = must(Pool::create({.packets = c.packets, .pages = c.pages}));
    if (pool->pages() != c.pages) fail(pool->pages_reason());
    return pool;
  }

  const Case case_;
  CodeFolder code_{case_.objects};
  std::unique_ptr<Pool> pool_ = make_pool(case_);
  SystemClock clock_;
  Logger log_{"bench", std::make_shared<spdlog::sinks::null_sink_st>()};
  Fib fib_;
  FlowReader reader_;
  PanModule pan_module_;
  Demux demux_{fib_, reader_, *pool_};
  Worker worker_{{}, clock_, std::make_unique<RoundRobin>()};
  bench::Memory in_{{.link = Link::kRaw, .mtu = 65535}, case_.packets};
  bench::Memory out_{{.link = Link::kRaw, .mtu = 65535}, case_.packets};
  Geni geni_{worker_, demux_, {&pan_module_}, {}};
  GeniNode node_{{geni_, worker_, *pool_, clock_, log_}};
  std::unique_ptr<pan::Node> pan_;
  an_OutChan passing_ = nullptr;
  std::vector<Packet*> packets_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) fail("run it by bench/run capsule");
  const Case c{.length = uint32_t(std::atoi(argv[1])),
               .pages = argv[2] == std::string("2M") ? PageKind::k2M : PageKind::k4K,
               .objects = uint32_t(std::atoi(argv[3])),
               .packets = uint32_t(std::atoi(argv[4])),
               .engine = argv[5]};
  Bench bench(c);
  const double tsc = tsc_per_ns();
  std::puts("ready");
  std::fflush(stdout);
  bench.pass();
  for (char line[16]; std::fgets(line, sizeof line, stdin) != nullptr;) {
    const uint64_t allocations = testing::allocations();
    const uint64_t calibration = calibration_cycles();
    bench.pass();  // warms up
    uint64_t spent = 0, passes = 0;
    for (; double(spent) < kSliceNs * tsc; ++passes) spent += bench.pass();
    bench.check(allocations);
    std::printf("%.3f %lu\n", double(spent) / tsc / double(passes * c.packets), calibration);
    std::fflush(stdout);
  }
}
