// SPDX-License-Identifier: Apache-2.0
#include "paths/demux.h"

#include <algorithm>

#include "base/bytes.h"
#include "partner/pool.h"
#include "paths/port_bindings.h"

namespace weft {

namespace {

// The reason for a packet that the routing table does not forward, when nobody is
// there to answer it.
DropReason reason_of(NextHop::Kind kind, bool local) {
  if (local) return DropReason::kNoListener;
  switch (kind) {
    case NextHop::kForward:
    case NextHop::kResolve:
      return DropReason::kNoPath;
    case NextHop::kBlackhole:
    case NextHop::kProhibit:
      return DropReason::kProhibited;
    default:
      return DropReason::kNoRoute;
  }
}

}  // namespace

struct Demux::Port {
  Link link;
  PortBindings bindings;
  // What the demux writes into the fields of the port's packets: not local, local.
  NarrowFields narrow_places[2]{};
  WideFields wide_places[2]{};
};

Demux::Demux(const Fib& fib, const FieldReader& reader, Pool& pool)
    : fib_(fib), reader_(reader), pool_(pool) {}

Demux::~Demux() = default;

void Demux::add_port(uint16_t number, Link link) {
  assert(number == ports_.size());
  ports_.push_back(std::make_unique<Port>());
  Port& port = *ports_.back();
  port.link = link;
  for (uint8_t local : {0, 1}) {
    port.narrow_places[local].local = port.wide_places[local].local = local;
    port.narrow_places[local].in_port = port.wide_places[local].in_port = number;
  }
}

Result<void> Demux::bind(const DemuxKey& key, Path& path) {
  if (key.in_port >= ports_.size()) {
    return Error{Code::kNotFound, path.text() + ": no port has number " + std::to_string(key.in_port)};
  }
  Port& port = *ports_[key.in_port];
  // Whatever a module left open: a path takes what comes in at its own device.
  auto at_port = [&](auto fields) {
    fields.in_port = key.in_port;
    return fields;
  };
  auto with_port_mask = [](auto mask) {
    mask.in_port = 0xffff;
    return mask;
  };
  switch (key.shape) {
    case DemuxKey::kLink:
      return port.bindings.bind_link(key, path);
    case DemuxKey::kNarrow:
      return narrow_.add(at_port(key.narrow), with_port_mask(key.narrow_mask), key, path);
    case DemuxKey::kWide:
      return wide_.add(at_port(key.wide), with_port_mask(key.wide_mask), key, path);
    case DemuxKey::kRoute:
      if (key.out_port >= ports_.size()) {
        return Error{Code::kNotFound, path.text() + ": no port has number " + std::to_string(key.out_port)};
      }
      if (key.link_protocol != PortBindings::kProtocol4 && key.link_protocol != PortBindings::kProtocol6) {
        return Error{Code::kInvalid, path.text() + ": routes lead IPv4 and IPv6 only"};
      }
      return port.bindings.bind_route(key, path);
  }
  return Error{Code::kInvalid, path.text() + ": not a demux key"};
}

void Demux::unbind(Path& path) {
  narrow_.remove(path);
  wide_.remove(path);
  for (auto& port : ports_) port->bindings.unbind(path);
}

// What a glance does not decide, the fields do.
void Demux::sort(uint16_t in_port, Pvec& v) {
  if (v.empty()) return;
  const Port& port = *ports_[in_port];
  const Transit transit{fib_, narrow_.transit().filter().at_port(in_port),
                        wide_.transit().filter().at_port(in_port), in_port};
  reader_.glance(port.link, v, transit, glances_.data());
  const PortBindings::Routes narrow = port.bindings.only_routes(fib_, PortBindings::kProtocol4);
  const PortBindings::Routes wide = port.bindings.only_routes(fib_, PortBindings::kProtocol6);
  const auto path_of = [&](Glance glance) {
    if (glance.kind() == Glance::kNarrow) [[likely]]
      return narrow.find(glance.what());
    if (glance.kind() == Glance::kWide) return wide.find(glance.what());
    return glance.kind() == Glance::kOther ? port.bindings.only_protocol(uint16_t(glance.what())) : nullptr;
  };

  const Glance* glance = glances_.data();
  Glance last = *glance;
  Path* path = path_of(last);
  if (path != nullptr && Glance::alike(glance, v.size())) {
    path->enqueue(End::kNear, {v.begin(), v.size()});
    return v.release_all();
  }
  for (Packet* const p : v) {
    if (*glance != last) {
      last = *glance;
      path = path_of(last);
    }
    ++glance;
    Path* const to = path != nullptr ? path : find_by_fields(port, p);
    if (to != nullptr) to->enqueue(End::kNear, PacketPtr(p));
  }
  v.release_all();
}

[[gnu::noinline]] Path* Demux::find_by_fields(const Port& port, Packet* p) {
  PacketFields read;
  reader_.read(port.link, *p, read);
  return find(port, p, read);
}

inline Path* Demux::find(const Port& port, Packet* p, const PacketFields& read) {
  if (read.kind == PacketFields::kNarrow) {
    return find_network(port, p, read, read.narrow, port.narrow_places, narrow_, fib_.ip4);
  }
  if (read.kind == PacketFields::kWide) {
    return find_network(port, p, read, read.wide, port.wide_places, wide_, fib_.ip6);
  }
  const bool whole = read.kind == PacketFields::kOther;
  return find_link(port, p, read, whole ? DropReason::kUnknownProtocol : DropReason::kTooShort);
}

// What most packets are is decided here: a route leads on, and no tuple matches.
template <typename Fields, size_t kBytes>
inline Path* Demux::find_network(const Port& port, Packet* p, const PacketFields& read, const Fields& fields,
                                 const Fields (&places)[2], const TupleBindings<Fields>& tuples,
                                 const Lpm<kBytes>& routes) {
  const uint32_t index = routes.find(fields.destination);
  const NextHop& next = fib_.next_hops[index];
  p->next_hop = index;
  if (!read.to_node && !tuples.wanted(fields, places[0])) {
    p->flags &= uint16_t(~Packet::kLocal);
    if (Path* only = port.bindings.only_routes(fib_, read.link_protocol).find(index)) return only;
  }
  return find_most_specific(port, p, read, fields, places, tuples, next);
}

template <typename Fields>
[[gnu::noinline]] Path* Demux::find_most_specific(const Port& port, Packet* p, const PacketFields& read,
                                                  const Fields& fields, const Fields (&places)[2],
                                                  const TupleBindings<Fields>& tuples, const NextHop& next) {
  const bool local = read.to_node || next.kind == NextHop::kLocal || next.kind == NextHop::kKernel;
  p->flags = uint16_t((p->flags & ~Packet::kLocal) | (local ? Packet::kLocal : 0));
  if (const Binding* b = tuples.find(*p, read, fields, places[local])) return take(*b, p);
  if (next.leads_on() && !local) {
    const Bindings* route = port.bindings.route(read.link_protocol, next.out_port);
    const Binding* b = route == nullptr ? nullptr : route->find(*p, read);
    if (b != nullptr) return take(*b, p);
  }
  const bool kernel = fib_.kernel_answers(next, p->in_port);
  return find_link(port, p, read, kernel ? DropReason::kForKernel : reason_of(next.kind, local));
}

// The path of the link protocol, or that of the port.
Path* Demux::find_link(const Port& port, Packet* p, const PacketFields& read, DropReason reason) {
  const Binding* binding = nullptr;
  // The kernel answers for its own addresses: nobody here may.
  if (reason != DropReason::kForKernel) {
    if (const Bindings* same = port.bindings.protocol(read.link_protocol)) binding = same->find(*p, read);
  }
  if (binding == nullptr) binding = port.bindings.any().find(*p, read);
  if (binding != nullptr) return take(*binding, p);
  drop(PacketPtr(p), reason, drops_);
  return nullptr;
}

// Of paths that share, the first gets the packet, each further one a clone.
Path* Demux::take(const Binding& binding, Packet* p) {
  for (size_t i = 1; i < binding.paths.size(); ++i) {
    copied_.add(1);
    if (PacketPtr clone = pool_.clone(*p)) {
      binding.paths[i]->enqueue(End::kNear, std::move(clone));
    } else {
      drops_.add(DropReason::kPoolExhausted);
    }
  }
  return binding.paths.front();
}

}  // namespace weft
