// SPDX-License-Identifier: Apache-2.0
// Packets over memory of the EE's: an_packetAttach, at the C border.
//
// Threads: the worker, or the control thread while the worker stands between rounds; so is
//   the release function called.
#include "nodeos_api/hand_over.h"
#include "nodeos_api/packet_hold.h"
#include "partner/pool.h"

namespace weft {

namespace {

constexpr size_t kMaxLength = 65535;

// What stands for the caller's memory until the last packet that windows it lets go.  It
// has no handle: the packets are what names it.
struct Attached : Foreign {
  an_ReleaseFunc function;
  void* arg;
  bool implicit;
  CodeShare code;
};

// Whose bytes, and whose memory this lies in, may be the code's: it goes last.
void let_go_of(Foreign* foreign) {
  auto* attached = static_cast<Attached*>(foreign);
  const an_ReleaseFunc function = attached->function;
  void* const arg = attached->arg;
  const CodeShare code = std::move(attached->code);
  if (attached->implicit) {
    delete attached;
  } else {
    attached->~Attached();
  }
  function(arg);
}

struct Attachment {
  void* mem;  // null: the node's
  uint8_t* bytes;
  uint32_t length;
  bool writable;
  an_ReleaseFunc release;
  void* arg;
  const CodeShare& code;
};

// Empty when the pool is.
PacketPtr window(Pool& pool, const Attachment& a) {
  auto* attached = a.mem != nullptr ? new (a.mem) Attached : new Attached;
  attached->release = let_go_of;
  attached->writable = a.writable;
  attached->function = a.release;
  attached->arg = a.arg;
  attached->implicit = a.mem == nullptr;
  attached->code = a.code;
  PacketPtr p = pool.attach(*attached, a.bytes, a.length);
  if (!p) attached->implicit ? delete attached : attached->~Attached();
  return p;
}

// For a node that cannot see the memory: the bytes are done with at once.
PacketPtr copy(Pool& pool, const Attachment& a) {
  PacketPtr p = pool.copy({a.bytes, a.length});
  if (p) a.release(a.arg);
  return p;
}

}  // namespace

const size_t kAttachedSize = sizeof(Attached);

}  // namespace weft

using namespace weft;

extern "C" an_Packet an_packetAttach(void* mem, an_Domain d, void* bytes, size_t length, int writable,
                                     an_ReleaseFunc release, void* arg) {
  if (on_own_thread()) {
    return handed_over([&] { return an_packetAttach(mem, d, bytes, length, writable, release, arg); });
  }
  Domain* domain = find_open(d);
  if (domain == nullptr) return nullptr;
  if (bytes == nullptr || length == 0 || length > kMaxLength || release == nullptr) {
    fail(AN_EINVAL, "memory of 1 to 65535 bytes, and a function that takes it back, are wanted");
    return nullptr;
  }
  if (reinterpret_cast<uintptr_t>(mem) % alignof(std::max_align_t) != 0) {
    fail(AN_EINVAL, kMisaligned);
    return nullptr;
  }
  const Attachment attachment{mem, static_cast<uint8_t*>(bytes), uint32_t(length), writable != 0, release,
                              arg, code_of_caller(*domain)};
  return domain->node().carry([&]() -> an_Packet {
    if (!domain->has_room_for(1)) return nullptr;
    PacketPtr p = domain->node().windows_memory() ? window(domain->node().pool(), attachment)
                                                  : copy(domain->node().pool(), attachment);
    if (p) return taken_by(*domain, std::move(p));
    fail(AN_ENOMEM, "the packet pool is empty");
    return nullptr;
  });
}
