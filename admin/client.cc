// SPDX-License-Identifier: Apache-2.0
#include "admin/client.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

namespace weft::admin {

namespace {

Error connect_error(const std::string& socket, int error) {
  if (error == ENOENT || error == ECONNREFUSED) {
    return {Code::kNotFound,
            "no weftd listens at " + socket + "; start one, or name its socket with --socket"};
  }
  if (error == EACCES) {
    return {Code::kPermission,
            "not allowed to use " + socket + ": be root, the user of weftd, or in group weft"};
  }
  return system_error("connect to " + socket, error);
}

Result<void> check_hello(const std::string& socket, const Json& hello) {
  const auto versions = hello.find("v");
  if (hello.value("hello", "") != "weftd" || versions == hello.end() || !versions->is_array() ||
      versions->size() != 2) {
    return Error{Code::kUnsupported, "what listens at " + socket + " is not weftd"};
  }
  const auto oldest = (*versions)[0].get<int>(), newest = (*versions)[1].get<int>();
  if (newest < kOldest || oldest > kNewest) {
    return Error{Code::kUnsupported,
                 "weftd at " + socket + " speaks another version of the protocol; update one of the two"};
  }
  return {};
}

}  // namespace

Result<Client> Client::connect(const std::string& socket) {
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  if (socket.size() >= sizeof address.sun_path)
    return Error{Code::kInvalid, "the socket path is longer than 107 bytes"};
  std::memcpy(address.sun_path, socket.data(), socket.size());
  OwnedFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return system_error("socket", errno);
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    return connect_error(socket, errno);
  Client client(std::move(fd));
  auto hello = client.next();
  if (!hello) {
    return Error{Code::kPermission,
                 "weftd at " + socket + " refused: be root, the user of weftd, or in group weft"};
  }
  if (auto good = check_hello(socket, **hello); !good) return good.error();
  return client;
}

Result<Json> Client::ask(Json request) {
  request["v"] = kNewest;
  const std::string line = to_line(request);
  for (size_t sent = 0; sent < line.size();) {
    const ssize_t n = ::send(socket_.get(), line.data() + sent, line.size() - sent, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error("send to weftd", errno);
    sent += size_t(n);
  }
  auto answer = next();
  if (!answer) return answer.error();
  Json& message = **answer;
  if (!message.value("ok", false))
    return Error{Code::kInvalid, message.value("error", "weftd refused without a reason")};
  return std::move(message["data"]);
}

Result<std::optional<Json>> Client::next(int interrupted) {
  for (;;) {
    if (const auto line = lines_.take()) {
      Json message = Json::parse(*line, nullptr, false);
      if (!message.is_object()) return Error{Code::kIo, "weftd sent a line that is not a JSON object"};
      return std::optional<Json>(std::move(message));
    }
    pollfd fds[2] = {{socket_.get(), POLLIN, 0}, {interrupted, POLLIN, 0}};
    if (::poll(fds, 2, -1) < 0) {
      if (errno == EINTR) continue;
      return system_error("poll", errno);
    }
    if (fds[1].revents != 0) return std::optional<Json>();
    char buffer[64 * 1024];
    const ssize_t n = ::recv(socket_.get(), buffer, sizeof buffer, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error("receive from weftd", errno);
    if (n == 0) return Error{Code::kIo, "weftd closed the connection"};
    if (!lines_.append({buffer, size_t(n)})) return Error{Code::kIo, "weftd sent a line that is too long"};
  }
}

}  // namespace weft::admin
