// SPDX-License-Identifier: Apache-2.0
#include "config/read_principals.h"

#include <algorithm>

namespace weft {

namespace {

constexpr int64_t kMaxUid = 4294967294;  // (uid_t)-1 is none
constexpr uint64_t kMaxMemory = uint64_t{1} << 40;
constexpr int64_t kMaxBandwidth = 1'000'000'000'000;
constexpr int64_t kMaxObjects = 1 << 20;  // handles of a node
constexpr int64_t kMaxCpu = 100 * 1024;   // percent: 1024 CPUs
constexpr size_t kMaxName = 63;           // what an_CredInfo holds

// Who it is.
void read_identity(TableReader& table, PrincipalConfig& p) {
  if (table.has("uid")) {
    uint64_t uid = 0;
    table.number("uid", 0, kMaxUid, uid);
    p.uid = uint32_t(uid);
  }
  p.certificate = table.text("certificate");
  p.issuer = table.text("issuer");
  p.subject = table.text("subject");
  for (const char* key : {"issuer", "subject"}) {
    const bool alone = table.has(key) && p.issuer.has_value() != p.subject.has_value();
    if (alone) table.refuse(key, "'issuer' and 'subject' go together");
  }
}

// What it may have.
void read_limits(TableReader& table, PrincipalConfig& p) {
  table.size("memory", 0, kMaxMemory, p.memory);
  table.number("bandwidth", 0, kMaxBandwidth, p.bandwidth);
  table.number("domains", 0, kMaxObjects, p.domains);
  table.number("channels", 0, kMaxObjects, p.channels);
  table.number("threads", 0, kMaxObjects, p.threads);
  table.number("priority", 0, 7, p.priority);
  table.number("cpu", 0, kMaxCpu, p.cpu_percent);
}

}  // namespace

std::vector<PrincipalConfig> read_principals(TableReader& root, const NameCheck& check) {
  std::vector<PrincipalConfig> principals;
  for (auto& [name, table] : root.named_tables("principal")) {
    if (!is_name(name)) {
      table.errors().add(table.at(), not_a_name(name));
    } else if (name.size() > kMaxName) {
      table.errors().add(table.at(), "the name of a principal has at most 63 bytes");
    }
    PrincipalConfig p{.name = name, .at = table.at()};
    read_identity(table, p);
    read_limits(table, p);
    p.paths = table.texts("paths");
    for (const Text& path : p.paths) check.path(path);
    table.finish();
    principals.push_back(std::move(p));
  }
  return principals;
}

}  // namespace weft
