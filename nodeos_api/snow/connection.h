// SPDX-License-Identifier: Apache-2.0
// Connection: the EE's side of the socket: asks, and waits for the answer.
//
// What the node says unasked is kept until take_news().
//
// Threads: call() from any, one at a time; the others wait.
#pragma once

#include <mutex>
#include <span>
#include <vector>

#include "base/owned_fd.h"
#include "nodeos_api/errors.h"
#include "nodeos_api/snow/wire.h"

namespace weft::snow {

// Texts that go behind a request.
class Texts {
 public:
  Text add(const void* bytes, size_t length);
  Text add(const char* text) { return add(text, text != nullptr ? std::strlen(text) : 0); }
  std::span<const uint8_t> bytes() const { return bytes_; }

 private:
  std::vector<uint8_t> bytes_;
};

class Connection {
 public:
  explicit Connection(OwnedFd socket) : socket_(std::move(socket)) {}

  int fd() const { return socket_.get(); }
  // The node is gone: it closed the socket.
  bool gone();

  // Returns the status; a failure is noted with the node's words.  `behind` gets what stands
  // behind the reply's struct.
  template <Call kCall>
  int call(const typename CallOf<kCall>::Request& request, typename CallOf<kCall>::Reply* reply,
           const Texts& texts = {}, std::vector<uint8_t>* behind = nullptr) {
    std::span<const uint8_t> head(reinterpret_cast<const uint8_t*>(&request), sizeof request);
    std::span<uint8_t> into;
    if (reply != nullptr) into = {reinterpret_cast<uint8_t*>(reply), sizeof *reply};
    return exchange(uint16_t(kCall), head, texts.bytes(), into, behind);
  }
  template <Call kCall>
  int call(const typename CallOf<kCall>::Request& request) {
    return call<kCall>(request, nullptr);
  }

  // Descriptors that came with a reply; who takes them owns them.
  OwnedFd take_descriptor(size_t which) { return std::move(descriptors_[which]); }
  // Whether there is news that came with an answer.
  bool has_news();
  // Takes what there is.
  std::vector<DomainEnded> take_news();

 private:
  int exchange(uint16_t call, std::span<const uint8_t> request, std::span<const uint8_t> texts,
               std::span<uint8_t> reply, std::vector<uint8_t>* behind);
  bool receive(std::vector<uint8_t>* message, bool wait);
  void keep(std::span<const uint8_t> news);
  int note_gone();

  OwnedFd socket_;
  std::mutex mutex_;
  uint32_t sequence_ = 0;
  bool gone_ = false;
  std::vector<uint8_t> in_;
  OwnedFd descriptors_[2];
  std::vector<DomainEnded> news_;
};

}  // namespace weft::snow
