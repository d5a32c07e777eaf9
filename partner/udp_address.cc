// SPDX-License-Identifier: Apache-2.0
#include "partner/udp_address.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <net/if.h>
#include <netinet/in.h>

#include <charconv>

namespace weft {

namespace {

Error malformed(std::string_view text, std::string_view sentence) {
  return {Code::kInvalid, fmt::format("'{}': {}", text, sentence)};
}

// The number of an interface by name or number; 0 if there is none.
unsigned scope_of(const std::string& name) {
  unsigned n = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), n);
  if (error == std::errc() && end == name.data() + name.size()) return n;
  return ::if_nametoindex(name.c_str());
}

}  // namespace

Result<UdpAddress> parse_udp_address(std::string_view text) {
  constexpr std::string_view kForm = "ADDRESS:PORT or [ADDRESS]:PORT was expected";
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || text.find('\0') != std::string_view::npos) {
    return malformed(text, kForm);
  }
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc() || end != digits.data() + digits.size()) {
    return malformed(text, "the port must be a number from 0 to 65535");
  }

  UdpAddress address;
  if (!host.starts_with('[')) {
    auto* in = reinterpret_cast<sockaddr_in*>(&address.storage);
    if (::inet_pton(AF_INET, std::string(host).c_str(), &in->sin_addr) != 1) return malformed(text, kForm);
    in->sin_family = AF_INET;
    in->sin_port = htons(port);
    address.length = sizeof *in;
    return address;
  }
  if (!host.ends_with(']')) return malformed(text, kForm);
  host = host.substr(1, host.size() - 2);
  const size_t percent = host.find('%');
  auto* in6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
  if (::inet_pton(AF_INET6, std::string(host.substr(0, percent)).c_str(), &in6->sin6_addr) != 1) {
    return malformed(text, kForm);
  }
  if (percent != std::string_view::npos) {
    in6->sin6_scope_id = scope_of(std::string(host.substr(percent + 1)));
    if (in6->sin6_scope_id == 0) return malformed(text, "there is no such interface");
  }
  in6->sin6_family = AF_INET6;
  in6->sin6_port = htons(port);
  address.length = sizeof *in6;
  return address;
}

std::string to_text(const UdpAddress& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.family() == AF_INET) {
    const auto* in = reinterpret_cast<const sockaddr_in*>(&address.storage);
    ::inet_ntop(AF_INET, &in->sin_addr, text, sizeof text);
    return fmt::format("{}:{}", text, ntohs(in->sin_port));
  }
  const auto* in6 = reinterpret_cast<const sockaddr_in6*>(&address.storage);
  ::inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof text);
  const std::string scope = in6->sin6_scope_id != 0 ? fmt::format("%{}", in6->sin6_scope_id) : "";
  return fmt::format("[{}{}]:{}", text, scope, ntohs(in6->sin6_port));
}

uint16_t port_of(const UdpAddress& address) {
  return ntohs(address.family() == AF_INET
                   ? reinterpret_cast<const sockaddr_in*>(&address.storage)->sin_port
                   : reinterpret_cast<const sockaddr_in6*>(&address.storage)->sin6_port);
}

}  // namespace weft
