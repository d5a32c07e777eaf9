// SPDX-License-Identifier: Apache-2.0
#include "tools/weftd/ees.h"

#include <unistd.h>

#include <filesystem>

#include "isolation/descriptors.h"
#include "isolation/identity.h"
#include "mee/loaded.h"
#include "nodeos_api/credential.h"
#include "tools/weftd/ee_limits.h"

namespace weft {

namespace {

std::vector<std::string> words_of(const std::vector<Text>& texts) {
  std::vector<std::string> words;
  for (const Text& text : texts) words.push_back(text.value);
  return words;
}

// Where libweft-snow lies beside weftd, as bin/ and lib/ do, of an installation and of a
// build.  Empty when it is not there.
std::string folder_of_libraries() {
  std::error_code failed;
  const auto weftd = std::filesystem::read_symlink("/proc/self/exe", failed);
  const auto folder = weftd.parent_path().parent_path() / WEFT_LIBDIR;
  return std::filesystem::is_directory(folder, failed) ? folder.string() : "";
}

// All that it finds in its environment.  An EE that was linked by another name of that folder, one
// with a symbolic link in it, finds its library nevertheless: it sees the folder by this name alone.
std::vector<std::string> environment_of(const EeConfig& ee) {
  std::vector<std::string> all = {"PATH=/usr/bin:/bin", "LANG=C.UTF-8", "WEFT_EE=" + ee.name,
                                  "WEFT_SNOW_FD=" + std::to_string(isolation::kSnowFd)};
  const std::string libraries = folder_of_libraries();
  const bool one_folder = libraries.find_first_of(":;") == std::string::npos;  // as ld.so(8) reads it
  if (!libraries.empty() && one_folder) all.push_back("LD_LIBRARY_PATH=" + libraries);
  return all;
}

// What its principal's processes have together.
std::optional<isolation::SharedCpu> shared_cpu_of(const Principals::Known* principal) {
  if (principal == nullptr || principal->quota.limits().cpu == 0) return std::nullopt;
  return isolation::SharedCpu{principal->quota.name(), principal->quota.limits().cpu};
}

isolation::Confinement confinement_of(const EeConfig& ee, const Principals::Known* principal) {
  return {.name = ee.name,
          .argv = words_of(ee.command),
          .environment = environment_of(ee),
          .libraries = folder_of_libraries(),
          .readable = words_of(ee.read),
          .user = ee.user ? ee.user->value : "",
          .memory = ee.memory,
          .cpu_percent = ee.cpu_percent,
          .shared_cpu = shared_cpu_of(principal),
          .isolate = ee.isolate};
}

mee::Restart restart_of(RestartWhen when) {
  switch (when) {
    case RestartWhen::kNever:
      return mee::Restart::kNever;
    case RestartWhen::kAlways:
      return mee::Restart::kAlways;
    default:
      return mee::Restart::kOnFailure;
  }
}

}  // namespace

Result<std::unique_ptr<Ees>> Ees::start(const Parts& parts) {
  std::unique_ptr<Ees> ees(new Ees(parts));
  auto manager = mee::Manager::start(parts.node.root().handle());
  if (!manager) return manager.error();
  ees->manager_ = std::move(*manager);
  ees->due_ = parts.loop.when_due([self = ees.get()] { return self->manager_->next_due_ns(); },
                                  [self = ees.get()] { self->manager_->service(); });
  return ees;
}

Ees::~Ees() {
  if (manager_ != nullptr) parts_.loop.forget_due(due_);
}

// A process that names no principal is its user's, as one that joins by [snow] is.
Principals::Known* Ees::principal_of(const EeConfig& ee) const {
  const Principals& all = parts_.node.principals();
  if (ee.principal) return all.named(ee.principal->value);
  if (!ee.own_process) return nullptr;
  isolation::Fences ignored;  // said when it starts, as is a user that is none
  const auto who = isolation::find_identity(ee.user ? ee.user->value : "", ignored);
  if (!who) return nullptr;
  const auto its = all.of_user(*who ? (*who)->user : ::geteuid());
  return its ? *its : nullptr;
}

an_Cred Ees::credential(const std::string& name, Principals::Known* principal, const FilesConfig& files) {
  Grants grants{.principal = principal};
  if (parts_.files != nullptr) {
    const auto space = parts_.files->space(name, quota_of(files));
    if (space) grants.files = *space;
  }
  if (grants.principal == nullptr && grants.files == nullptr) return nullptr;
  const Credential* made = credential_for(parts_.node, grants);
  return made != nullptr ? made->handle() : nullptr;
}

void Ees::add(const std::vector<EeConfig>& ees) {
  for (const EeConfig& ee : ees) {
    std::unique_ptr<mee::Home> home;
    Principals::Known* const principal = principal_of(ee);
    const an_Cred cred = credential(ee.name, principal, ee.files);
    if (ee.own_process) {
      home =
          std::make_unique<EeProcess>(confinement_of(ee, principal), limits_of(ee.session), cred,
                                      EeProcess::Parts{parts_.node, parts_.loop, parts_.clock, parts_.log});
    } else {
      std::vector<std::string> argv = words_of(ee.command);
      const std::string path = std::exchange(argv.front(), ee.name);
      home = std::make_unique<mee::Loaded>(path, std::move(argv), static_cast<mee::Host&>(*this), cred);
    }
    manager_->add(ee.name, restart_of(ee.restart), std::move(home));
  }
}

void Ees::start_all() { manager_->start_all(); }

void Ees::stop_all() {
  manager_->stop_all();
  while (manager_->stopping()) parts_.loop.turn();
}

void Ees::run_in(an_Domain domain, const std::function<void()>& work) {
  Domain* const found = find<Domain>(domain);
  if (found == nullptr) return;
  const RunningScope scope(parts_.node, found, false);
  work();
}

void Ees::share_code(an_Domain domain, std::shared_ptr<const void> code) {
  find<Domain>(domain)->share_code(std::move(code));
}

}  // namespace weft
