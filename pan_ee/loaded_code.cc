// SPDX-License-Identifier: Apache-2.0
#include "pan_ee/loaded_code.h"

#include "pan_ee/code_loader.h"

namespace weft::pan {

namespace {

constexpr unsigned kFaultBits = 8;

}  // namespace

LoadedCode::~LoadedCode() {
  const auto finalize = instance_->entry("finalize");
  if (!finalize) return;
  Environment none;
  instance_->call(*finalize, {}, kLifeBudget, &none);
}

void LoadedCode::stopped(Environment& env, vm::Fault why) {
  env.stop(why);
  failures_.add(1);
  last_failure_.set(uint64_t{instance_->fault_pc()} << kFaultBits | uint64_t(why));
}

uint64_t LoadedCode::memory() const {
  return instance_->arena().mapped_bytes() + (is_compiled() ? accept_.code->bytes().size() : 0);
}

std::string LoadedCode::last_failure() const {
  const uint64_t last = last_failure_.value();
  if (last == 0) return "";
  return std::string(vm::to_text(vm::Fault(last & ((1u << kFaultBits) - 1)))) + " at instruction " +
         std::to_string(last >> kFaultBits);
}

}  // namespace weft::pan
