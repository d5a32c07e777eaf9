// SPDX-License-Identifier: Apache-2.0
// The kinds of objects: what an.h calls them, and what is said of a handle that is none.
//
// Each is the base of the classes that stand for it, in the node and behind Snow.
//
// Threads: no state.
#pragma once

#include "nodeos_api/an.h"

namespace weft {

struct DomainKind {
  using Handle = an_Domain;
  static constexpr an_Kind kKind = AN_DOMAIN;
  static constexpr const char* kDead = "the domain has ended";
  static constexpr const char* kNever = "not a domain";
};

struct DemuxKeyKind {
  using Handle = an_DemuxKey;
  static constexpr an_Kind kKind = AN_DEMUXKEY;
  static constexpr const char* kDead = "the demux key was destroyed";
  static constexpr const char* kNever = "not a demux key";
};

struct InChanKind {
  using Handle = an_InChan;
  static constexpr an_Kind kKind = AN_INCHAN;
  static constexpr const char* kDead = "the incoming channel was destroyed";
  static constexpr const char* kNever = "not an incoming channel";
};

struct OutChanKind {
  using Handle = an_OutChan;
  static constexpr an_Kind kKind = AN_OUTCHAN;
  static constexpr const char* kDead = "the outgoing channel was destroyed";
  static constexpr const char* kNever = "not an outgoing channel";
};

struct CutChanKind {
  using Handle = an_CutChan;
  static constexpr an_Kind kKind = AN_CUTCHAN;
  static constexpr const char* kDead = "the cut-through channel was destroyed";
  static constexpr const char* kNever = "not a cut-through channel";
};

struct SendAddrKind {
  using Handle = an_SendAddr;
  static constexpr an_Kind kKind = AN_SENDADDR;
  static constexpr const char* kDead = "the address to send to was destroyed, or its channel";
  static constexpr const char* kNever = "not an address to send to";
};

struct CredKind {
  using Handle = an_Cred;
  static constexpr an_Kind kKind = AN_CRED;
  static constexpr const char* kDead = "the credential was destroyed";
  static constexpr const char* kNever = "not a credential";
};

struct EventKind {
  using Handle = an_Event;
  static constexpr an_Kind kKind = AN_EVENT;
  static constexpr const char* kDead = "the event has happened or was cancelled";
  static constexpr const char* kNever = "not an event";
};

struct FileKind {
  using Handle = an_File;
  static constexpr an_Kind kKind = AN_FILE;
  static constexpr const char* kDead = "the file was closed";
  static constexpr const char* kNever = "not a file";
};

struct DirKind {
  using Handle = an_Dir;
  static constexpr an_Kind kKind = AN_DIR;
  static constexpr const char* kDead = "the directory was closed";
  static constexpr const char* kNever = "not a directory";
};

}  // namespace weft
