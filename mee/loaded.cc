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
  object_.reset();
  auto object = SharedObject::open(path_);
  if (!object) return object.error();
  object_ = std::move(*object);
  asked_ = false;
  refused_.clear();
  domain_ = an_domainCreate(nullptr, parent, cred_, nullptr, nullptr, &Loaded::init, this,
                            &Loaded::terminated, this);
  if (domain_ == nullptr) return Error{Code::kInvalid, refused_.empty() ? an_errtext() : refused_};
  ended_ = std::move(ended);
  return {};
}

int Loaded::init(an_Domain self, void* arg) {
  auto& ee = *static_cast<Loaded*>(arg);
  const int status = ee.object_->init()(self, int(ee.argv_.size()), ee.arguments_.data());
  if (status != AN_OK) {
    const bool just_failed = an_errno() == status;
    ee.refused_ = "an_eeInit refused: " + std::string(just_failed ? an_errtext() : an_statusName(status));
  }
  return status;
}

void Loaded::terminated(an_Domain, an_TermReason, void* arg) {
  auto& ee = *static_cast<Loaded*>(arg);
  ee.domain_ = nullptr;
  if (!ee.ended_) return;
  const WhenEnded tell = std::exchange(ee.ended_, nullptr);
  tell({.failed = !ee.asked_, .how = ee.asked_ ? "stopped" : "its domain was ended"});
}

void Loaded::stop() {
  if (domain_ == nullptr) return;
  if (object_->exit() != nullptr) host_.run_in(domain_, [this] { object_->exit()(domain_); });
  end();
}

void Loaded::end() {
  asked_ = true;
  if (domain_ != nullptr) an_domainDestroy(domain_);
}

Facts Loaded::facts() const { return {.place = "weftd", .domain = domain_, .has = {}, .lacks = {}}; }

}  // namespace weft::mee
