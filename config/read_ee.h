// SPDX-License-Identifier: Apache-2.0
// Reads [ee.NAME].
//
// Threads: plain functions.
#pragma once

#include <vector>

#include "config/config.h"
#include "config/table_reader.h"

namespace weft {

// The keys of a table that say what one EE of a process may have.
void read_session(TableReader& table, SessionConfig& session);

// And those of what may lie in its files.
void read_files(TableReader& table, FilesConfig& files);

// `session`, and the files of `node`: what those have that do not say it themselves.
std::vector<EeConfig> read_ees(TableReader& root, const SessionConfig& session, const NodeConfig& node);

}  // namespace weft
