// SPDX-License-Identifier: Apache-2.0
// weft: asks a running weftd.
//
// Exit codes: 0 done, 1 it failed (one sentence on standard error), 2 wrong usage.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "tools/options/given_value.h"
#include "tools/weft/capture.h"
#include "tools/weft/ee.h"
#include "tools/weft/ping.h"
#include "tools/weft/show.h"
#include "tools/weft/table.h"
#include "tools/weft/trace.h"

namespace {

using namespace weft;

struct Arguments {
  std::string socket = "/run/weft/weft.sock";
  bool json = false;
  cli::TraceOptions trace;
  cli::CaptureOptions capture;
  cli::PingOptions ping;
  std::string ee;  // the one that "weft ee" speaks of
};

// What the user asked for; runs once weftd is reached.
using Command = std::function<Result<void>(admin::Client&)>;

Result<void> show(admin::Client& client, const cli::View& view, bool json) {
  auto data = client.ask({{"do", "show"}, {"what", view.what}});
  if (!data) return data.error();
  const std::string text = json ? data->dump(2) + "\n" : view.text(*data, cli::wants_colour());
  std::fputs(text.c_str(), stdout);
  return {};
}

void add_show(CLI::App& app, Arguments& arguments, Command& command) {
  CLI::App& sub = *app.add_subcommand("show", "Show counters and state");
  sub.require_subcommand(1)->fallthrough();
  for (const cli::View& view : cli::views()) {
    sub.add_subcommand(view.what, view.help)->fallthrough()->callback([&] {
      command = [&](admin::Client& client) { return show(client, view, arguments.json); };
    });
  }
}

void add_trace(CLI::App& app, Arguments& arguments, Command& command) {
  CLI::App& sub = *app.add_subcommand("trace", "Show the way of single packets through a path");
  cli::TraceOptions& options = arguments.trace;
  sub.add_option("PATH", options.path, "The path, as in 'weft show paths'")->required();
  sub.add_option("COUNT", options.count, "How many packets")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  sub.add_option("FILTER", options.filter, "Which packets: 'udp port 7' (see pcap-filter(7))");
  sub.fallthrough()->callback([&] {
    command = [&](admin::Client& client) {
      arguments.trace.json = arguments.json;
      return cli::trace(client, arguments.trace);
    };
  });
}

void add_capture(CLI::App& app, Arguments& arguments, Command& command) {
  CLI::App& sub = *app.add_subcommand("capture", "Write the packets at a stage of a path to a pcapng file");
  cli::CaptureOptions& options = arguments.capture;
  sub.add_option("PATH@STAGE", options.where, "A path, and a stage by name or number from 0, or near, or far")
      ->required();
  sub.add_option("FILTER", options.filter, "Which packets: 'udp port 7' (see pcap-filter(7))");
  sub.add_option("-w,--write", options.write, "The file; - for standard output")->required();
  sub.add_option("-c,--count", options.count, "Stop after so many packets; 0: when interrupted")
      ->check(CLI::Range(0, 1'000'000'000))
      ->capture_default_str();
  sub.add_option("-s,--snap", options.snap, "Bytes of each packet")
      ->check(CLI::Range(1, 65535))
      ->capture_default_str();
  sub.fallthrough()->callback([&] {
    command = [&](admin::Client& client) {
      arguments.capture.json = arguments.json;
      return cli::capture(client, arguments.capture);
    };
  });
}

void add_ping(CLI::App& app, Arguments& arguments, Command& command) {
  CLI::App& sub = *app.add_subcommand("ping", "Send active pings to another active node");
  cli::PingOptions& options = arguments.ping;
  sub.add_option("NODE", options.node, "Its address: 10.0.0.1, or 127.0.0.1:4000")->required();
  sub.add_option("-c,--count", options.count, "How many")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  sub.add_option("-i,--interval", options.interval, "Seconds between them")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
  sub.add_option("-s,--size", options.payload, "Bytes of payload")
      ->check(CLI::Range(0, 65000))
      ->capture_default_str();
  sub.fallthrough()->callback([&] {
    command = [&](admin::Client& client) {
      arguments.ping.json = arguments.json;
      return cli::ping(client, arguments.ping);
    };
  });
}

void add_ee(CLI::App& app, Arguments& arguments, Command& command) {
  CLI::App& sub = *app.add_subcommand("ee", "List, start and stop execution environments");
  sub.require_subcommand(1)->fallthrough();
  for (const cli::EeAction& action : cli::ee_actions()) {
    CLI::App& verb = *sub.add_subcommand(action.name, action.help);
    if (action.of_one) verb.add_option("NAME", arguments.ee, "As in [ee.NAME] of the config")->required();
    verb.fallthrough()->callback([&] {
      command = [&](admin::Client& client) {
        return cli::manage_ee(client, {action.name, arguments.ee, arguments.json});
      };
    });
  }
}

int run(const Arguments& arguments, const Command& command) {
  auto client = admin::Client::connect(arguments.socket);
  Result<void> done = client ? command(*client) : Result<void>(client.error());
  if (done && std::fflush(stdout) != 0) done = system_error("write", errno);
  if (done) return 0;
  std::fprintf(stderr, "weft: %s\n", done.error().sentence.c_str());
  return 1;
}

// What CLI11 does not say of a word that is no command: that it is none, and which there are.
std::string unknown_command(const CLI::App& app) {
  const CLI::App* at = &app;
  while (!at->get_subcommands().empty()) at = at->get_subcommands().front();
  const std::vector<std::string> words = app.remaining(true);
  const auto word = std::ranges::find_if(words, [](const std::string& w) { return !w.starts_with('-'); });
  const std::vector<const CLI::App*> commands = at->get_subcommands([](const CLI::App*) { return true; });
  if (word == words.end() || commands.empty()) return "";
  std::string known;
  for (const CLI::App* command : commands) known += (known.empty() ? "" : ", ") + command->get_name();
  return at->get_name() + ": no command '" + *word + "'; there are: " + known;
}

int wrong_usage(const CLI::App& app, const CLI::ParseError& error) {
  if (const std::string unknown = unknown_command(app); error.get_exit_code() != 0 && !unknown.empty()) {
    std::fprintf(stderr, "%s\n", unknown.c_str());
    return 2;
  }
  return app.exit(error) == 0 ? 0 : 2;
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  Command command;
  CLI::App app("Asks a running weftd", "weft");
  app.set_version_flag("--version", "weft " WEFT_VERSION);
  app.add_option("--socket", arguments.socket, "Where weftd listens")
      ->capture_default_str()
      ->check(given_value());
  app.add_flag("--json", arguments.json, "Answer in JSON");
  app.require_subcommand(1);
  add_show(app, arguments, command);
  add_trace(app, arguments, command);
  add_capture(app, arguments, command);
  add_ping(app, arguments, command);
  add_ee(app, arguments, command);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return wrong_usage(app, error);
  }
  return run(arguments, command);
}
