// SPDX-License-Identifier: Apache-2.0
#include "pan_ee/pni.h"

#include <algorithm>
#include <cstring>

#include "pan_ee/capsule.h"
#include "pan_ee/code/pni_abi.h"
#include "pan_ee/environment.h"
#include "pan_ee/loaded_code.h"
#include "vm/speculation.h"

namespace weft::pan {

bool Environment::read(uint64_t position, void* into, uint64_t n) const {
  const uint64_t mask =
      vm::mask_up_to(position, body_length_) & vm::mask_up_to(n, uint64_t{body_length_} - position);
  if (mask == 0) return false;
  if (n == 0) return true;
  position &= mask;
  n &= mask;
  // May lie over what the program wants it in.
  const uint64_t near = std::min(n, at_hand() - position) & vm::mask_up_to(position, at_hand());
  if (near != 0) std::memmove(into, code_->at_hand() + position, near);
  if (near == n) return true;
  return an_packetRead(capsule_, capsule::kHeader + position + near, n - near,
                       static_cast<uint8_t*>(into) + near) == AN_OK;
}

bool Environment::has_application() const { return code_ != nullptr && code_->application() != nullptr; }

namespace {

using vm::Call;
using vm::Fault;

// What a helper costs besides the bytes that it touches, in instructions.
constexpr uint64_t kReadUnits = 8, kTimeUnits = 64;
// To find a byte far inside costs more: a unit for so many bytes in front of it.
constexpr uint64_t kBytesSkipped = 64;
constexpr uint64_t kTimeResolution = 1000;  // ns; a finer clock would tell of others' secrets

Environment& environment(Call& call) { return *static_cast<Environment*>(call.environment()); }

uint64_t refuse(Call& call) {
  call.fail(Fault::kRefused);
  return 0;
}

bool read_body(Call& call, uint64_t position, void* into, uint64_t n) {
  if (!call.charge(kReadUnits + std::min<uint64_t>(position, capsule::kMaxLength) / kBytesSkipped))
    return false;
  if (environment(call).read(position, into, n)) return true;
  refuse(call);
  return false;
}

uint64_t read(Call& call, uint64_t position, vm::Out into) {
  read_body(call, position, into.data, into.size);
  return 0;
}

uint64_t read_number(Call& call, uint64_t position, uint64_t n) {
  uint64_t number = 0;
  if (n > sizeof number) return refuse(call);
  read_body(call, position, &number, n);
  return number;
}

// The whole capsule, which is all that there is to send by now.
bool is_whole(const Environment& env, uint64_t position, uint64_t length) {
  return position == 0 && length == env.body_length();
}

uint64_t send(Call& call, uint64_t address_0, uint64_t address_1, uint64_t position, uint64_t length) {
  Environment& env = environment(call);
  return is_whole(env, position, length) && env.send(address_0, address_1) ? 0 : refuse(call);
}

uint64_t deliver(Call& call, uint64_t link, uint64_t position, uint64_t length) {
  Environment& env = environment(call);
  return link == 0 && is_whole(env, position, length) && env.deliver() ? 0 : refuse(call);
}

uint64_t is_connected(Call& call, uint64_t link) {
  return link == 0 ? environment(call).has_application() : refuse(call);
}

uint64_t drop(Call& call, uint64_t reason) {
  if (reason > PNI_DROP_MALFORMED) return refuse(call);
  return environment(call).drop(reason == PNI_DROP_MALFORMED ? AN_DROP_MALFORMED : AN_DROP_DISCARD)
             ? 0
             : refuse(call);
}

uint64_t time(Call& call) {
  if (!call.charge(kTimeUnits)) return 0;
  return an_timeGet(AN_TIME_WALL) / kTimeResolution * kTimeResolution;
}

uint64_t time_resolution(Call&) { return std::max(kTimeResolution, an_timeGetRes(AN_TIME_WALL)); }

}  // namespace

std::shared_ptr<const vm::HelperTable> pni_helpers() {
  auto table = std::make_shared<vm::HelperTable>();
  const auto added = vm::add_memory_helpers(*table, 1);
  bool all = bool(added);
  for (const vm::Helper& helper :
       {vm::make_helper<read>(16, "pni_read"), vm::make_helper<read_number>(17, "pni_read_number"),
        vm::make_helper<send>(18, "pni_send"), vm::make_helper<deliver>(19, "pni_deliver"),
        vm::make_helper<is_connected>(20, "pni_is_connected"), vm::make_helper<drop>(21, "pni_drop"),
        vm::make_helper<time>(22, "pni_time"), vm::make_helper<time_resolution>(23, "pni_time_resolution"),
        vm::make_helper<refuse>(24, "pni_refuse")}) {
    all &= bool(table->add(helper));
  }
  return all ? table : nullptr;
}

}  // namespace weft::pan
