// SPDX-License-Identifier: Apache-2.0
#include "modules/icmp_stage.h"

#include "modules/attributes.h"
#include "modules/packet_edit.h"
#include "modules/pass.h"
#include "partner/packet_checksum.h"

namespace weft {

namespace {

constexpr std::string_view kAttributes[] = {"type"};

Result<std::optional<uint32_t>> type_of(const StageContext& context) {
  return number_attribute(context, "type", 0, 255);
}

}  // namespace

// --- IcmpStage ---------------------------------------------------------------

void IcmpStage::deliver(Dir dir, Pvec& v) {
  Pvec on, back;
  while (!v.empty()) {
    PacketPtr p = v.pop_front();
    if (dir == up_) {
      receive(std::move(p), on, back);
    } else {
      send(std::move(p), on);
    }
  }
  hand_on(dir, on);
  hand_on(up_ == Dir::kForward ? Dir::kBackward : Dir::kForward, back);
}

bool IcmpStage::gather_message(PacketPtr& p, uint32_t n) {
  if (p->length >= n) return true;
  const bool headers = (p->flags & Packet::kHeaders) != 0;
  const auto in_front = headers ? uint32_t(p->data - p->network_header()) : 0;
  p->push(in_front);
  if (!gather_front(node_.pool, p, in_front + n)) return false;
  p->pop(in_front);
  if (headers) p->flags |= Packet::kHeaders;
  return true;
}

bool IcmpStage::make_reply(uint8_t* message, uint8_t type) {
  const auto before = load<uint16_t>(message);
  message[0] = type;
  message[1] = 0;
  const uint16_t adjusted =
      adjust_checksum(load<uint16_t>(message + kChecksum), before, load<uint16_t>(message));
  store(message + kChecksum, adjusted);
  // By difference, a message of zeros cannot be told from one of ones (RFC 1624 section 3).
  return adjusted != 0;
}

// --- IcmpModuleBase ----------------------------------------------------------

std::span<const std::string_view> IcmpModuleBase::attributes() const { return kAttributes; }

Result<std::unique_ptr<Stage>> IcmpModuleBase::create(const StageContext& context) {
  if (context.below() != below()) {
    return context.chain_error(std::string(name()) + " stands on " + std::string(below()) + ", not on '" +
                               std::string(context.below()) + "'");
  }
  auto type = type_of(context);
  if (!type) return type.error();
  if (context.spec.cut() && context.near_side()) return std::unique_ptr<Stage>(std::make_unique<PassStage>());
  return make_stage(context, !*type);
}

Result<void> IcmpModuleBase::refine(const StageContext& context, DemuxKey& key) {
  auto type = type_of(context);
  if (!type) return type.error();
  if (*type) key.payload.push_back({.offset = 0, .value = {uint8_t(**type)}, .mask = {0xff}});
  return {};
}

}  // namespace weft
