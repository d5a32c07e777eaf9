// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/principals.h"

#include <algorithm>

namespace weft {

namespace {

bool same_identity(const Principal& a, const Principal& b) {
  return (a.uid && a.uid == b.uid) ||
         (a.certificate && b.certificate && a.certificate->same_as(*b.certificate)) ||
         (a.issuer && b.issuer && a.issuer->same_as(*b.issuer) && a.subject == b.subject);
}

}  // namespace

Result<void> Principals::add(Principal p, const Geni& geni, uint64_t now_ns, size_t* wrong_path) {
  for (const auto& known : known_) {
    if (known->principal.name == p.name)
      return Error{Code::kExists, "there is a principal '" + p.name + "' already"};
    if (same_identity(known->principal, p)) {
      return Error{Code::kExists, "principals '" + known->principal.name + "' and '" + p.name +
                                      "' could not be told apart: they show the same"};
    }
  }
  for (PathGrant& grant : p.paths) {
    auto resolved = geni.resolve(grant.text());
    if (!resolved) {
      if (wrong_path != nullptr) *wrong_path = size_t(&grant - p.paths.data());
      return resolved.error();
    }
    grant.resolve_as(*std::move(resolved));
  }
  known_.push_back(std::make_unique<Known>(std::move(p), now_ns));
  return {};
}

Principals::Known* Principals::named(std::string_view name) const {
  const auto known = std::ranges::find_if(known_, [&](const auto& k) { return k->principal.name == name; });
  return known != known_.end() ? known->get() : nullptr;
}

Result<Principals::Known*> Principals::of_user(uid_t uid) const {
  for (const auto& known : known_) {
    if (known->principal.uid == uid) return known.get();
  }
  return Error{Code::kPermission, "user " + std::to_string(uid) + " is no principal of this node"};
}

Result<Principals::Known*> Principals::of_certificate(const Certificate& certificate, const Nonce& nonce,
                                                      std::string_view signature, std::time_t now) const {
  if (auto valid = certificate.check_valid(now); !valid) return valid.error();
  if (auto its = certificate.check_signature(certificate.challenge(node_, nonce), signature); !its)
    return its.error();
  const std::string subject = certificate.subject();
  std::string why = "'" + subject + "' is no principal of this node";
  for (const auto& known : known_) {
    const Principal& p = known->principal;
    if (p.certificate && p.certificate->same_as(certificate)) return known.get();
    if (!p.issuer || p.subject != subject) continue;
    auto issued = certificate.check_issued_by(*p.issuer, now);
    if (issued) return known.get();
    why = issued.error().sentence;
  }
  return Error{Code::kPermission, why};
}

Result<void> Principals::check_path(const Quota& quota, std::string_view text, const Geni& geni) const {
  auto path = geni.resolve(text);
  if (!path) return path.error();
  const auto known = std::ranges::find_if(known_, [&](const auto& k) { return &k->quota == &quota; });
  if (known == known_.end()) return Error{Code::kPermission, "the principal is not of this node"};
  const Principal& p = (*known)->principal;
  std::string may;
  for (const PathGrant& grant : p.paths) {
    if (grant.permits(*path)) return {};
    may += (may.empty() ? "; it may open " : ", ") + grant.text();
  }
  return Error{Code::kPermission,
               "principal '" + p.name + "' may not open '" + std::string(text) + "'" + may};
}

}  // namespace weft
