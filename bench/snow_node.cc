// SPDX-License-Identifier: Apache-2.0
// The node of bench/snow.py: a worker that never sleeps, a port "echo" that gives back what it
// is given, and a port "source" that always has a vector of packets.  Starts the EE that it is
// told, with the other end of a socket, and serves it until it goes.
//
//   bench_snow_node LENGTH PROGRAM ARGUMENTS...
#include <poll.h>
#include <spdlog/sinks/null_sink.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "bench/snow.h"
#include "modules/flow.h"
#include "nodeos_api/snow/session.h"
#include "paths/policy_round_robin.h"

using namespace weft;

namespace {

class Port : public Partner {
 public:
  Result<Opening> open(std::string_view, Partner*, Opening) override { return Opening{0}; }
  void close(Opening) override {}
  Result<Reply> control(Opening, const Request& request) override {
    if (!std::holds_alternative<InfoRequest>(request)) return Error{Code::kUnsupported, "only its info"};
    PartnerInfo info;
    info.driver = "memory";
    info.link = Link::kRaw;
    return Reply{info};
  }
};

class Echo final : public Port {
 public:
  ~Echo() override { back_.clear(); }
  void push(Opening, Pvec& v) override { back_.append(v); }
  void pull(Opening, Pvec& v, size_t) override { v.append(back_); }

 private:
  Pvec back_;
};

class Source final : public Port {
 public:
  Source(Pool& pool, uint32_t length) : pool_(pool), length_(length) {}
  void push(Opening, Pvec& v) override { v.clear(); }
  void pull(Opening, Pvec& v, size_t max) override {
    pool_.alloc(v, max);
    for (Packet* p : v) p->length = length_;
  }

 private:
  Pool& pool_;
  const uint32_t length_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  SystemClock clock;
  Logger log("bench", std::make_shared<spdlog::sinks::null_sink_mt>());
  auto pool = *Pool::create({.packets = 4096});
  Echo echo;
  Source source(*pool, uint32_t(std::stoul(argv[1])));
  Fib fib;
  FlowReader reader;
  Demux demux{fib, reader, *pool};
  Worker worker{{.busy = true, .cpu = 0}, clock, std::make_unique<RoundRobin>()};
  Geni geni{worker, demux, {}, {}};
  // Only the port that is asked: the other's packets would be lost, for a price.
  const bool rtt = std::string_view(argv[3]) == "rtt";
  if (!geni.add_port("echo", echo, Opening{0})) return 1;
  if (!rtt && !geni.add_port("source", source, Opening{0})) return 1;
  worker.start();
  {
    GeniNode node({geni, worker, *pool, clock, log});
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return 1;
    const pid_t child = ::fork();
    if (child == 0) {
      ::setenv("WEFT_SNOW_FD", std::to_string(::dup(ends[1])).c_str(), 1);
      ::execv(argv[2], argv + 2);
      ::_exit(127);
    }
    ::close(ends[1]);
    bench::stay_on(1);
    snow::Session session(OwnedFd(ends[0]), node, node.root().handle(), {});
    for (pollfd ready{session.fd(), POLLIN, 0}; session.serve(); ::poll(&ready, 1, 1000)) {
    }
    ::waitpid(child, nullptr, 0);
  }
  worker.stop();
  return 0;
}
