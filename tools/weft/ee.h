// SPDX-License-Identifier: Apache-2.0
// weft ee: lists, starts and stops execution environments.
//
// Threads: plain functions.
#pragma once

#include <span>
#include <string>

#include "admin/client.h"

namespace weft::cli {

struct EeAction {
  const char* name;
  const char* help;
  bool of_one;  // it needs the name of an EE
};
std::span<const EeAction> ee_actions();

struct EeOptions {
  std::string action;
  std::string name;
  bool json = false;
};

// Asks, waits until what is stopping has stopped, and prints what became of it.
Result<void> manage_ee(admin::Client& client, const EeOptions& options);

}  // namespace weft::cli
