// SPDX-License-Identifier: Apache-2.0
// Session: the node's side of one EE's connection: answers its calls, and ends with its socket.
//
//   EE -> an.h -> libweft-snow -> socket -> Session -> the same an.h -> Geni -> path
//
// Nothing of the EE is trusted.  It names objects by handles of a table of its own, in
// which nobody else's are; its memory is ShmRing's to read.  When the session ends, whatever the
// reason, the domain above all of the EE's ends, and with it all that they had.
//
// Threads: the node's control thread.  No call blocks on the EE.
#pragma once

#include <sys/socket.h>

#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/owned_fd.h"
#include "nodeos_api/geni_node.h"
#include "nodeos_api/snow/border.h"
#include "nodeos_api/snow/ee_handles.h"
#include "nodeos_api/snow/wire.h"
#include "paths/pool_share.h"

namespace weft::snow {

// What one EE may have.
struct SessionLimits {
  uint32_t packets_made = 1024;      // in its own pool, 1 .. 65536
  uint32_t packets_received = 1024;  // that the node has delivered, 1 .. 65536
  uint32_t objects = 4096;           // domains, channels, keys, alive at once
};

class Session {
 public:
  // `socket` is connected, and SOCK_SEQPACKET.  The EE's domains stand below `parent`, and end
  // with it; the session is then over.  They have what `cred` grants, which outlives the
  // session; NULL: they draw on the principal of the user at the other end, if that is one.
  Session(OwnedFd socket, GeniNode& node, an_Domain parent, const SessionLimits& limits,
          an_Cred cred = nullptr);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  int fd() const { return socket_.get(); }
  const ucred& peer() const { return peer_; }
  // Who is at the other end of a socket; the user -1, if that is not known.
  static ucred peer_of(int socket);
  // Serves what the EE has sent, a few calls at most, and sends what waits for it.  False
  // when the connection is over: the EE is gone, or broke the protocol.
  bool serve();
  // Whether serve() is wanted when the socket takes more, too.
  bool has_backlog() const { return !out_.empty(); }
  // Why it is over; empty while it is not.
  const std::string& complaint() const { return complaint_; }

  // --- for the calls (calls_*.cc) --------------------------------------------

  GeniNode& node() { return node_; }
  const SessionLimits& limits() const { return limits_; }
  EeHandles& handles() { return handles_; }
  Border& border() { return *border_; }  // REQUIRES: begin() was called
  // Where its packets cross; null: it has not said hello yet.
  const Border* crossing() const { return border_ ? &*border_ : nullptr; }
  size_t objects() const { return handles_.size(); }
  // What the EE's handle stands for; null, with the failure noted, if it is none of its.
  template <typename Kind>
  typename Kind::Handle real(uint64_t handle) {
    return handles_.real<Kind>(handle);
  }
  // Slots of the node's pool in the queues of its channels.
  uint64_t queued() const { return share_.held(); }
  // The domain above the EE's.
  an_Domain top() const { return top_; }
  // Makes the EE's domain and memory, and leaves the descriptors for the reply.
  int begin(Welcome* welcome);
  // Makes a domain of whose end the EE is to hear.
  an_Domain make_domain(an_Domain parent, uint64_t tag, an_Cred cred);
  // Who the EE is.  Errors: kPermission (nobody of whom the config speaks; this process made both
  // ends of the socket and handed one down, so that its user is not seen).
  Result<Principals::Known*> principal() const;
  // What a certificate's key is to sign: one is good at a time, and once.
  Result<Nonce> make_nonce();
  std::optional<Nonce> take_nonce() { return std::exchange(nonce_, std::nullopt); }
  // Whether the EE may have one more object; if not, the failure is noted.
  bool has_room();

 private:
  struct Watch {
    Session* session;
    uint64_t tag;
  };
  struct Message {
    std::vector<uint8_t> bytes;
    OwnedFd descriptors[2];
  };

  static void hear(an_Domain ended, an_TermReason reason, void* watch);
  int begin_as(const Credential* known, Welcome* welcome);
  int reserve_memory(Quota& quota);
  static void hear_of_top(an_Domain ended, an_TermReason reason, void* session);
  bool receive(bool* none);
  bool answer(std::span<const uint8_t> message);
  void send(const Header& header, std::span<const uint8_t> body);
  bool flush();
  bool over(std::string why);

  OwnedFd socket_;
  GeniNode& node_;
  const an_Domain parent_;
  SessionLimits limits_;  // less, if its principal may have less
  const an_Cred cred_;    // null: whoever is at the other end
  const ucred peer_;
  EeHandles handles_;
  PoolShare share_;  // of its channels' queues
  std::optional<Border> border_;
  an_Domain top_ = nullptr;
  std::optional<Nonce> nonce_;
  Quota* charged_ = nullptr;  // for the memory; null: nobody is
  bool asked_ = false;        // what ends now ends because the EE said so
  std::vector<uint8_t> in_;
  std::deque<Message> out_;
  OwnedFd for_welcome_[2];
  std::string complaint_;
};

}  // namespace weft::snow
