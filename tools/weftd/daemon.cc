// SPDX-License-Identifier: Apache-2.0
#include "tools/weftd/daemon.h"

#include <sys/signalfd.h>
#include <sys/socket.h>

#include <cerrno>
#include <csignal>

#include "tools/weftd/active_ping.h"
#include "tools/weftd/admin_server.h"
#include "tools/weftd/assembly.h"
#include "tools/weftd/ee_limits.h"
#include "tools/weftd/notify.h"
#include "tools/weftd/show.h"
#include "tools/weftd/show_ee.h"
#include "tools/weftd/snow_server.h"
#include "tools/weftd/watch.h"

namespace weft {

namespace {

// Before any thread is made, so that all of them leave the signals to this descriptor.
Result<OwnedFd> take_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGHUP);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  OwnedFd fd(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) return system_error("signalfd", errno);
  return fd;
}

void answer(Assembly& node, AdminSession& session, const admin::Json& request) {
  const std::string verb = *admin::text_of(request, "do");
  if (verb == "trace") return start_trace(session, node, request);
  if (verb == "capture") return start_capture(session, node, request);
  if (verb == "ping") return start_ping(session, node, request);
  Result<admin::Json> answered =
      Error{Code::kInvalid, "weftd cannot '" + verb + "'; it can show, ee, trace, capture and ping"};
  if (verb == "ee") answered = manage_ee(node, request);
  if (verb == "show") {
    const auto what = admin::text_of(request, "what");
    answered = what ? show(node, *what) : Result<admin::Json>(what.error());
  }
  session.send(answered ? admin::ok(*answered) : admin::failed(answered.error().sentence));
}

}  // namespace

Result<void> run_daemon(const Config& config, const Parts& parts, Logger& log) {
  auto signals = take_signals();
  if (!signals) return signals.error();
  SystemClock clock;
  ControlLoop loop(clock);
  if (auto opened = loop.open(); !opened) return opened;
  // First: of two that are started alike, the second must not touch the first's devices.
  auto socket = AdminSocket::listen(config.control.socket, SOCK_STREAM);
  if (!socket) return socket.error();
  std::optional<AdminSocket> snow_socket;
  if (config.snow) {
    auto listening = AdminSocket::listen(config.snow->socket, SOCK_SEQPACKET);
    if (!listening) return listening.error();
    snow_socket.emplace(std::move(*listening));
  }
  auto node = Assembly::start(config, parts, loop, clock, log);
  if (!node) return node.error();

  loop.watch(signals->get(), EPOLLIN, [&](uint32_t) {
    signalfd_siginfo signal{};
    if (::read(signals->get(), &signal, sizeof signal) != sizeof signal) return;
    if (signal.ssi_signo == SIGHUP) {
      return log.warn("SIGHUP: the config is read at the start only; to have it read again, restart weftd");
    }
    log.info("stopping: {}", signal.ssi_signo == SIGTERM ? "SIGTERM" : "SIGINT");
    loop.stop();
  });
  {
    const AdminServer server(
        std::move(*socket), loop,
        [&](AdminSession& session, const admin::Json& request) { answer(**node, session, request); });
    SnowServer snow(loop, (*node)->nodeos(),
                    {.limits = limits_of(config.snow.value_or(SnowConfig{}).each),
                     .spaces = (*node)->files(),
                     .files = quota_of(config.node.each_files)},
                    log);
    if (snow_socket) snow.listen(std::move(*snow_socket));
    log.info("{} is ready; weft --socket {} show run", (*node)->name(), config.control.socket);
    notify_manager("READY=1");
    loop.run();
    notify_manager("STOPPING=1");
  }
  if (!(*node)->stop()) return Error{Code::kDead, "not every packet is accounted for"};
  return {};
}

}  // namespace weft
