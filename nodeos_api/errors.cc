// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/errors.h"

namespace weft {

LastFailure& LastFailure::of_this_thread() {
  static thread_local LastFailure last;
  return last;
}

void LastFailure::set(an_Status status, const char* literal) {
  status_ = status;
  literal_ = literal;
}

void LastFailure::set(an_Status status, const std::string& sentence) {
  status_ = status;
  literal_ = nullptr;
  text_[sentence.copy(text_, sizeof text_ - 1)] = '\0';
}

int fail(an_Status status, const char* literal) {
  LastFailure::of_this_thread().set(status, literal);
  return status;
}

int fail(an_Status status, const std::string& sentence) {
  LastFailure::of_this_thread().set(status, sentence);
  return status;
}

int fail(const Error& error) { return fail(to_status(error.code), error.sentence); }

an_Status to_status(Code code) {
  switch (code) {
    case Code::kInvalid:
      return AN_EINVAL;
    case Code::kNoMemory:
      return AN_ENOMEM;
    case Code::kPermission:
      return AN_EPERM;
    case Code::kAdmission:
      return AN_EADMIT;
    case Code::kExists:
    case Code::kBusy:
      return AN_EEXIST;
    case Code::kNotFound:
      return AN_ENOENT;
    case Code::kProtocolSpec:
      return AN_EPROTSPEC;
    case Code::kAddressSpec:
      return AN_EADDRSPEC;
    case Code::kLimit:
      return AN_ELIMIT;
    case Code::kDead:
      return AN_EDEAD;
    case Code::kTimedOut:
      return AN_ETIMEDOUT;
    case Code::kIo:
      return AN_EIO;
    case Code::kUnsupported:
      return AN_ENOSYS;
  }
  return AN_EIO;
}

Code to_code(an_Status status) {
  for (int code = 0; code <= int(Code::kUnsupported); ++code) {
    if (to_status(Code(code)) == status) return Code(code);
  }
  return Code::kIo;
}

}  // namespace weft

using weft::LastFailure;

extern "C" int an_errno(void) { return LastFailure::of_this_thread().status(); }

extern "C" const char* an_errtext(void) { return LastFailure::of_this_thread().text(); }

extern "C" const char* an_statusName(int status) {
  switch (status) {
#define NAME(s) \
  case s:       \
    return #s;
    NAME(AN_OK)
    NAME(AN_EINVAL)
    NAME(AN_ENOMEM)
    NAME(AN_EPERM)
    NAME(AN_EADMIT)
    NAME(AN_EEXIST)
    NAME(AN_ENOENT)
    NAME(AN_EPROTSPEC)
    NAME(AN_EADDRSPEC)
    NAME(AN_EQFULL)
    NAME(AN_EBANDWIDTH)
    NAME(AN_ELIMIT)
    NAME(AN_EDEAD)
    NAME(AN_ETIMEDOUT)
    NAME(AN_EIO)
    NAME(AN_ENOSYS)
    NAME(AN_EBUSY)
#undef NAME
    default:
      return "?";
  }
}
