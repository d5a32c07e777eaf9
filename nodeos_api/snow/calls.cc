// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/snow/calls.h"

#include <array>

namespace weft::snow {

namespace {

template <typename Request, typename Reply, int (*kServe)(Exchange&, const Request&, Reply&)>
int answer(Session& session, std::span<const uint8_t> body, std::vector<uint8_t>* out) {
  Request request;
  std::memcpy(&request, body.data(), sizeof request);
  Exchange exchange{session, body.subspan(sizeof request), {}};
  Reply reply{};
  const int status = kServe(exchange, request, reply);
  if (status != AN_OK) return status;
  const auto* bytes = reinterpret_cast<const uint8_t*>(&reply);
  out->assign(bytes, bytes + sizeof reply);
  out->insert(out->end(), exchange.answer.begin(), exchange.answer.end());
  return AN_OK;
}

constexpr size_t kCalls = 256;

constexpr std::array<Service, kCalls> make_services() {
  std::array<Service, kCalls> all{};
#define X(number, name, Request, Reply) all[number] = {sizeof(Request), answer<Request, Reply, serve_##name>};
  WEFT_SNOW_CALLS(X)
#undef X
  return all;
}

constexpr auto kServices = make_services();

}  // namespace

const Service* find_service(uint16_t call) {
  return call < kCalls && kServices[call].serve != nullptr ? &kServices[call] : nullptr;
}

bool Exchange::read(Text where, std::span<const uint8_t>* bytes) const {
  if (where.offset == Text::kNull) return true;
  if (where.offset > texts.size() || where.length > texts.size() - where.offset) {
    fail(AN_EINVAL, "a text of the message lies outside of it");
    return false;
  }
  *bytes = texts.subspan(where.offset, where.length);
  return true;
}

bool Exchange::read(Text where, OptionalText* text) const {
  std::span<const uint8_t> bytes;
  if (!read(where, &bytes)) return false;
  if (where.offset != Text::kNull) *text = OptionalText(std::string(bytes.begin(), bytes.end()));
  return true;
}

}  // namespace weft::snow
