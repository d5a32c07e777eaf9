// SPDX-License-Identifier: Apache-2.0
#include "tools/weft/capture.h"

#include <fcntl.h>
#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <optional>

#include "partner/pcapng.h"
#include "tools/weft/stream.h"

namespace weft::cli {

namespace {

using admin::Json;

// The file of that name, or a second descriptor of standard output.
Result<OwnedFd> open_file(const std::string& name) {
  if (name == "-" && ::isatty(STDOUT_FILENO) == 1) {
    return Error{Code::kInvalid, "standard output is a terminal; use -w FILE, or a pipe"};
  }
  OwnedFd fd(name == "-" ? ::dup(STDOUT_FILENO)
                         : ::open(name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!fd) return system_error("open " + name, errno);
  return fd;
}

// Packets with and without link header lie in one file as two interfaces of it.
class Writer {
 public:
  Writer(int fd, std::string name) : file_(fd), name_(std::move(name)) {}

  Result<void> add(const Json& record) {
    const auto bytes = admin::from_base64(record.value("data", ""));
    if (!bytes) return bytes.error();
    const bool link_header = record.value("link_header", false);
    auto& interface = interfaces_[link_header ? 1 : 0];
    if (!interface) interface = file_.add_interface(name_, link_header ? Link::kEthernet : Link::kRaw);
    file_.write(*interface, record.value("time", uint64_t{0}),
                {reinterpret_cast<const uint8_t*>(bytes->data()), bytes->size()},
                record.value("length", uint32_t{0}), record.value("dir", ""));
    ++packets_;
    return {};
  }
  Result<void> flush() {
    if (file_.flush()) return {};
    return system_error("write", file_.error());
  }
  uint64_t packets() const { return packets_; }

 private:
  PcapngWriter file_;
  std::string name_;
  std::optional<uint32_t> interfaces_[2];
  uint64_t packets_ = 0;
};

void say_end(const CaptureOptions& options, uint64_t packets, uint64_t lost) {
  if (options.json) {
    fmt::print(stderr, "{}", admin::to_line({{"packets", packets}, {"lost", lost}}));
    return;
  }
  fmt::print(stderr, "weft: {} packets captured", packets);
  if (lost != 0) fmt::print(stderr, ", {} lost: they came faster than they were written", lost);
  fmt::print(stderr, "\n");
}

}  // namespace

Result<void> capture(admin::Client& client, const CaptureOptions& options) {
  const size_t at = options.where.rfind('@');
  if (at == std::string::npos) {
    return Error{Code::kInvalid,
                 "'" + options.where + "' names no stage; PATH@STAGE was expected, as 'eth0/ip@near'"};
  }
  const Interrupt interrupt;
  std::signal(SIGPIPE, SIG_IGN);
  auto started = client.ask({{"do", "capture"},
                             {"path", options.where.substr(0, at)},
                             {"stage", options.where.substr(at + 1)},
                             {"count", options.count},
                             {"snap", options.snap},
                             {"filter", options.filter}});
  if (!started) return started.error();
  auto file = open_file(options.write);
  if (!file) return file.error();
  Writer writer(file->get(), options.where);
  if (auto begun = writer.flush(); !begun) return begun;  // so that a file without packets is readable too
  auto end = read_stream(client, interrupt, [&](const Json& record) -> Result<void> {
    if (auto added = writer.add(record); !added) return added;
    return writer.flush();  // at once: a pipe to tshark wants to see packets as they come
  });
  if (!end) return end.error();
  say_end(options, writer.packets(), end->value("lost", uint64_t{0}));
  return {};
}

}  // namespace weft::cli
