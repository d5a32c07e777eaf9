// SPDX-License-Identifier: Apache-2.0
#include "pan_ee/code_loader.h"

#include <cstring>

#include "pan_ee/pni.h"

namespace weft::pan {

namespace {

constexpr uint32_t kWindow = sizeof(pniEnvironment) + PNI_MAX_WINDOW;

// Calls an export that takes nothing; its value.
Result<uint64_t> run(vm::Instance& instance, const char* name) {
  const auto entry = instance.entry(name);
  if (!entry) return entry.error();
  Environment none;
  const vm::Outcome outcome = instance.call(*entry, {}, kLifeBudget, &none);
  if (outcome.fault == vm::Fault::kNone) return outcome.r0;
  return Error{Code::kInvalid, std::string("its ") + name + "() was stopped: " + vm::to_text(outcome.fault) +
                                   " at instruction " + std::to_string(instance.fault_pc())};
}

// Bytes of the body that it wants at hand.
Result<uint32_t> ask_for_window(vm::Instance& instance) {
  if (!instance.program().find_export("window")) return uint32_t{PNI_DEFAULT_WINDOW};
  const auto window = run(instance, "window");
  if (!window) return window.error();
  if (*window <= PNI_MAX_WINDOW) return uint32_t(*window);
  return Error{Code::kLimit, "its window() wants " + std::to_string(*window) +
                                 " bytes of the body at hand, at most " + std::to_string(PNI_MAX_WINDOW) +
                                 " can be"};
}

}  // namespace

Result<std::unique_ptr<CodeLoader>> CodeLoader::create(Engine wanted, const NodeAddress& here,
                                                       size_t code_bytes) {
  std::unique_ptr<CodeLoader> loader(new CodeLoader(here));
  loader->helpers_ = pni_helpers();
  auto packed = vm::ArenaSpace::create(kMaxObjects, vm::ArenaKind::kPacked);
  if (!packed) return packed.error();
  loader->packed_ = std::move(*packed);
  if (wanted == Engine::kInterpreter) return loader;
  if (auto cache = vm::CodeCache::create(code_bytes); cache) {
    loader->machine_code_ = std::move(*cache);
  } else {
    loader->engine_reason_ = cache.error().sentence;
  }
  return loader;
}

Result<std::unique_ptr<vm::Instance>> CodeLoader::instantiate(
    const std::shared_ptr<const vm::Program>& program, std::string& why_interpreted) {
  const uint64_t statics =
      vm::round_to_page(uint32_t(program->rodata().size())) + program->data().size() + program->bss_bytes();
  const bool packs = statics <= vm::kPackedBytes / 2;
  if (!packs && wide_ == nullptr) {
    auto wide = vm::ArenaSpace::create(kMaxWide);
    if (!wide) return wide.error();
    wide_ = std::move(*wide);
  }
  vm::ArenaSpace& space = packs ? *packed_ : *wide_;
  std::shared_ptr<const vm::MachineCode> code;
  if (machine_code_ != nullptr) {
    if (auto compiled = machine_code_->compile(program, space.kind()); compiled) {
      code = std::move(*compiled);
    } else if (compiled.error().code == Code::kLimit || compiled.error().code == Code::kUnsupported) {
      why_interpreted = compiled.error().sentence;
    } else {
      return compiled.error();
    }
  }
  return vm::Instance::create(space, program, std::move(code), {.window = kWindow});
}

Result<std::unique_ptr<LoadedCode>> CodeLoader::load(const CodeObject& object) {
  if (object.pni_version != PNI_VERSION) {
    return Error{Code::kInvalid, "it was made for version " + std::to_string(object.pni_version) +
                                     " of the PNI, this node has version " + std::to_string(PNI_VERSION)};
  }
  const auto image = vm::read_image(object.program);
  if (!image) return image.error();
  auto program = vm::Program::link(*image, {helpers_, {}});
  if (!program) return program.error();
  std::string why_interpreted;
  auto instance = instantiate(*program, why_interpreted);
  if (!instance) return instance.error();
  const auto accept = (*instance)->entry("accept");
  if (!accept) return Error{Code::kInvalid, "it exports no accept(), which evaluates capsules"};
  pniEnvironment environment{};
  std::memcpy(environment.local_address, here_.bytes.data(), sizeof environment.local_address);
  std::memcpy(accept->window, &environment, sizeof environment);

  const auto window = ask_for_window(**instance);
  if (!window) return window.error();
  if ((*program)->find_export("init")) {
    if (auto done = run(**instance, "init"); !done) return done.error();
  }
  return std::make_unique<LoadedCode>(object.name, object.symbolic_name, std::move(*instance), *accept,
                                      *window, std::move(why_interpreted));
}

}  // namespace weft::pan
