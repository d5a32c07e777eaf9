// SPDX-License-Identifier: Apache-2.0
// Cut-through channels: a path between two devices, or an incoming and an outgoing
// channel that were made one.
#include "nodeos_api/channel.h"
#include "nodeos_api/node.h"

namespace weft {

namespace {

// a - b, of what is counted and not of what is.
an_ChanStats since(an_ChanStats a, const an_ChanStats& b) {
  a.packets_in -= b.packets_in;
  a.bytes_in -= b.bytes_in;
  a.packets_out -= b.packets_out;
  a.bytes_out -= b.bytes_out;
  a.packets_made -= b.packets_made;
  a.packets_dropped -= b.packets_dropped;
  a.packets_queue_full -= b.packets_queue_full;
  a.cycles -= b.cycles;
  a.packets_rate_limited -= b.packets_rate_limited;
  return a;
}

}  // namespace

Result<void> CutChannel::open(const Side& in, const Side& out, const DemuxKeyObject* key) {
  auto near = text_of(in.protspec, in.addrspec);
  if (!near) return near.error();
  auto far = text_of(out.protspec, out.addrspec);
  if (!far) return far.error();
  auto in_limits = read_netspec(in.netspec);
  if (!in_limits) return in_limits.error();
  auto out_limits = read_netspec(out.netspec);
  if (!out_limits) return out_limits.error();
  PathOptions options{.queues = {in_limits->queue, out_limits->queue}};
  options.narrow = narrowed_by(key);
  options.priority = in_limits->priority;
  options.police = in_limits->rate;
  options.shape = out_limits->rate;
  bits_out_ = out_limits->rate.rate;
  const Quota* quota = domain_.quota();
  if (quota != nullptr && quota->limits().bandwidth != 0 && bits_out_ == 0) {
    return Error{Code::kAdmission, "principal '" + quota->name() +
                                       "' has a bandwidth: its cut-through channels need a rate in outnet"};
  }
  return open_path(*near + " -> " + *far, nullptr, options);
}

Result<void> CutChannel::connect(InChannel& in, OutChannel& out) {
  if (&in.domain() != &out.domain()) {
    return Error{Code::kInvalid, "only channels of one domain can be made one"};
  }
  if (in.cut() != nullptr || out.cut() != nullptr) {
    return Error{Code::kInvalid, "the channel is part of a cut-through channel already"};
  }
  in_ = &in;
  out_ = &out;
  domain_.add(*this);
  domain_.node().worker().call([&] {
    in_before_ = in.stats();
    out_before_ = out.stats();
    out.join_cut(this);
    in.join_cut(this, &out);
  });
  return {};
}

void CutChannel::destroy() {
  bury();
  if (in_ != nullptr) {
    domain_.node().worker().call([&] {
      in_->join_cut(nullptr, nullptr);
      out_->join_cut(nullptr);
    });
    domain_.remove(*this);
  } else {
    close_path();
  }
  free_memory();
}

// What `in` gives is what `out` takes, so only the ends count.
an_ChanStats CutChannel::stats() const {
  if (in_ == nullptr) return Channel::stats();
  const an_ChanStats in = since(in_->stats(), in_before_), out = since(out_->stats(), out_before_);
  an_ChanStats s = in;
  s.packets_in += in_before_.packets_held + out_before_.packets_held;
  s.packets_out = out.packets_out;
  s.bytes_out = out.bytes_out;
  s.packets_made += out.packets_made;
  s.packets_dropped += out.packets_dropped;
  s.packets_queue_full += out.packets_queue_full;
  s.packets_held += out.packets_held;
  s.cycles += out.cycles;
  return s;
}

}  // namespace weft
