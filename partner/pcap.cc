// SPDX-License-Identifier: Apache-2.0
#include "partner/pcap.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

namespace weft {

namespace {

constexpr uint64_t kRetryNs = 1'000'000;  // until an empty pool is asked again
constexpr uint32_t kSlot = Packet::kRoom - Packet::kHeadroom;

Error invalid(std::string_view name, std::string_view sentence) {
  return {Code::kInvalid, fmt::format("pcap {}: {}", name, sentence)};
}

// The frame in slots of `pool`; empty when it is exhausted.
PacketPtr packet_of(const PcapReader::Frame& frame, Pool& pool) {
  PacketPtr whole;
  Packet* last = nullptr;
  for (uint32_t at = 0; at < frame.length;) {
    PacketPtr p = pool.alloc();
    if (!p) return nullptr;
    p->length = std::min(kSlot, frame.length - at);
    std::memcpy(p->data, frame.bytes + at, p->length);
    at += p->length;
    if (!whole) {
      whole = std::move(p);
      last = whole.get();
    } else {
      last->next = p.release();
      last = last->next;
      ++whole->segs;
    }
  }
  whole->timestamp = frame.timestamp;
  return whole;
}

}  // namespace

Result<std::unique_ptr<PcapPartner>> PcapPartner::create(const Options& o, Pool& pool, const Clock& clock) {
  const std::string& name = o.read.empty() ? o.write : o.read;
  if (name.empty()) return Error{Code::kInvalid, "pcap: a file to read or to write is needed"};
  if (!(o.speed > 0 && o.speed <= 1e9)) return invalid(name, "speed must be above 0, at most 1e9");
  if (o.mtu < 68 || o.mtu > 65535) return invalid(name, "mtu must be 68 to 65535 bytes");
  return std::unique_ptr<PcapPartner>(new PcapPartner(o, pool, clock));
}

Result<Opening> PcapPartner::open(std::string_view, Partner*, Opening) {
  const std::string& name = options_.read.empty() ? options_.write : options_.read;
  if (open_) return Error{Code::kBusy, fmt::format("pcap {}: is open already", name)};
  link_ = options_.link;
  reason_.clear();
  passes_ = 0;
  write_failed_ = false;
  if (auto ok = alarm_.open("pcap " + name); !ok) return ok.error();
  if (!options_.read.empty()) {
    if (auto ok = open_replay(); !ok) return ok.error();
  }
  if (!options_.write.empty()) {
    if (auto ok = open_record(); !ok) {
      close({});
      return ok.error();
    }
  }
  stats_.emplace();
  open_ = true;
  if (reader_) alarm_.set(0);
  return Opening{0};
}

Result<void> PcapPartner::open_replay() {
  replay_ = OwnedFd(::open(options_.read.c_str(), O_RDONLY | O_CLOEXEC));
  if (!replay_) return system_error("pcap " + options_.read, errno);
  struct stat st {};
  if (::fstat(replay_.get(), &st) == 0 && S_ISDIR(st.st_mode)) {
    return system_error("pcap " + options_.read, EISDIR);
  }
  if (options_.passes != 1 && !S_ISREG(st.st_mode)) {
    return invalid(options_.read, "only a regular file can be replayed more than once");
  }
  if (auto ok = start_pass(); !ok) return ok.error();
  link_ = reader_->link();
  return {};
}

Result<void> PcapPartner::open_record() {
  const std::string& name = options_.write;
  struct stat from {
  }, to{};
  if (replay_ && ::fstat(replay_.get(), &from) == 0 && ::stat(name.c_str(), &to) == 0 &&
      from.st_dev == to.st_dev && from.st_ino == to.st_ino) {
    return invalid(name, "is the file that is replayed");
  }
  record_ = OwnedFd(::open(name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!record_) return system_error("pcap " + name, errno);
  if (name.ends_with(".pcapng")) {
    pcapng_ = std::make_unique<PcapngWriter>(record_.get());
    pcapng_->add_interface(name, link_);
  } else {
    auto made = PcapDumper::create(std::move(record_), link_, name);
    if (!made) return made.error();
    dumper_ = *std::move(made);
  }
  if (!flush()) return system_error("pcap " + name, errno);
  timespec wall{};
  ::clock_gettime(CLOCK_REALTIME, &wall);
  epoch_ns_ = uint64_t(wall.tv_sec) * 1'000'000'000 + uint64_t(wall.tv_nsec) - clock_.now_ns();
  return {};
}

// Through a duplicate of one descriptor, so that every pass reads the same file,
// whatever became of its name.
Result<void> PcapPartner::start_pass() {
  if (passes_ > 0) ::lseek(replay_.get(), 0, SEEK_SET);
  const int fd = ::fcntl(replay_.get(), F_DUPFD_CLOEXEC, 0);
  FILE* file = fd >= 0 ? ::fdopen(fd, "rb") : nullptr;
  if (file == nullptr) {
    const int cause = errno;
    if (fd >= 0) ::close(fd);
    return system_error("pcap " + options_.read, cause);
  }
  auto reader = PcapReader::open(file, options_.read);
  if (!reader) return reader.error();
  reader_ = *std::move(reader);
  pass_frames_ = 0;
  return {};
}

void PcapPartner::close(Opening) {
  open_ = false;
  alarm_.close();
  frame_.reset();
  reader_.reset();
  replay_.reset();
  dumper_.reset();
  pcapng_.reset();
  record_.reset();
}

// Whether there is a frame to give, now or later; starts the passes over.
bool PcapPartner::have_frame() {
  while (!frame_ && reader_) {
    frame_ = reader_->next();
    if (frame_) {
      if (pass_frames_++ == 0) {
        first_time_ = frame_->timestamp;
        start_ns_ = options_.timed ? clock_.now_ns() : 0;
      }
      return true;
    }
    const bool again = !reader_->failed() && pass_frames_ > 0 && ++passes_ != options_.passes;
    reason_ = reader_->error();
    reader_.reset();
    if (!again) break;
    if (auto ok = start_pass(); !ok) reason_ = ok.error().sentence;
  }
  return frame_.has_value();
}

// When it is to be given, by clock_; 0: at once.
uint64_t PcapPartner::due_ns(const PcapReader::Frame& frame) const {
  if (!options_.timed || frame.timestamp <= first_time_) return 0;
  return start_ns_ + uint64_t(double(frame.timestamp - first_time_) / options_.speed);
}

void PcapPartner::pull(Opening, Pvec& v, size_t max) {
  while (max > 0) {
    const uint64_t due = have_frame() ? due_ns(*frame_) : Alarm::kNever;
    if (due != 0 && (due == Alarm::kNever || clock_.now_ns() < due)) return alarm_.set(due);
    const size_t slots = (frame_->length + kSlot - 1) / kSlot;
    if (slots == 0 || slots > pool_.capacity()) {
      stats_->drops.add(slots == 0 ? DropReason::kTooShort : DropReason::kPoolExhausted);
      frame_.reset();
      continue;
    }
    PacketPtr p = packet_of(*frame_, pool_);
    if (!p) return alarm_.set(clock_.now_ns() + kRetryNs);  // the frame waits for the pool
    stats_->rx_packets.add(1);
    stats_->rx_bytes.add(frame_->length);
    v.push_back(std::move(p));
    frame_.reset();
    --max;
  }
}

void PcapPartner::push(Opening, Pvec& v) {
  if (!dumper_ && !pcapng_) {
    drop(v, DropReason::kPartnerRefused, stats_->drops);
    return;
  }
  if (write_failed_) {
    drop(v, DropReason::kDeviceError, stats_->drops);
    return;
  }
  Recorded recorded;
  while (!v.empty()) {
    PacketPtr p = v.pop_front();
    if ((p->flags & Packet::kOffload) == 0) {
      record(*p, recorded);
      continue;
    }
    if (auto refused = segmenter_.start(p, link_)) {
      drop(std::move(p), *refused, stats_->drops);
      continue;
    }
    while (PacketPtr segment = segmenter_.next()) record(*segment, recorded);
    segmenter_.abandon(DropReason::kPoolExhausted, stats_->drops);
  }
  if (flush()) {
    stats_->tx_packets.add(recorded.packets);
    stats_->tx_bytes.add(recorded.bytes);
  } else {
    write_failed_ = true;
    stats_->drops.add(DropReason::kDeviceError, recorded.packets);
  }
}

void PcapPartner::record(const Packet& p, Recorded& so_far) {
  const uint64_t timestamp = p.timestamp != 0 ? p.timestamp : epoch_ns_ + clock_.now_ns();
  if (pcapng_) {
    pcapng_->write(0, timestamp, p);
  } else {
    dumper_->write(timestamp, p);
  }
  ++so_far.packets;
  so_far.bytes += p.total_length();
}

bool PcapPartner::flush() { return pcapng_ ? pcapng_->flush() : dumper_->flush(); }

PartnerInfo PcapPartner::info_now() const {
  PartnerInfo info;
  info.driver = "pcap";
  const std::string to = options_.write.empty() ? "" : "-> " + options_.write;
  info.device = options_.read.empty() ? to : options_.read + (to.empty() ? "" : " " + to);
  std::vector<std::string> modes;
  if (!options_.read.empty()) modes.push_back(options_.timed ? "timed replay" : "replay");
  if (!options_.write.empty()) modes.push_back(pcapng_ ? "pcapng record" : "pcap record");
  info.mode = fmt::format("{}", fmt::join(modes, ", "));
  info.reason = reason_;
  if (write_failed_) info.reason = fmt::format("pcap {}: the record could not be written", options_.write);
  info.link = link_;
  info.mtu = options_.mtu;
  info.up = !write_failed_;
  info.owns_address = true;
  info.poll_fd = alarm_.fd();
  return info;
}

Result<Reply> PcapPartner::control(Opening, const Request& request) {
  if (!open_) return Error{Code::kDead, "pcap: that opening is closed"};
  if (std::holds_alternative<InfoRequest>(request)) return Reply{info_now()};
  if (std::holds_alternative<StatsRequest>(request)) return Reply{&*stats_};
  const std::string_view text = std::get<TextRequest>(request).text;
  if (text == "eof") return Reply{std::string(have_frame() ? "no" : "yes")};
  return Error{Code::kUnsupported, fmt::format("pcap: it knows 'eof', not '{}'", text)};
}

}  // namespace weft
