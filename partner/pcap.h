// SPDX-License-Identifier: Apache-2.0
// PcapPartner: gives the packets of one file, and records what it takes in another.
//
// pull() replays pcap or pcapng, Ethernet or raw IP, as fast as asked or at the
// times in the file.  push() records pcap or pcapng, with the packets' own
// timestamps where they have one.  Frames longer than a slot become chains; frames
// that were snapped are given as they are.  A file that ends too early gives what
// can be read, then the reason stands in PartnerInfo::reason.
//
// control(TextRequest): "eof" answers "yes" when pull() will give nothing more.
//
// Threads: as Partner.
// Time: pull() enters the kernel once per MiB of file; to start a pass over, and at
//   an error in the file, it also allocates.  push() enters it once, to write the
//   Pvec out.
// Invariants: frames read = given + drops (kTooShort: empty frames; kPoolExhausted:
//   frames that no pool of this size can hold).
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/owned_fd.h"
#include "partner/alarm.h"
#include "partner/offload.h"
#include "partner/partner.h"
#include "partner/pcap_dumper.h"
#include "partner/pcap_reader.h"
#include "partner/pcapng.h"
#include "partner/pool.h"

namespace weft {

class PcapPartner final : public Partner {
 public:
  struct Options {
    std::string read;             // file to replay; empty: none
    std::string write;            // file to record in, made anew; pcapng if the name ends so; empty: none
    bool timed = false;           // replay at the times in the file
    double speed = 1;             // of a timed replay: 2 is twice as fast
    uint64_t passes = 1;          // through the file; 0: without end
    Link link = Link::kEthernet;  // of the record; if there is a file to replay, its link counts
    uint32_t mtu = 65535;
  };

  // Errors: kInvalid, naming the option.  `pool` and `clock` must outlive the partner.
  static Result<std::unique_ptr<PcapPartner>> create(const Options& options, Pool& pool, const Clock& clock);

  // Opens the files.  Errors: kBusy (open already), and what the files say.
  Result<Opening> open(std::string_view spec, Partner* peer, Opening peer_end) override;
  void close(Opening which) override;
  void push(Opening which, Pvec& v) override;
  void pull(Opening which, Pvec& v, size_t max) override;
  Result<Reply> control(Opening which, const Request& request) override;

 private:
  struct Recorded {
    uint64_t packets = 0, bytes = 0;
  };

  PcapPartner(const Options& options, Pool& pool, const Clock& clock)
      : options_(options), pool_(pool), clock_(clock), segmenter_(pool) {}
  Result<void> open_replay();
  Result<void> open_record();
  Result<void> start_pass();
  bool have_frame();
  uint64_t due_ns(const PcapReader::Frame& frame) const;
  void record(const Packet& p, Recorded& so_far);
  bool flush();
  PartnerInfo info_now() const;

  const Options options_;
  Pool& pool_;
  const Clock& clock_;
  bool open_ = false;
  std::optional<PartnerStats> stats_;  // of the latest opening
  Link link_ = Link::kEthernet;

  Alarm alarm_;  // rings when there is a frame to give
  OwnedFd replay_;
  std::unique_ptr<PcapReader> reader_;      // null: nothing more to give
  std::optional<PcapReader::Frame> frame_;  // read, and not given yet
  std::string reason_;
  uint64_t passes_ = 0;       // completed
  uint64_t pass_frames_ = 0;  // of the current pass
  uint64_t first_time_ = 0;   // in the file, of the current pass
  uint64_t start_ns_ = 0;     // of the current pass, by clock_

  OwnedFd record_;  // pcapng_ writes to it
  std::unique_ptr<PcapDumper> dumper_;
  std::unique_ptr<PcapngWriter> pcapng_;
  bool write_failed_ = false;
  uint64_t epoch_ns_ = 0;  // what clock_ lacks to the time since 1970
  Segmenter segmenter_;
};

}  // namespace weft
