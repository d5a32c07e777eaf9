// SPDX-License-Identifier: Apache-2.0
#include "admin/protocol.h"

#include <array>

namespace weft::admin {

namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<int8_t, 256> kSextets = [] {
  std::array<int8_t, 256> table{};
  table.fill(-1);
  for (size_t i = 0; i < kAlphabet.size(); ++i) table[uint8_t(kAlphabet[i])] = int8_t(i);
  return table;
}();

Error invalid(std::string sentence) { return {Code::kInvalid, std::move(sentence)}; }

}  // namespace

std::string to_line(const Json& message) {
  return message.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json hello() { return {{"hello", "weftd"}, {"version", WEFT_VERSION}, {"v", {kOldest, kNewest}}}; }
Json ok(Json data) { return {{"v", kNewest}, {"ok", true}, {"data", std::move(data)}}; }
Json failed(std::string_view sentence) { return {{"v", kNewest}, {"ok", false}, {"error", sentence}}; }
Json end_of_stream(Json facts) {
  Json message{{"v", kNewest}, {"end", true}};
  message.update(facts);
  return message;
}

Result<Json> parse_request(std::string_view line) {
  Json request = Json::parse(line, nullptr, false);
  if (request.is_discarded()) return invalid("the request is not JSON");
  if (!request.is_object()) return invalid("the request is not a JSON object");
  const auto version = request.find("v");
  if (version == request.end() || !version->is_number_integer())
    return invalid("the request has no whole number 'v'");
  const auto v = version->get<int64_t>();
  if (v < kOldest || v > kNewest) {
    return Error{Code::kUnsupported,
                 "this weftd speaks version " + std::to_string(kNewest) + ", not " + std::to_string(v)};
  }
  if (auto verb = text_of(request, "do"); !verb) return verb.error();
  return request;
}

Result<std::string> text_of(const Json& request, const char* key) {
  const auto found = request.find(key);
  if (found == request.end()) return invalid("the request has no '" + std::string(key) + "'");
  if (!found->is_string()) return invalid("'" + std::string(key) + "' is not a string");
  return found->get<std::string>();
}

Result<uint64_t> number_of(const Json& request, const char* key, uint64_t otherwise, uint64_t highest) {
  const auto found = request.find(key);
  if (found == request.end()) return otherwise;
  if (!found->is_number_unsigned() || found->get<uint64_t>() > highest) {
    return invalid("'" + std::string(key) + "' is not a whole number from 0 to " + std::to_string(highest));
  }
  return found->get<uint64_t>();
}

std::string to_base64(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t n = std::min<size_t>(3, bytes.size() - i);
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k) group = group << 8 | (k < n ? uint8_t(bytes[i + k]) : 0);
    for (size_t k = 0; k < 4; ++k) text += k <= n ? kAlphabet[group >> (18 - 6 * k) & 63] : '=';
  }
  return text;
}

Result<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return invalid("base64 of a wrong length");
  const size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
  std::string bytes;
  uint32_t group = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool pad = i >= text.size() - padding;
    const int8_t sextet = pad ? 0 : kSextets[uint8_t(text[i])];
    if (sextet < 0) return invalid("a character that base64 does not have");
    group = group << 6 | uint32_t(sextet);
    if (i % 4 != 3) continue;
    for (int shift : {16, 8, 0}) bytes += char(group >> shift);
    group = 0;
  }
  bytes.resize(bytes.size() - padding);
  return bytes;
}

}  // namespace weft::admin
