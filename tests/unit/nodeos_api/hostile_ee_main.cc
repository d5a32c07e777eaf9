// SPDX-License-Identifier: Apache-2.0
// A hostile EE beside one that is not: writes random values over all of its memory from a
// thread of its own, and says random, half right and replayed things to the node, whose
// worker runs all the while.  The node must not crash, leak, wait, or give it a byte of another.
//
//   hostile_ee [--seconds N] [--seed N]      default: WEFT_HOSTILE_SECONDS, or 3
//
// Exit codes: 0 all held, 1 something did not.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/fuzz/hostile_ee.h"
#include "tests/fuzz/require.h"

using namespace weft;
using fuzz::require;
using Time = std::chrono::steady_clock;

namespace {

constexpr std::string_view kSecret = "what the hostile EE must not see";

struct Victim {
  std::atomic<uint64_t> right{0}, wrong{0};
};

void take_secret(void* arg, an_Packet packet) {
  auto* victim = static_cast<Victim*>(arg);
  char bytes[kSecret.size()];
  const bool right = an_packetGetLength(packet) == kSecret.size() &&
                     an_packetRead(packet, 0, kSecret.size(), bytes) == AN_OK &&
                     std::string_view(bytes, kSecret.size()) == kSecret;
  (right ? victim->right : victim->wrong).fetch_add(1, std::memory_order_relaxed);
  an_packetFree(packet);
}

// The count of what the node has taken is random for a moment only: by that the steps are found that
// it believes.
void scribble_taken(std::atomic<uint32_t>& taken, uint32_t value) {
  const uint32_t was = taken.exchange(value, std::memory_order_relaxed);
  std::this_thread::yield();
  taken.compare_exchange_strong(value, was, std::memory_order_relaxed);  // unless the node has said more
}

// Random words over all of the memory; most often over what the node reads as numbers, and over the
// only count that it wrote there.
void scribble(const ShmMemory& memory, uint64_t seed, const std::atomic<bool>& stop) {
  std::mt19937_64 random(seed);
  const size_t all = memory.layout().size(), front = memory.layout().packets();
  const uint32_t entries = memory.layout().entries;
  std::atomic<uint32_t>& taken = memory.control().tx_taken;
  while (!stop.load(std::memory_order_relaxed)) {
    const uint64_t r = random();
    const size_t reach = r % 8 == 0 ? all : front;
    const uint32_t value = r % 3 == 0 ? uint32_t(r >> 32) : uint32_t(r >> 32) % 4096;
    auto* const at = reinterpret_cast<uint32_t*>(memory.base() + random() % (reach / 4) * 4);
    if (static_cast<void*>(at) == &taken || r % 64 == 1) {
      scribble_taken(taken, value);
    } else {
      __atomic_store_n(at, value, __ATOMIC_RELAXED);
    }
    if (r % 64 != 0) continue;
    // Steps that may be believed, so that the node goes further.
    const uint32_t next = taken.load(std::memory_order_relaxed);
    for (uint32_t i = next; i != next + uint32_t(r >> 40) % 8; ++i) {
      __atomic_store_n(&memory.tx_descriptors()[i & (entries - 1)].turn, i + 1, __ATOMIC_RELEASE);
    }
    memory.control().fill_lent.fetch_add(uint32_t(r >> 48) % 8, std::memory_order_relaxed);
    memory.ring_bell();
  }
}

std::string random_deeds(std::mt19937_64& random) {
  std::string bytes(size_t(64 + random() % 512), '\0');
  for (char& c : bytes) c = char(random());
  return bytes;
}

bool sees_secret(const ShmMemory& memory) {
  return std::string_view(reinterpret_cast<const char*>(memory.base()), memory.layout().size())
             .find(kSecret) != std::string_view::npos;
}

struct Sum {
  uint64_t lives = 0, deeds = 0;
  uint64_t injected = 0;             // for the victim
  uint64_t believed = 0;             // packets of the hostile EE's
  std::vector<Time::duration> ends;  // that the node took to be rid of one that hung up
};

// One life: joins, does harm, goes.
void live(test::SnowLine& line, std::mt19937_64& random, Sum* sum) {
  fuzz::HostileEe hostile(line, {.packets_made = 256, .packets_received = 256, .objects = 64});
  test::RawEe& ee = hostile.ee();
  require(ee.greet());
  hostile.knows(ee.root);
  std::atomic<bool> stop{false};
  std::thread scribbler(scribble, std::cref(*ee.memory), random(), std::cref(stop));
  std::string last = random_deeds(random);
  for (int strings = 0; strings < 10 && ee.session; ++strings) {
    const std::string bytes = random() % 4 == 0 ? last : random_deeds(random);  // a replay
    fuzz::Input input(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
    while (!input.empty() && hostile.act(input)) ++sum->deeds;
    last = bytes;
    line.inject_home(kSecret);
    ++sum->injected;
  }
  if (ee.session) sum->believed += ee.session->crossing()->ring().stats().rx_packets.value();
  ee.hang_up();
  const auto start = Time::now();
  if (ee.session) {
    require(!ee.serve(), "it is heard that it hung up");
    sum->ends.push_back(Time::now() - start);
  }
  stop.store(true);
  scribbler.join();
  require(!sees_secret(*ee.memory), "it sees nothing of another");
  ++sum->lives;
}

}  // namespace

int main(int argc, char** argv) {
  const char* const wanted = std::getenv("WEFT_HOSTILE_SECONDS");
  double seconds = wanted != nullptr ? std::stod(wanted) : 3;
  uint64_t seed = std::random_device()();
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    if (name == "--seconds") seconds = std::stod(argv[i + 1]);
    if (name == "--seed") seed = std::stoull(argv[i + 1]);
  }
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  std::mt19937_64 random(seed);
  test::SnowLine line(true);
  Victim victim;
  an_Domain domain =
      an_domainCreate(nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr);
  require(an_inchanCreate(nullptr, domain, nullptr, "home", nullptr, nullptr, take_secret, &victim) !=
          nullptr);
  Sum sum;
  for (const auto start = Time::now(); Time::now() - start < std::chrono::duration<double>(seconds);) {
    live(line, random, &sum);
    require(line.node->root().children().size() == 1, "its domains ended");
  }
  for (int i = 0; i < 1000 && victim.right + victim.wrong < sum.injected; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  require(victim.right == sum.injected && victim.wrong == 0, "another EE gets what comes to it, as it came");
  require(an_domainDestroy(domain) == AN_OK);
  line.take_ee();
  require(line.files_are_as_counted(), "files are closed, counted, and beneath their root");
  require(line.pool->in_use() == 0 && line.wire_pool->in_use() == 0, "every packet is back");
  require(!sum.ends.empty());
  require(sum.believed > 0, "some of what it writes goes further");
  std::sort(sum.ends.begin(), sum.ends.end());
  const auto half = sum.ends[sum.ends.size() / 2];
  require(half < std::chrono::milliseconds(100), "its end does not take long");
  std::printf(
      "%llu lives, %llu deeds, %llu packets, %llu of another; half of the ends took less than %lld us\n",
      static_cast<unsigned long long>(sum.lives), static_cast<unsigned long long>(sum.deeds),
      static_cast<unsigned long long>(sum.believed), static_cast<unsigned long long>(sum.injected),
      static_cast<long long>(std::chrono::duration_cast<std::chrono::microseconds>(half).count()));
  return 0;
}
