// SPDX-License-Identifier: Apache-2.0
#include "mee/loaded.h"

namespace weft::mee {

Loaded::Loaded(std::string path, std::vector<std::string> argv, Host& host, an_Cred cred)
    : path_(std::move(path)), argv_(std::move(argv)), host_(host), cred_(cred) {
  for (const std::string& argument : argv_) arguments_.push_back(argument.c_str());
  arguments_.push_back(nullptr);
}

Loaded::~Loaded() {
  ended_ = nullptr;
  stop();
}

Result<void> Loaded::start(an_Domain parent, WhenEnded ended) {
  asked_ = false;
  refused_.reset();
  domain_ = an_domainCreate(nullptr, parent, cred_, nullptr, nullptr, &Loaded::init, this,
                            &Loaded::terminated, this);
  if (domain_ == nullptr) {
    leave_code();
    return refused_ ? *refused_ : Error{Code::kInvalid, an_errtext()};
  }
  ended_ = std::move(ended);
  return {};
}

int Loaded::init(an_Domain self, void* arg) { return static_cast<Loaded*>(arg)->begin(self); }

// In the EE's domain, since the code may have constructors, whose calls are the EE's.
int Loaded::begin(an_Domain self) {
  object_ = std::make_shared<SharedObject>();
  host_.share_code(self, object_);
  if (auto loaded = object_->load(path_); !loaded) {
    refused_ = loaded.error();
    return AN_EINVAL;
  }
  const int status = object_->init()(self, int(argv_.size()), arguments_.data());
  if (status == AN_OK) return status;
  const bool just_failed = an_errno() == status;
  const std::string number = " (" + std::to_string(status) + ")";
  refused_ = Error{Code::kInvalid,
                   "an_eeInit refused: " + (just_failed ? an_errtext() : an_statusName(status) + number)};
  return status;
}

// Its code may still be on the stack, or run on a thread: it stays as long as it is needed, and at
// least until something is loaded again.
void Loaded::leave_code() {
  if (object_ == nullptr) return;
  object_->leave();
  object_.reset();
}

void Loaded::terminated(an_Domain, an_TermReason, void* arg) {
  auto& ee = *static_cast<Loaded*>(arg);
  ee.domain_ = nullptr;
  ee.leave_code();
  if (!ee.ended_) return;
  const WhenEnded tell = std::exchange(ee.ended_, nullptr);
  tell({.failed = !ee.asked_, .how = ee.asked_ ? "stopped" : "its domain was ended"});
}

void Loaded::stop() {
  if (domain_ == nullptr) return;
  asked_ = true;
  if (const auto exit = object_->exit()) host_.run_in(domain_, [this, exit] { exit(domain_); });
  end();
}

void Loaded::end() {
  asked_ = true;
  if (domain_ != nullptr) an_domainDestroy(domain_);
}

Facts Loaded::facts() const { return {.place = "weftd", .domain = domain_, .has = {}, .lacks = {}}; }

}  // namespace weft::mee
