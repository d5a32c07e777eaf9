// SPDX-License-Identifier: Apache-2.0
#include "config/ip_text.h"

#include <arpa/inet.h>

#include <charconv>
#include <optional>

namespace weft {

namespace {

Error wrong(std::string_view text, std::string_view what) {
  return {Code::kInvalid, "'" + std::string(text) + "' is not " + std::string(what)};
}

std::optional<unsigned> parse_decimal(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

unsigned bits_of(const IpAddress& address) { return address.family == 4 ? 32 : 128; }

}  // namespace

IpAddress IpPrefix::network() const {
  IpAddress result = address;
  for (unsigned bit = length; bit < bits_of(address); ++bit) {
    result.bytes[bit / 8] &= uint8_t(~(0x80u >> (bit % 8)));
  }
  return result;
}

Result<IpAddress> parse_ip(std::string_view text) {
  const std::string copy(text);
  IpAddress address;
  if (copy.size() == text.size() && copy.find('\0') == std::string::npos) {
    if (inet_pton(AF_INET, copy.c_str(), address.bytes.data()) == 1) return address;
    address.family = 6;
    if (inet_pton(AF_INET6, copy.c_str(), address.bytes.data()) == 1) return address;
  }
  return wrong(text, "an IP address, as 10.0.0.1 or fd00::1");
}

Result<IpPrefix> parse_prefix(std::string_view text) {
  const size_t slash = text.find('/');
  auto address = parse_ip(text.substr(0, slash));
  if (!address) return wrong(text, "an IP prefix, as 10.0.0.0/24 or fd00::/64");
  const unsigned bits = bits_of(*address);
  if (slash == std::string_view::npos) return IpPrefix{*address, uint8_t(bits)};
  const auto length = parse_decimal(text.substr(slash + 1));
  if (!length || *length > bits) {
    return Error{Code::kInvalid, "'" + std::string(text) + "' has a wrong prefix length: 0 to " +
                                     std::to_string(bits) + " was expected behind '/'"};
  }
  return IpPrefix{*address, uint8_t(*length)};
}

Result<IpPrefix> parse_network(std::string_view text) {
  const auto prefix = parse_prefix(text);
  if (!prefix) return prefix;
  const IpPrefix network{prefix->network(), prefix->length};
  if (*prefix == network) return network;
  return Error{Code::kInvalid, "'" + std::string(text) + "' has bits behind its prefix; " + to_text(network) +
                                   " was expected"};
}

Result<Endpoint> parse_endpoint(std::string_view text) {
  const auto refuse = [&] {
    return wrong(text, "an address with a UDP port, as 127.0.0.1:4000 or [::1]:4000");
  };
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return refuse();
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  auto address = parse_ip(host);
  if (!address || bracketed != (address->family == 6)) return refuse();
  const auto port = parse_decimal(text.substr(colon + 1));
  if (!port || *port == 0 || *port > 65535) {
    return Error{Code::kInvalid,
                 "'" + std::string(text) + "' has a wrong port: 1 to 65535 was expected behind the last ':'"};
  }
  return Endpoint{*address, uint16_t(*port)};
}

std::string to_text(const IpAddress& address) {
  char buffer[INET6_ADDRSTRLEN];
  return inet_ntop(address.family == 4 ? AF_INET : AF_INET6, address.bytes.data(), buffer, sizeof buffer);
}

std::string to_text(const IpPrefix& prefix) {
  return to_text(prefix.address) + "/" + std::to_string(prefix.length);
}

std::string to_text(const Endpoint& endpoint) {
  const std::string host = to_text(endpoint.address);
  return (endpoint.address.family == 4 ? host : "[" + host + "]") + ":" + std::to_string(endpoint.port);
}

}  // namespace weft
