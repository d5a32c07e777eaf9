// SPDX-License-Identifier: Apache-2.0
#include "tests/path/packet_text.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>

#include "base/bytes.h"

namespace weft::test {

namespace {

using Bytes = std::vector<uint8_t>;

struct Failure {
  std::string sentence;
};

// One layer: its words, split at blanks.
struct Layer {
  std::vector<std::string> words;
};

std::vector<Layer> split(std::string_view text) {
  std::vector<Layer> layers(1);
  std::string word;
  bool quoted = false;
  const auto end_word = [&] {
    if (!word.empty()) layers.back().words.push_back(std::exchange(word, {}));
  };
  for (char c : text) {
    if (c == '"') {
      quoted = !quoted;
      word += c;
    } else if (quoted) {
      word += c;
    } else if (c == ' ' || c == '\t') {
      end_word();
    } else if (c == '/') {
      end_word();
      layers.emplace_back();
    } else {
      word += c;
    }
  }
  end_word();
  return layers;
}

uint64_t number(const std::string& word) {
  uint64_t n = 0;
  const bool hex = word.starts_with("0x");
  const char* first = word.data() + (hex ? 2 : 0);
  const char* last = word.data() + word.size();
  const auto [end, error] = std::from_chars(first, last, n, hex ? 16 : 10);
  if (error != std::errc{} || end != last) throw Failure{"'" + word + "' is not a number"};
  return n;
}

Bytes hex(const std::string& word) {
  Bytes bytes;
  for (size_t i = 0; i < word.size();) {
    if (word[i] == ':') {
      ++i;
      continue;
    }
    uint8_t b = 0;
    const auto [end, error] =
        std::from_chars(word.data() + i, word.data() + std::min(i + 2, word.size()), b, 16);
    if (error != std::errc{}) throw Failure{"'" + word + "' is not hex"};
    bytes.push_back(b);
    i = size_t(end - word.data());
  }
  return bytes;
}

Bytes mac(const std::string& word) {
  Bytes bytes = hex(word);
  if (bytes.size() != 6) throw Failure{"'" + word + "' is not a MAC address"};
  return bytes;
}

Bytes address(int family, const std::string& word) {
  Bytes bytes(family == AF_INET ? 4 : 16);
  if (::inet_pton(family, word.c_str(), bytes.data()) != 1) throw Failure{"'" + word + "' is not an address"};
  return bytes;
}

uint16_t ones_complement(const Bytes& bytes, uint32_t sum = 0) {
  for (size_t i = 0; i < bytes.size(); ++i) sum += i % 2 == 0 ? uint32_t{bytes[i]} << 8 : bytes[i];
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return uint16_t(~sum);
}

// Reads "name value" options behind the fixed words of a layer.
class Options {
 public:
  Options(const Layer& layer, size_t from) {
    for (size_t i = from; i < layer.words.size(); ++i) {
      const std::string& name = layer.words[i];
      if (name == "df" || name == "mf") {
        values_[name] = "1";
      } else if (i + 1 < layer.words.size()) {
        values_[name] = layer.words[++i];
      } else {
        throw Failure{"'" + name + "' wants a value"};
      }
    }
  }
  // Everything that was written has been read.
  void finish() const {
    if (!values_.empty()) throw Failure{"'" + values_.begin()->first + "' means nothing here"};
  }
  std::optional<uint64_t> number(const std::string& name) {
    auto text = take(name);
    return text ? std::optional(test::number(*text)) : std::nullopt;
  }
  uint64_t number(const std::string& name, uint64_t otherwise) { return number(name).value_or(otherwise); }
  Bytes bytes(const std::string& name) {
    auto text = take(name);
    return text ? hex(*text) : Bytes{};
  }
  bool flag(const std::string& name) { return take(name).has_value(); }

 private:
  std::optional<std::string> take(const std::string& name) {
    auto it = values_.find(name);
    if (it == values_.end()) return std::nullopt;
    std::string text = it->second;
    values_.erase(it);
    return text;
  }
  std::map<std::string, std::string> values_;
};

void need(const Layer& layer, size_t words) {
  if (layer.words.size() < words) throw Failure{"'" + layer.words[0] + "' wants more words"};
}

// What the layer above wants of the one below it.
struct Wants {
  uint64_t ether_type = 0;
  uint64_t protocol = 59;  // no next header
  int checksum_at = -1;    // offset of a checksum over the pseudo-header; -1: none
};

void append(Bytes& to, const Bytes& more) { to.insert(to.end(), more.begin(), more.end()); }
void append16(Bytes& to, uint64_t v) {
  to.push_back(uint8_t(v >> 8));
  to.push_back(uint8_t(v));
}
void append32(Bytes& to, uint64_t v) {
  append16(to, v >> 16);
  append16(to, v);
}

void fill_transport_checksum(const Bytes& source, const Bytes& destination, const Wants& wants,
                             Bytes& payload) {
  if (wants.checksum_at < 0) return;
  Bytes pseudo = source;
  append(pseudo, destination);
  append32(pseudo, payload.size());
  append32(pseudo, wants.protocol);
  append(pseudo, payload);
  uint16_t sum = ones_complement(pseudo);
  if (sum == 0 && wants.protocol == 17) sum = 0xffff;
  store_be16(payload.data() + wants.checksum_at, sum);
}

Bytes ip4(const Layer& layer, Wants& wants, Bytes payload) {
  need(layer, 4);
  const Bytes source = address(AF_INET, layer.words[1]);
  const Bytes destination = address(AF_INET, layer.words[3]);
  Options o(layer, 4);
  fill_transport_checksum(source, destination, wants, payload);
  const Bytes options = o.bytes("options");
  const uint64_t header = 20 + options.size();
  Bytes h;
  h.push_back(uint8_t(o.number("version", 4) << 4 | o.number("ihl", header / 4)));
  h.push_back(uint8_t(o.number("tos", 0)));
  append16(h, o.number("length", header + payload.size()));
  append16(h, o.number("id", 0));
  append16(h, uint64_t(o.flag("df")) << 14 | uint64_t(o.flag("mf")) << 13 | o.number("offset", 0) / 8);
  h.push_back(uint8_t(o.number("ttl", 64)));
  h.push_back(uint8_t(o.number("proto", wants.protocol)));
  append16(h, 0);
  append(h, source);
  append(h, destination);
  append(h, options);
  store_be16(h.data() + 10, uint16_t(o.number("checksum", ones_complement(h))));
  append(h, payload);
  o.finish();
  wants = {.ether_type = 0x0800, .protocol = 4};
  return h;
}

Bytes ip6(const Layer& layer, Wants& wants, Bytes payload) {
  need(layer, 4);
  const Bytes source = address(AF_INET6, layer.words[1]);
  const Bytes destination = address(AF_INET6, layer.words[3]);
  Options o(layer, 4);
  fill_transport_checksum(source, destination, wants, payload);
  Bytes h;
  append32(h, o.number("version", 6) << 28 | o.number("class", 0) << 20 | o.number("flow", 0));
  append16(h, o.number("length", payload.size()));
  h.push_back(uint8_t(o.number("next", wants.protocol)));
  h.push_back(uint8_t(o.number("hop", 64)));
  append(h, source);
  append(h, destination);
  append(h, payload);
  o.finish();
  wants = {.ether_type = 0x86dd, .protocol = 41};
  return h;
}

Bytes udp(const Layer& layer, Wants& wants, const Bytes& payload) {
  need(layer, 4);
  Options o(layer, 4);
  Bytes h;
  append16(h, number(layer.words[1]));
  append16(h, number(layer.words[3]));
  append16(h, o.number("length", 8 + payload.size()));
  const auto checksum = o.number("checksum");
  append16(h, checksum.value_or(0));
  append(h, payload);
  o.finish();
  wants = {.protocol = 17, .checksum_at = checksum ? -1 : 6};
  return h;
}

Bytes tcp(const Layer& layer, Wants& wants, const Bytes& payload) {
  need(layer, 4);
  Options o(layer, 4);
  Bytes h;
  append16(h, number(layer.words[1]));
  append16(h, number(layer.words[3]));
  append32(h, o.number("seq", 0));
  append32(h, o.number("ack", 0));
  append16(h, 5u << 12 | o.number("flags", 0x10));
  append16(h, o.number("window", 1000));
  const auto checksum = o.number("checksum");
  append16(h, checksum.value_or(0));
  append16(h, 0);
  append(h, payload);
  o.finish();
  wants = {.protocol = 6, .checksum_at = checksum ? -1 : 16};
  return h;
}

Bytes icmp(const Layer& layer, Wants& wants, const Bytes& payload, bool version6) {
  need(layer, 3);
  Options o(layer, 3);
  Bytes rest = o.bytes("rest");
  Bytes h(8);
  h[0] = uint8_t(number(layer.words[1]));
  h[1] = uint8_t(number(layer.words[2]));
  std::copy_n(rest.begin(), std::min<size_t>(rest.size(), 4), h.begin() + 4);
  append(h, payload);
  const auto checksum = o.number("checksum");
  if (checksum || !version6) store_be16(h.data() + 2, uint16_t(checksum.value_or(ones_complement(h))));
  o.finish();
  wants = {.protocol = version6 ? 58u : 1u, .checksum_at = version6 && !checksum ? 2 : -1};
  return h;
}

Bytes neighbour_discovery(const Layer& layer, const Bytes& payload) {
  need(layer, 2);
  Options o(layer, 2);
  Bytes bytes = address(AF_INET6, layer.words[1]);
  for (const auto& [name, type] : {std::pair("source", 1), std::pair("target", 2)}) {
    const Bytes there = o.bytes(name);
    if (there.empty()) continue;
    append16(bytes, uint64_t(type) << 8 | 1);
    append(bytes, there);
  }
  append(bytes, payload);
  o.finish();
  return bytes;
}

Bytes arp(const Layer& layer, Wants& wants) {
  need(layer, 7);
  Bytes h;
  append16(h, 1);
  append16(h, 0x0800);
  append16(h, 0x0604);
  append16(h, layer.words[1] == "request" ? 1 : 2);
  append(h, mac(layer.words[2]));
  append(h, address(AF_INET, layer.words[3]));
  append(h, mac(layer.words[5]));
  append(h, address(AF_INET, layer.words[6]));
  wants = {.ether_type = 0x0806};
  return h;
}

Bytes eth(const Layer& layer, Wants& wants, const Bytes& payload) {
  need(layer, 4);
  Options o(layer, 4);
  Bytes h = mac(layer.words[3]);
  append(h, mac(layer.words[1]));
  append16(h, o.number("type", wants.ether_type));
  append(h, payload);
  o.finish();
  return h;
}

Bytes data(const Layer& layer, const Bytes& payload) {
  Bytes bytes;
  const std::string& word = layer.words[0];
  if (word.starts_with('"')) {
    bytes.assign(word.begin() + 1, word.end() - 1);
  } else if (word == "zeros") {
    need(layer, 2);
    bytes.resize(number(layer.words[1]));
  } else {
    for (size_t i = 1; i < layer.words.size(); ++i) append(bytes, hex(layer.words[i]));
  }
  append(bytes, payload);
  return bytes;
}

Bytes build(const Layer& layer, Wants& wants, Bytes payload) {
  if (layer.words.empty()) throw Failure{"a layer is empty"};
  const std::string& kind = layer.words[0];
  if (kind == "eth") return eth(layer, wants, payload);
  if (kind == "arp") return arp(layer, wants);
  if (kind == "ip") return ip4(layer, wants, std::move(payload));
  if (kind == "ip6") return ip6(layer, wants, std::move(payload));
  if (kind == "udp") return udp(layer, wants, payload);
  if (kind == "tcp") return tcp(layer, wants, payload);
  if (kind == "nd") return neighbour_discovery(layer, payload);
  if (kind == "icmp" || kind == "icmp6") return icmp(layer, wants, payload, kind == "icmp6");
  if (kind == "hex" || kind == "zeros" || kind.starts_with('"')) return data(layer, payload);
  throw Failure{"no layer '" + kind + "'"};
}

}  // namespace

Result<std::vector<uint8_t>> packet_from_text(std::string_view text) {
  try {
    const std::vector<Layer> layers = split(text);
    Wants wants;
    Bytes bytes;
    for (size_t i = layers.size(); i-- > 0;) bytes = build(layers[i], wants, std::move(bytes));
    return bytes;
  } catch (const Failure& failure) {
    return Error{Code::kInvalid, failure.sentence};
  }
}

std::string hex_dump(const std::vector<uint8_t>& bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i > 0) text += i % 16 == 0 ? '\n' : ' ';
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 15];
  }
  return text;
}

}  // namespace weft::test
