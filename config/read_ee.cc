// SPDX-License-Identifier: Apache-2.0
#include "config/read_ee.h"

#include <algorithm>

#include "config/checks.h"

namespace weft {

namespace {

constexpr uint64_t kLeastMemory = 1 << 20;           // what a program needs to begin at all
constexpr uint64_t kMostMemory = uint64_t{1} << 44;  // 16 TiB
constexpr int64_t kMostCpu = 100 * 1024;             // percent: 1024 CPUs
constexpr size_t kMostRead = 16;                     // paths

// The names that weftd gives itself.
constexpr std::string_view kBuiltIn[] = {"mee", "pan"};
constexpr std::string_view kRoot = "node";  // whose domains are no EE's

std::string quoted(std::string_view text) { return "'" + std::string(text) + "'"; }

void read_readable(TableReader& table, EeConfig& ee) {
  ee.read = table.texts("read");
  for (const Text& path : ee.read) {
    const bool good = path.value.starts_with('/') && path.value.find('\0') == std::string::npos;
    if (!good)
      table.errors().add(path.at, quoted(path.value) + " is no path that begins with '/'; one was expected");
  }
  if (ee.read.size() > kMostRead)
    table.refuse("read", "'read' has more than " + std::to_string(kMostRead) + " paths");
}

// exec = ["/usr/lib/echo", "7"]
void read_exec(TableReader& table, EeConfig& ee) {
  ee.own_process = true;
  ee.command = table.texts("exec");
  if (ee.command.empty()) {
    table.refuse("exec", "'exec' is empty; the program and its arguments were expected");
  } else if (!ee.command.front().value.starts_with('/')) {
    table.errors().add(
        ee.command.front().at,
        quoted(ee.command.front().value) + " is no path of a program; one that begins with '/' was expected");
  }
  ee.user = table.text("user");
  if (ee.user && ee.user->value.empty())
    table.refuse("user", "'user' is empty; a name or a number was expected");
  read_readable(table, ee);
  table.size("memory", kLeastMemory, kMostMemory, ee.memory);
  table.number("cpu", 1, kMostCpu, ee.cpu_percent);
  read_session(table, ee.session);
  table.flag("isolate", ee.isolate);
  if (table.has("args")) table.refuse("args", "the arguments of a program stand in 'exec', behind it");
}

// load = "echo.so", args = ["7"]
void read_load(TableReader& table, EeConfig& ee) {
  if (const auto object = table.text("load")) {
    ee.command.push_back(*object);
    if (object->value.find('/') == std::string::npos)
      table.errors().add(object->at, quoted(object->value) +
                                         " is no path of a shared object; one with a '/' was "
                                         "expected, as './echo.so'");
  }
  for (Text& argument : table.texts("args")) ee.command.push_back(std::move(argument));
  for (const char* key : {"user", "read", "memory", "cpu", "packets", "objects", "isolate"}) {
    if (!table.has(key)) continue;
    table.refuse(key, quoted(key) + " is of a process; " + table.title() +
                          " is loaded into weftd's own, where it cannot be kept: use 'exec'");
  }
}

EeConfig read_ee(const std::string& name, TableReader& table, const SessionConfig& session,
                 const NodeConfig& node) {
  EeConfig ee;
  ee.session = session;
  ee.files = node.each_files;
  ee.name = name;
  ee.at = table.at();
  if (!is_name(name)) table.errors().add(ee.at, not_a_name(name));
  if (std::ranges::find(kBuiltIn, name) != std::end(kBuiltIn))
    table.errors().add(ee.at, quoted(name) + " is the name of an EE that weftd brings along");
  if (name == kRoot) table.errors().add(ee.at, quoted(name) + " is what the node's own domains are shown as");
  const bool loads = table.has("load"), executes = table.has("exec");
  if (loads == executes) {
    table.errors().add(ee.at, table.title() + (loads ? " has both 'load' and 'exec'; one of them was expected"
                                                     : " needs 'load' or 'exec'"));
  }
  if (executes) {
    read_exec(table, ee);
  } else {
    read_load(table, ee);
  }
  for (const Text& word : ee.command) {
    if (word.value.find('\0') != std::string::npos)
      table.errors().add(word.at, "an argument cannot hold a byte 0");
  }
  ee.principal = table.text("principal");
  read_files(table, ee.files);
  for (const char* key : {"files_bytes", "files_number"}) {
    if (table.has(key) && !node.files) table.refuse(key, "EEs have no files here: [node] says no 'files'");
  }
  if (const auto when = table.choice("restart", {"never", "on-failure", "always"}))
    ee.restart = RestartWhen(*when);
  table.finish();
  return ee;
}

}  // namespace

void read_session(TableReader& table, SessionConfig& session) {
  table.number("packets", 64, 65536, session.packets);
  table.number("objects", 1, 65536, session.objects);
}

void read_files(TableReader& table, FilesConfig& files) {
  table.number("files_bytes", 0, int64_t{1} << 50, files.bytes);
  table.number("files_number", 0, 1 << 24, files.number);
}

std::vector<EeConfig> read_ees(TableReader& root, const SessionConfig& session, const NodeConfig& node) {
  std::vector<EeConfig> ees;
  for (auto& [name, table] : root.named_tables("ee")) ees.push_back(read_ee(name, table, session, node));
  return ees;
}

}  // namespace weft
