// SPDX-License-Identifier: Apache-2.0
#include "tools/weftd/principals_config.h"

#include <cerrno>
#include <cstring>
#include <fstream>

namespace weft {

namespace {

Result<Certificate> read_certificate(const std::string& file) {
  errno = 0;
  std::ifstream in(file, std::ios::binary);
  std::string pem(Certificate::kMaxPem + 1, '\0');
  if (!in.read(pem.data(), std::streamsize(pem.size())) && !in.eof()) {
    return system_error(file, errno != 0 ? errno : EIO);
  }
  pem.resize(size_t(in.gcount()));
  auto certificate = Certificate::parse(pem);
  if (!certificate) return Error{certificate.error().code, file + ": " + certificate.error().sentence};
  return certificate;
}

// Whether it was there and good, or not there.
bool take(const std::optional<Text>& file, std::optional<Certificate>& into, ConfigErrors& errors) {
  if (!file) return true;
  auto certificate = read_certificate(file->value);
  if (certificate) {
    into = std::move(*certificate);
  } else {
    errors.add(file->at, certificate.error().sentence);
  }
  return bool(certificate);
}

// Opens what is granted, and closes it: the modules say what they do not read, which nobody could
// open.  What else a path needs, whoever opens it may add.
Result<void> try_grant(const PathGrant& grant, Geni& geni) {
  for (const std::string& example : grant.examples()) {
    auto opened = geni.open_path(example, nullptr, Opening{0}, {.receives = false});
    if (opened) {
      geni.close(*opened);
    } else if (opened.error().code == Code::kAddressSpec) {
      return opened.error();
    }
  }
  return {};
}

// False when something is wrong with it.
bool translate(const PrincipalConfig& c, Geni& geni, Principal& p, ConfigErrors& errors) {
  p.name = c.name;
  if (c.uid) p.uid = uid_t(*c.uid);
  if (c.subject) p.subject = c.subject->value;
  p.limits = {.memory = c.memory,
              .bandwidth = c.bandwidth,
              .domains = c.domains,
              .channels = c.channels,
              .threads = c.threads,
              .priority = c.priority,
              .cpu = c.cpu_percent};
  bool good = take(c.certificate, p.certificate, errors);
  good &= take(c.issuer, p.issuer, errors);
  for (const Text& path : c.paths) {
    auto grant = PathGrant::parse(path.value);
    const Result<void> opens = grant ? try_grant(*grant, geni) : grant.error();
    good &= bool(opens);
    if (opens) {
      p.paths.push_back(*std::move(grant));
    } else {
      errors.add(mistake_in_path(path, opens.error()));
    }
  }
  return good;
}

}  // namespace

void add_principals(const std::vector<PrincipalConfig>& config, Geni& geni, uint64_t now_ns,
                    Principals& principals, ConfigErrors& errors) {
  for (const PrincipalConfig& c : config) {
    Principal p;
    if (!translate(c, geni, p, errors)) continue;
    size_t wrong_path = SIZE_MAX;
    auto added = principals.add(std::move(p), geni, now_ns, &wrong_path);
    if (added) continue;
    if (wrong_path < c.paths.size()) {
      errors.add(mistake_in_path(c.paths[wrong_path], added.error()));
    } else {
      errors.add(c.at, added.error().sentence);
    }
  }
}

}  // namespace weft
