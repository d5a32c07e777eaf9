// SPDX-License-Identifier: Apache-2.0
// Calls on the connection, domains and the node.
#include "nodeos_api/snow/calls.h"

namespace weft::snow {

int serve_Hello(Exchange& x, const Hello& hello, Welcome& welcome) {
  if (hello.magic != kMagic) return fail(AN_EINVAL, "the first message is no greeting of Snow");
  if (hello.version != kVersion) {
    return fail(AN_ENOSYS, "this node speaks version " + std::to_string(kVersion) +
                               " of Snow, and the EE's library " + std::to_string(hello.version));
  }
  return x.session.begin(&welcome);
}

int serve_DomainCreate(Exchange& x, const DomainCreate& r, Created& made) {
  an_Domain parent = x.session.real<DomainKind>(r.parent);
  if (parent == nullptr || !x.session.has_room()) return an_errno();
  an_Cred cred = nullptr;
  if (r.cred != 0 && (cred = x.session.real<CredKind>(r.cred)) == nullptr) return an_errno();
  an_Domain domain = x.session.make_domain(parent, r.tag, cred);
  if (domain == nullptr) return an_errno();
  made.handle = x.session.handles().give<DomainKind>(domain);
  return AN_OK;
}

int serve_DomainDestroy(Exchange& x, const One& r, Nothing&) {
  an_Domain domain = x.session.real<DomainKind>(r.handle);
  if (domain == nullptr) return an_errno();
  if (domain == x.session.top()) return fail(AN_EPERM, "the root domain ends with its node");
  return an_domainDestroy(domain);
}

int serve_DomainSuspend(Exchange& x, const One& r, Nothing&) {
  an_Domain domain = x.session.real<DomainKind>(r.handle);
  if (domain == nullptr) return an_errno();
  if (domain == x.session.top()) return fail(AN_EPERM, "the root domain runs as long as its node");
  return an_domainSuspend(domain);
}

int serve_DomainResume(Exchange& x, const One& r, Nothing&) {
  return with<DomainKind>(x, r.handle, an_domainResume);
}

int serve_DomainGetStats(Exchange& x, const One& r, an_DomainStats& stats) {
  stats.size = sizeof stats;
  return with<DomainKind>(x, r.handle, [&](an_Domain domain) { return an_domainGetStats(domain, &stats); });
}

int serve_Log(Exchange& x, const Log& r, Nothing&) {
  an_Domain domain = x.session.real<DomainKind>(r.domain);
  OptionalText text;
  if (domain == nullptr || !x.read(r.text, &text)) return an_errno();
  return an_log(domain, an_LogLevel(r.level), text.c_str());
}

int serve_PortName(Exchange& x, const PortName& r, PortNamed& named) {
  const Geni& geni = x.session.node().geni();
  if (r.port >= geni.port_count()) return fail(AN_ENOENT, "there is no such port");
  geni.port(uint16_t(r.port)).name.copy(named.name, sizeof named.name - 1);
  return AN_OK;
}

}  // namespace weft::snow
