// SPDX-License-Identifier: Apache-2.0
// Snow's wire: what an EE's library and the node say to each other over a SOCK_SEQPACKET socket.
//
// Each call of an.h that the node must answer is one message, and so is its reply:
//
//   | Header | the call's request | texts |        | Header | the call's reply, or a sentence |
//
// A request has at least the bytes that its struct has, and a reply too, so that either may
// grow at its end.  Numbers are in the machine's order: both sides are on it.  A message that
// is not as this file says ends the connection; a handle that is none is the call's to refuse.
//
// One line of WEFT_SNOW_CALLS is one call.  To add one: its structs here, a line, the function
// `serve_NAME` in calls_*.cc, and the an_ function of the library in client_*.cc.
// (docs/snow.md; Snow on Silk, section 4: the NodeOS wrappers.)
//
// Threads: plain values.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "nodeos_api/an.h"
#include "partner/shm_layout.h"

namespace weft::snow {

constexpr uint32_t kMagic = 0x574f4e53;  // "SNOW"
constexpr uint32_t kVersion = 1;
constexpr size_t kMaxMessage = 72 * 1024;                      // bytes
constexpr const char* kDefaultSocket = "/run/weft/snow.sock";  // where weftd listens
constexpr const char* kSocketVariable = "WEFT_SNOW_FD";        // a socket that was handed down

enum class Kind : uint16_t { kRequest = 1, kReply, kNews };

struct Header {
  uint32_t size;  // of the message, with this
  uint16_t call;  // Call, or News
  Kind kind;
  uint32_t sequence;  // of the request; its reply bears the same
  int32_t status;     // an_Status of a reply; 0 in all others
};
static_assert(sizeof(Header) == 16);

// A text, or other bytes, behind the struct that names it.
struct Text {
  static constexpr uint32_t kNull = UINT32_MAX;
  uint32_t offset = kNull;  // from the end of that struct
  uint32_t length = 0;
};

// --- requests and replies: each may grow at its end ----------------------------

struct Nothing {};
struct One {
  uint64_t handle;
};
struct Created {
  uint64_t handle;
};

// The first message.
struct Hello {
  uint32_t magic;
  uint32_t version;
};
// A principal's, as far as the library keeps them: what it refuses does not wait in the rings.
struct Bounds {
  char principal[64];  // empty: there is none
  uint64_t memory;     // bytes of packets that the EE's domains hold; 0, here and below: no bound
  uint64_t bandwidth;  // bits per second
  uint32_t threads;
  uint32_t reserved;
};
// With it come two descriptors: the memory, and the EE's end of its bell.
struct Welcome {
  uint32_t version;
  uint32_t packets_made;      // that the EE's own pool is to have
  uint32_t packets_received;  // that are to be lent
  uint32_t has_files;         // 1: its domains have files
  uint64_t root;              // the domain above the EE's
  ShmLayout layout;
  Bounds bounds;  // of the principal that the process's user is
};

struct DomainCreate {
  uint64_t parent;
  uint64_t tag;   // comes back when it ended
  uint64_t cred;  // 0: none
};

// The nonce is good for the next CredCreate of this session, and no other.  Behind it stands
// the node's name.
struct Challenge {
  std::array<unsigned char, 32> nonce;
};
struct CredCreate {
  uint32_t kind;  // an_CredKind
  uint32_t reserved;
  Text certificate, signature;
};
struct CredCreated {
  uint64_t handle;
  Bounds bounds;
};

struct AddTuple {
  uint64_t key;
  uint64_t offset;
  uint64_t length;
  Text value, mask;
};

struct AddAddresses {
  uint64_t key;
  Text source, destination;
  int32_t protocol;
  uint32_t reserved;
};
struct AddNumbers {
  uint64_t key;
  int32_t first;   // the source port, or the ANEP type
  int32_t second;  // the destination port
};

struct Net {
  uint64_t given;  // 0: NULL
  an_NetSpecData data;
};
struct ChanSpec {
  Text prot, addr;
  Net net;
};
struct ChanCreate {
  uint64_t domain;
  uint64_t key;  // 0: none
  ChanSpec spec;
};
struct ChanCreated {
  uint64_t handle;
  uint32_t opening;        // its use of the rings
  uint32_t queue_packets;  // that the EE fills
  uint64_t queue_bytes;
  uint32_t queue_displaces;  // 1: what does not fit displaces the oldest
  uint32_t reserved;
};
struct CutChanCreate {
  uint64_t domain;
  uint64_t key;
  ChanSpec in, out;
};

struct CutchanConnect {
  uint64_t in, out;
};
struct SendaddrCreate {
  uint64_t channel;
  Text address;
};
// What was made, and its use of the rings.
struct Crossing {
  uint64_t handle;
  uint32_t opening;
  uint32_t reserved;
};

struct Log {
  uint64_t domain;
  int32_t level;
  uint32_t reserved;
  Text text;
};
struct PortName {
  uint32_t port;
  uint32_t reserved;
};
struct PortNamed {
  char name[32];
};

struct OpenPath {
  uint64_t domain;
  Text path;
  int32_t flags;  // an_OpenFlag, of files
  uint32_t reserved;
};
struct DomainPath {
  uint64_t domain;
  Text path;
};
struct RenamePath {
  uint64_t domain;
  Text from, to;
};
struct ReadFile {
  uint64_t file;
  int64_t offset;   // of the calls that have one
  uint32_t length;  // the node reads AN_FILE_TRANSFER of it at most
  uint32_t reserved;
};
struct WriteFile {
  uint64_t file;
  int64_t offset;  // of the calls that have one
  Text bytes;
};
struct SeekFile {
  uint64_t file;
  int64_t offset;
  int32_t whence;  // an_Whence
  uint32_t reserved;
};
struct TruncateFile {
  uint64_t file;
  int64_t length;
};
struct Moved {
  int64_t bytes;  // that were moved, and stand behind it if they were read; or, of a seek, a place
};
struct FileState {  // an_FileStat
  int32_t type;
  uint32_t reserved;
  uint64_t length;
  uint64_t modified_ns;
};
struct ListedEntry {  // an_DirEntry
  int32_t type;
  char name[256];
};

// --- the calls -------------------------------------------------------------------

// number, name, request, reply.  A number is never used again for another call.
#define WEFT_SNOW_CALLS(X)                        \
  X(1, Hello, Hello, Welcome)                     \
  X(2, DomainCreate, DomainCreate, Created)       \
  X(3, DomainDestroy, One, Nothing)               \
  X(4, DomainGetStats, One, an_DomainStats)       \
  X(5, DemuxkeyCreate, One, Created)              \
  X(6, DemuxkeyDestroy, One, Nothing)             \
  X(7, DemuxkeyAddTuple, AddTuple, Nothing)       \
  X(8, InchanCreate, ChanCreate, ChanCreated)     \
  X(9, InchanDestroy, One, Nothing)               \
  X(10, InchanSuspend, One, Nothing)              \
  X(11, InchanResume, One, Nothing)               \
  X(12, InchanGetStats, One, an_ChanStats)        \
  X(13, OutchanCreate, ChanCreate, ChanCreated)   \
  X(14, OutchanDestroy, One, Nothing)             \
  X(15, OutchanGetStats, One, an_ChanStats)       \
  X(16, CutchanCreate, CutChanCreate, Created)    \
  X(17, CutchanDestroy, One, Nothing)             \
  X(18, CutchanGetStats, One, an_ChanStats)       \
  X(19, Log, Log, Nothing)                        \
  X(20, PortName, PortName, PortNamed)            \
  X(21, DomainSuspend, One, Nothing)              \
  X(22, DomainResume, One, Nothing)               \
  X(23, DemuxkeyAddIPv4, AddAddresses, Nothing)   \
  X(24, DemuxkeyAddIPv6, AddAddresses, Nothing)   \
  X(25, DemuxkeyAddUDP, AddNumbers, Nothing)      \
  X(26, DemuxkeyAddTCP, AddNumbers, Nothing)      \
  X(27, DemuxkeyAddANEP, AddNumbers, Nothing)     \
  X(28, Open, OpenPath, Created)                  \
  X(29, Close, One, Nothing)                      \
  X(30, Read, ReadFile, Moved)                    \
  X(31, Write, WriteFile, Moved)                  \
  X(32, Pread, ReadFile, Moved)                   \
  X(33, Pwrite, WriteFile, Moved)                 \
  X(34, Lseek, SeekFile, Moved)                   \
  X(35, Ftruncate, TruncateFile, Nothing)         \
  X(36, Fsync, One, Nothing)                      \
  X(37, Fstat, One, FileState)                    \
  X(38, Stat, DomainPath, FileState)              \
  X(39, Mkdir, DomainPath, Nothing)               \
  X(40, Rmdir, DomainPath, Nothing)               \
  X(41, Unlink, DomainPath, Nothing)              \
  X(42, Rename, RenamePath, Nothing)              \
  X(43, Opendir, OpenPath, Created)               \
  X(44, Readdir, One, ListedEntry)                \
  X(45, Closedir, One, Nothing)                   \
  X(46, FilesGetStats, One, an_FilesStats)        \
  X(47, CutchanConnect, CutchanConnect, Created)  \
  X(48, SendaddrCreate, SendaddrCreate, Crossing) \
  X(49, SendaddrDestroy, One, Nothing)            \
  X(50, CredChallenge, Nothing, Challenge)        \
  X(51, CredCreate, CredCreate, CredCreated)      \
  X(52, CredDestroy, One, Nothing)                \
  X(53, CredCheck, One, an_CredInfo)

enum class Call : uint16_t {
#define X(number, name, request, reply) k##name = number,
  WEFT_SNOW_CALLS(X)
#undef X
};

// A reply has no gaps: what lay on the node's stack before is not the EE's to read.
template <typename T>
constexpr bool kHasNoGaps = std::is_empty_v<T> || std::has_unique_object_representations_v<T>;

// The structs of a call.
template <Call>
struct CallOf;
#define X(number, name, request, reply) \
  template <>                           \
  struct CallOf<Call::k##name> {        \
    using Request = request;            \
    using Reply = reply;                \
    static_assert(kHasNoGaps<Reply>);   \
  };
WEFT_SNOW_CALLS(X)
#undef X

// What the node says unasked.
enum class News : uint16_t { kDomainEnded = 1 };
struct DomainEnded {
  uint64_t tag;
  int32_t reason;  // an_TermReason
  uint32_t reserved;
};

}  // namespace weft::snow
