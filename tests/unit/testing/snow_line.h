// SPDX-License-Identifier: Apache-2.0
// A node with two raw ports, "home" and "ee0", whose wires end in the test, and files; and an EE behind
// Snow that is nothing but its socket and its memory, so that it can say and write what no
// library would.
//
// Threads: the node's control thread.
#pragma once

#include <fcntl.h>
#include <spdlog/sinks/null_sink.h>
#include <sys/socket.h>

#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "modules/flow.h"
#include "modules/pan.h"
#include "nodeos_api/file_measure.h"
#include "nodeos_api/file_space.h"
#include "nodeos_api/snow/session.h"
#include "partner/loop.h"
#include "paths/policy_round_robin.h"
#include "tests/unit/testing/temporary_directory.h"

namespace weft::test {

class SnowLine {
 public:
  static constexpr size_t kPackets = 2048;

  explicit SnowLine(bool thread) {
    for (Wire* wire : {&home_, &ee_}) {
      (void)geni.add_port(wire->name, *wire->loop, wire->node_end);
    }
    if (thread) worker.start();
    node.emplace(GeniNode::Parts{geni, worker, *pool, clock, log, files.get()});
    node->add_pool(*wire_pool);
  }
  // Every packet must be back: the pools check it.
  ~SnowLine() {
    node.reset();
    worker.stop();
    for (Wire* wire : {&home_, &ee_}) {
      while (take(*wire)) {
      }
    }
  }

  void inject_home(std::string_view bytes) { inject(home_, bytes); }
  void inject_ee(std::string_view bytes) { inject(ee_, bytes); }
  // Takes what went out of ee0.  Returns how many packets that were.
  size_t take_ee() {
    size_t n = 0;
    while (take(ee_)) ++n;
    return n;
  }
  void rounds(int n) {
    for (int i = 0; i < n; ++i) worker.call([this] { worker.round(); });
  }
  // Whether no file is open, the quota counts what is there, and nothing is beside the root.
  bool files_are_as_counted() const {
    const OwnedFd root(::open(folder_.file("files").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const auto present = measure_files(root.get());
    const auto beside = std::filesystem::directory_iterator(folder_.file(""));
    return present && *present == files->use() && std::distance(begin(beside), end(beside)) == 1;
  }

 private:
  struct Wire {
    const char* name;
    std::unique_ptr<LoopPartner> loop;
    Opening node_end, test_end;
    Wire(const char* n, const Clock& clock)
        : name(n),
          loop(*LoopPartner::create({.name = n, .link = Link::kRaw, .mtu = 65535}, clock)),
          node_end(*loop->open("a", nullptr, kNoOpening)),
          test_end(*loop->open("b", nullptr, kNoOpening)) {}
    ~Wire() {
      loop->close(test_end);
      loop->close(node_end);
    }
  };

  void inject(Wire& wire, std::string_view bytes) {
    worker.call([&] {
      Pvec v;
      if (PacketPtr p = wire_pool->copy({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()})) {
        v.push_back(std::move(p));
      }
      wire.loop->push(wire.test_end, v);
      v.clear();
    });
  }
  bool take(Wire& wire) {
    bool took = false;
    worker.call([&] {
      Pvec v;
      wire.loop->pull(wire.test_end, v, Pvec::kCapacity);
      took = !v.empty();
      v.clear();
    });
    return took;
  }

 private:
  testing::TemporaryDirectory folder_;

 public:
  std::unique_ptr<FileSpace> files =
      *FileSpace::open(folder_.file("files"), {.bytes = 1 << 18, .files = 16, .open = 8});
  SystemClock clock;
  std::unique_ptr<Pool> pool = *Pool::create({.packets = kPackets, .pages = PageKind::k4K});
  std::unique_ptr<Pool> wire_pool = *Pool::create({.packets = kPackets, .pages = PageKind::k4K});

 private:
  Wire home_{"home", clock}, ee_{"ee0", clock};
  Fib fib_;
  FlowReader reader_;
  Demux demux_{fib_, reader_, *pool};
  PanModule pan_;

 public:
  Worker worker{{}, clock, std::make_unique<RoundRobin>()};
  Geni geni{worker, demux_, {&pan_}, {}};
  Logger log{"test", std::make_shared<spdlog::sinks::null_sink_mt>()};
  std::optional<GeniNode> node;
};

// An EE's end of a session that is served in the same thread.
class RawEe {
 public:
  RawEe(SnowLine& line, const snow::SessionLimits& limits) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) std::abort();
    socket_ = OwnedFd(ends[0]);
    session.emplace(OwnedFd(ends[1]), *line.node, line.node->root().handle(), limits);
  }

  // Says hello as one should, and maps the memory.  False if it was not let in.
  bool greet() {
    snow::Welcome welcome{};
    if (!ask<snow::Call::kHello>({snow::kMagic, snow::kVersion}, &welcome)) return false;
    root = welcome.root;
    auto mapped = ShmMemory::map(welcome.layout, descriptors_[0].get(), std::move(descriptors_[1]));
    if (mapped) memory.emplace(std::move(*mapped));
    return memory.has_value();
  }

  // Sends any bytes as one message.
  void say(const void* bytes, size_t size) {
    ::send(socket_.get(), bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
  }
  // Sends a request with a header as it should be.
  void request(uint16_t call, const void* body, size_t size, const void* texts = "", size_t behind = 0) {
    const snow::Header header{uint32_t(sizeof header + size + behind), call, snow::Kind::kRequest,
                              ++sequence_, 0};
    std::vector<uint8_t> message(header.size);
    std::memcpy(message.data(), &header, sizeof header);
    if (size > 0) std::memcpy(message.data() + sizeof header, body, size);
    if (behind > 0) std::memcpy(message.data() + sizeof header + size, texts, behind);
    say(message.data(), message.size());
  }
  // Lets the node answer.  False when the session is over.
  bool serve() {
    if (session && !session->serve()) session.reset();
    return session.has_value();
  }
  // The next message of the node's; empty if there is none.
  std::vector<uint8_t> hear() {
    std::vector<uint8_t> bytes(snow::kMaxMessage);
    iovec part{bytes.data(), bytes.size()};
    alignas(cmsghdr) char control[CMSG_SPACE(2 * sizeof(int))];
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t n = ::recvmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    bytes.resize(n > 0 ? size_t(n) : 0);
    for (cmsghdr* c = n > 0 ? CMSG_FIRSTHDR(&message) : nullptr; c != nullptr; c = CMSG_NXTHDR(&message, c)) {
      int numbers[2];
      std::memcpy(numbers, CMSG_DATA(c), sizeof numbers);
      for (int i = 0; i < 2; ++i) descriptors_[i] = OwnedFd(numbers[i]);
    }
    return bytes;
  }

  // A call and its answer.  False if it failed: `status` says how.
  template <snow::Call kCall>
  bool ask(const typename snow::CallOf<kCall>::Request& r, typename snow::CallOf<kCall>::Reply* reply,
           std::string_view texts = "") {
    request(uint16_t(kCall), &r, sizeof r, texts.data(), texts.size());
    if (!serve()) return false;
    const auto answer = hear();
    snow::Header header{};
    if (answer.size() < sizeof header) return false;
    std::memcpy(&header, answer.data(), sizeof header);
    status = header.status;
    text.assign(answer.begin() + sizeof header, answer.end());
    if (status != AN_OK) return false;
    if (reply != nullptr) std::memcpy(reply, answer.data() + sizeof header, sizeof *reply);
    return true;
  }

  int fd() const { return socket_.get(); }
  void hang_up() { socket_.reset(); }

  std::optional<snow::Session> session;  // the node's side
  std::optional<ShmMemory> memory;
  uint64_t root = 0;
  int status = AN_OK;
  std::string text;  // of the last answer: an error's sentence

 private:
  OwnedFd socket_;
  OwnedFd descriptors_[2];
  uint32_t sequence_ = 0;
};

}  // namespace weft::test
