// SPDX-License-Identifier: Apache-2.0
// bench_vm: what a call of a safe program costs, beside the same program compiled by gcc -O2
// and beside DPDK's rte_bpf, in one run.  Prints {"rows": [...]} (see bench/run).
//
// Every number is the least of many batches, taken in turn with its peers': the machine may
// be shared.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "bench/vm_programs.h"
#include "tests/unit/vm/assemble.h"
#include "vm/code_cache.h"
#include "vm/instance.h"
#include "vm/signals.h"

namespace weft::vm::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr unsigned kBatches = 25;
constexpr uint32_t kBudget = 1'000'000;

// One thing to be measured: does `n` calls.
struct Subject {
  std::string name;
  std::function<void(unsigned n)> run;
  double ns = 1e18;  // per call
};

double time_ns(const Subject& s, unsigned n) {
  const auto start = Clock::now();
  s.run(n);
  return std::chrono::duration<double, std::nano>(Clock::now() - start).count() / n;
}

void measure(std::vector<Subject>& subjects) {
  for (unsigned batch = 0; batch < kBatches; ++batch) {
    for (Subject& s : subjects) {
      unsigned n = 64;
      // About a millisecond.
      if (s.ns < 1e17) n = unsigned(std::clamp(1e6 / s.ns, 1.0, 1e6));
      s.ns = std::min(s.ns, time_ns(s, n));
    }
  }
}

class Rows {
 public:
  void add(const std::string& name, const char* unit, double weft,
           const std::vector<std::pair<std::string, double>>& peers) {
    std::printf("%s\n  {\"case\": \"%s\", \"unit\": \"%s\", \"weft\": %.4g, \"peers\": {", first_ ? "" : ",",
                name.c_str(), unit, weft);
    first_ = false;
    for (size_t i = 0; i < peers.size(); ++i) {
      std::printf("%s\"%s\": ", i == 0 ? "" : ", ", peers[i].first.c_str());
      peers[i].second < 0 ? std::printf("null") : std::printf("%.4g", peers[i].second);
    }
    std::printf("}}");
  }

 private:
  bool first_ = true;
};

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "bench_vm: %s\n", what.c_str());
  std::exit(1);
}

template <typename T>
T must(Result<T> result) {
  if (!result) fail(result.error().sentence);
  return std::move(*result);
}

uint64_t forward_helper(Call& call, uint64_t hop) {
  ++*static_cast<uint64_t*>(call.environment());
  return hop;
}

class Bench {
 public:
  Bench() {
    auto helpers = std::make_shared<HelperTable>();
    if (!helpers->add(make_helper<forward_helper>(kForwardHelper, "forward"))) fail("no helper");
    helpers_ = helpers;
  }

  void run() {
    std::printf("{\"rows\": [");
    for (const BenchProgram& p : programs()) program(p);
    for (size_t objects : {1, 16, 256, 1024, 4096}) random_choice(objects, ArenaKind::kPacked, "random/");
    for (size_t objects : {1, 16, 256, 1024, 4096}) random_choice(objects, ArenaKind::kWide, "random_wide/");
    clearing();
    compiling();
    loading();
    std::printf("\n]}\n");
  }

 private:
  std::shared_ptr<const Program> link(std::string_view text) {
    return must(Program::link(test::image(text), {helpers_, {}}));
  }
  std::unique_ptr<Instance> instance(const std::shared_ptr<const Program>& program, bool compiled) {
    auto code = compiled ? must(cache_->compile(program)) : nullptr;
    return must(Instance::create(*space_, program, std::move(code), {}));
  }

  // A call must give what the native function gives, and is then measured.
  Subject weft(const char* name, Instance& instance, const BenchProgram& p) {
    std::memcpy(instance.window(), packet(), kPacketBytes);
    const Instance::Entry entry = must(instance.entry(""));
    const Arguments arguments{.r1 = kWindow, .r2 = p.argument};
    const Outcome o = instance.call(entry, arguments, kBudget, &forwarded_);
    uint8_t memory[4096];
    std::memcpy(memory, packet(), kPacketBytes);
    if (o.fault != Fault::kNone || o.r0 != p.native(memory, p.argument))
      fail(std::string("wrong result: ") + p.name);
    return {name, [=, this, &instance](unsigned n) {
              for (; n > 0; --n) sink_ = instance.call(entry, arguments, kBudget, &forwarded_).r0;
            }};
  }

  void program(const BenchProgram& p) {
    auto linked = link(p.text);
    auto jit = instance(linked, true), interpreter = instance(linked, false);
    static uint8_t memory[4096];
    std::memcpy(memory, packet(), kPacketBytes);
    std::vector<Subject> subjects;
    subjects.push_back(weft("jit", *jit, p));
    subjects.push_back(weft("interpreter", *interpreter, p));
    // By a pointer that the compiler cannot see through, as a node would.
    uint64_t (*volatile native)(uint8_t*, uint64_t) = p.native;
    subjects.push_back({"native", [=, this](unsigned n) {
                          for (; n > 0; --n) sink_ = native(memory, p.argument);
                        }});
    RteBpf peer(p, test::assemble(p.text));
    if (peer.function() != nullptr) {
      uint64_t (*volatile function)(void*) = peer.function();
      if (function(memory) != p.native(memory, p.argument)) fail(std::string("rte_bpf disagrees: ") + p.name);
      subjects.push_back({"rte_bpf_jit", [=, this](unsigned n) {
                            for (; n > 0; --n) sink_ = function(memory);
                          }});
    }
    measure(subjects);
    const double rte = subjects.size() > 3 ? subjects[3].ns : -1;
    for (size_t i = 0; i < 2; ++i) {
      rows_.add(std::string(p.name) + "/" + subjects[i].name, "ns", subjects[i].ns,
                {{"native", subjects[2].ns}, {"rte_bpf_jit", rte}});
    }
  }

  // One of many objects for each packet, each with text of its own; with the header copied in.
  void random_choice(size_t objects, ArenaKind kind, const char* name) {
    auto space = must(ArenaSpace::create(objects, kind));
    struct alignas(64) Object {
      std::unique_ptr<Instance> instance;
      Instance::Entry entry;
    };
    std::vector<Object> all;
    const BenchProgram& forward = programs().back();
    for (size_t i = 0; i < objects; ++i) {
      // The version that it wants differs where nobody looks: the text is its own.
      auto program = link("r0 = " + std::to_string(i) + "; " + std::string(forward.text));
      auto one = must(Instance::create(*space, program, must(cache_->compile(program, kind)), {}));
      const Instance::Entry entry = must(one->entry(""));
      all.push_back({std::move(one), entry});
    }
    std::vector<uint32_t> order(1 << 16);
    std::minstd_rand random(1);
    for (uint32_t& i : order) i = uint32_t(random() % objects);
    unsigned at = 0;
    std::vector<Subject> subjects{
        {"random", [&](unsigned n) {
           for (; n > 0; --n) {
             const Object& o = all[order[at++ & 0xffff]];
             std::memcpy(o.entry.window, packet(), 64);
             sink_ = o.instance->call(o.entry, {.r1 = kWindow}, kBudget, &forwarded_).r0;
           }
         }}};
    subjects[0].run(unsigned(order.size()));  // touches all pages
    measure(subjects);
    rows_.add(name + std::to_string(objects) + "obj", "ns", subjects[0].ns, {});
  }

  void clearing() {
    auto one = instance(link("exit"), true);
    std::vector<Subject> subjects{{"clear", [&](unsigned n) {
                                     for (; n > 0; --n) one->arena().clear_window_and_stack();
                                   }}};
    measure(subjects);
    rows_.add("clear_window_and_stack", "ns", subjects[0].ns, {});
  }

  // 200 instructions of every kind, each time another text.
  void compiling() {
    std::string text;
    for (int i = 0; i < 19; ++i) {
      text +=
          "r2 = *(u32 *)(r1 + 4); r3 = r2; r3 &= 255; if r3 > 9 goto end; r2 <<= 3; r3 += r2; *(u64 *)(r10 - "
          "8) = r3;"
          "r4 = *(u64 *)(r10 - 8); r4 ^= r3; r0 += r4; ";
    }
    text += "r5 = 9; again: r0 += r5; r5 += -1; if r5 != 0 goto again; end: r1 = r0; call helper 1; exit";
    const Image image = test::image(text);
    std::vector<std::shared_ptr<const Program>> all;
    for (int32_t i = 0; i < 256; ++i) {
      Image other = image;
      other.text[2].imm = i;
      all.push_back(must(Program::link(other, {helpers_, {}})));
    }
    std::vector<Subject> subjects{{"compile", [&](unsigned n) {
                                     for (; n > 0; --n) must(cache_->compile(all[n % all.size()]));
                                   }}};
    measure(subjects);
    rows_.add("compile/200insns", "us", subjects[0].ns / 1e3, {});
  }

  // From the bytes of an image to an instance that can be called, and away again.
  void loading() {
    Image image = test::image(std::string(programs().back().text));
    image.symbols.push_back({Symbol::Kind::kExport, 0, "forward"});
    image.data.resize(256, 1);
    image.rodata.resize(256, 2);
    const std::vector<uint8_t> bytes = write_image(image);
    std::vector<Subject> subjects{
        {"load", [&](unsigned n) {
           for (; n > 0; --n) {
             auto program = must(Program::link(must(read_image(bytes)), {helpers_, {}}));
             instance(program, true);
           }
         }}};
    measure(subjects);
    rows_.add("load/object", "us", subjects[0].ns / 1e3, {});
  }

  std::unique_ptr<SignalStack> signal_stack_ = must(SignalStack::create());
  std::unique_ptr<ArenaSpace> space_ = must(ArenaSpace::create(16));
  std::unique_ptr<CodeCache> cache_ = must(CodeCache::create());
  std::shared_ptr<const HelperTable> helpers_;
  Rows rows_;
  uint64_t forwarded_ = 0;
  volatile uint64_t sink_ = 0;
};

}  // namespace
}  // namespace weft::vm::bench

int main() {
  weft::vm::bench::Bench().run();
  return 0;
}
