// SPDX-License-Identifier: Apache-2.0
#include "paths/demux.h"

#include <algorithm>

#include "base/bytes.h"
#include "partner/pool.h"

namespace weft {

namespace {

constexpr size_t kMaxProtocols = 256;  // link protocols bound at one port
constexpr uint16_t kProtocol4 = 0x0800, kProtocol6 = 0x86dd;
// How many packets ahead the routing table's entry is asked for.
constexpr size_t kAhead = 8;

constexpr size_t family_index(uint16_t link_protocol) { return link_protocol == kProtocol6; }

constexpr bool forwards(NextHop::Kind kind) { return kind == NextHop::kForward || kind == NextHop::kResolve; }

// The reason for a packet that the routing table does not forward, when nobody is
// there to answer it.
DropReason reason_of(NextHop::Kind kind, bool local) {
  if (kind == NextHop::kKernel) return DropReason::kForKernel;
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

// Where the routing table leads the packets of a vector, if a port has one path for each of
// its links.  (A copy, so that what is written into packets cannot be taken for a change.)
struct Routes {
  const NextHop* hops;
  Path* const* by_out_port;
  size_t out_ports;

  // The path that the packet's next hop leads on by; null when that does not decide.
  [[gnu::always_inline]] Path* find(const Packet& p) const {
    const NextHop& next = hops[p.next_hop];
    return forwards(next.kind) && next.out_port < out_ports ? by_out_port[next.out_port] : nullptr;
  }
};

// Packets that stand together in a vector and go to one path are enqueued together.
class Run {
 public:
  explicit Run(Packet* const* packets) : packets_(packets) {}
  // Packet `i` goes to `path`; null: it is gone.
  [[gnu::always_inline]] void add(size_t i, Path* path) {
    if (path == path_) return;
    if (path_ != nullptr) path_->enqueue(End::kNear, {packets_ + first_, i - first_});
    path_ = path;
    first_ = i;
  }

 private:
  Packet* const* const packets_;
  Path* path_ = nullptr;
  size_t first_ = 0;
};

}  // namespace

// What is bound by the port that packets come in at.
struct Demux::Port {
  struct Protocol {
    uint16_t link_protocol;
    Bindings bindings;
  };

  Link link;
  // What the demux writes into the fields of its packets: not local, local.
  NarrowFields narrow_places[2]{};
  WideFields wide_places[2]{};
  Bindings any;                     // the path "PORT"
  std::vector<Protocol> protocols;  // in order
  std::vector<Bindings> routes[2];  // by family and out port
  // Of each of these, the only path that it can be; null where the fields must tell.
  std::vector<Path*> only[2];

  std::vector<Protocol>::iterator lower_bound(uint16_t link_protocol) {
    return std::lower_bound(protocols.begin(), protocols.end(), link_protocol,
                            [](const Protocol& a, uint16_t b) { return a.link_protocol < b; });
  }
  const Bindings* of_protocol(uint16_t link_protocol) const {
    auto it = const_cast<Port*>(this)->lower_bound(link_protocol);
    return it != protocols.end() && it->link_protocol == link_protocol ? &it->bindings : nullptr;
  }
  const Bindings* route(size_t family, uint16_t out_port) const {
    return out_port < routes[family].size() ? &routes[family][out_port] : nullptr;
  }
  Routes only_routes(const Fib& fib, size_t family) const {
    return {fib.next_hops.data(), only[family].data(), only[family].size()};
  }
  // The path of a link protocol, or that of the port; null where more must be read.
  Path* only_protocol(uint16_t link_protocol) const {
    const Bindings* same = of_protocol(link_protocol);
    return same != nullptr ? same->only() : any.only();
  }

  Result<void> bind_link(const DemuxKey& key, Path& path) {
    if (key.any_protocol) return any.add(key, path);
    auto it = lower_bound(key.link_protocol);
    if (it != protocols.end() && it->link_protocol == key.link_protocol) return it->bindings.add(key, path);
    if (protocols.size() == kMaxProtocols) {
      return Error{Code::kLimit, path.text() + ": " + std::to_string(kMaxProtocols) +
                                     " link protocols are bound at its port; no more can be"};
    }
    Bindings fresh;
    if (auto added = fresh.add(key, path); !added) return added;
    protocols.insert(it, {key.link_protocol, std::move(fresh)});
    return {};
  }

  Result<void> bind_route(const DemuxKey& key, Path& path) {
    const size_t family = family_index(key.link_protocol);
    auto& row = routes[family];
    if (row.size() <= key.out_port) row.resize(size_t{key.out_port} + 1);
    const Result<void> added = row[key.out_port].add(key, path);
    set_only(family);
    return added;
  }

  void unbind(const Path& path) {
    any.remove(path);
    for (Protocol& p : protocols) p.bindings.remove(path);
    std::erase_if(protocols, [](const Protocol& p) { return p.bindings.empty(); });
    for (size_t family : {0, 1}) {
      for (Bindings& bindings : routes[family]) bindings.remove(path);
      set_only(family);
    }
  }

  void set_only(size_t family) {
    only[family].resize(routes[family].size());
    std::transform(routes[family].begin(), routes[family].end(), only[family].begin(),
                   [](const Bindings& bindings) { return bindings.only(); });
  }
};

Demux::Demux(const Fib& fib, const FieldReader& reader, Pool& pool)
    : fib_(fib),
      reader_(reader),
      pool_(pool),
      glances_(new Glance[Pvec::kCapacity]),
      fields_(new PacketFields[Pvec::kCapacity]) {}

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
      return port.bind_link(key, path);
    case DemuxKey::kNarrow:
      return narrow_.add(at_port(key.narrow), with_port_mask(key.narrow_mask), key, path);
    case DemuxKey::kWide:
      return wide_.add(at_port(key.wide), with_port_mask(key.wide_mask), key, path);
    case DemuxKey::kRoute:
      if (key.out_port >= ports_.size()) {
        return Error{Code::kNotFound, path.text() + ": no port has number " + std::to_string(key.out_port)};
      }
      if (key.link_protocol != kProtocol4 && key.link_protocol != kProtocol6) {
        return Error{Code::kInvalid, path.text() + ": routes lead IPv4 and IPv6 only"};
      }
      return port.bind_route(key, path);
  }
  return Error{Code::kInvalid, path.text() + ": not a demux key"};
}

void Demux::unbind(Path& path) {
  narrow_.remove(path);
  wide_.remove(path);
  for (auto& port : ports_) port->unbind(path);
}

// What a tuple may want must be read; else a glance mostly says enough.
void Demux::sort(uint16_t in_port, Pvec& v) {
  const Port& port = *ports_[in_port];
  const auto wanted = narrow_.transit().filter().at_port(in_port) | wide_.transit().filter().at_port(in_port);
  if (wanted != 0) {
    sort_by_fields(port, in_port, v);
  } else {
    sort_by_glance(port, in_port, v);
  }
  v.release_all();
}

void Demux::sort_by_glance(const Port& port, uint16_t in_port, Pvec& v) {
  if (v.empty()) return;
  const Glance* const glances = glances_.get();
  const bool alike = reader_.glance(port.link, in_port, v, fib_, glances_.get());
  Packet* const* const packets = v.begin();
  const size_t n = v.size();
  if (alike && glances[0].kind == Glance::kOther) {
    if (Path* path = port.only_protocol(glances[0].link_protocol)) {
      path->enqueue(End::kNear, {packets, n});
      return;
    }
  }
  const Routes narrow = port.only_routes(fib_, 0);
  const auto sort_all = [&](auto find) {
    Run run(packets);
    for (size_t i = 0; i < n; ++i) {
      Path* path = find(i);
      if (path == nullptr) [[unlikely]]
        path = find_by_fields(port, packets[i]);
      run.add(i, path);
    }
    run.add(n, nullptr);
  };
  if (alike && glances[0].kind == Glance::kNarrow) {
    return sort_all([&](size_t i) { return narrow.find(*packets[i]); });
  }
  const Routes wide = port.only_routes(fib_, 1);
  sort_all([&](size_t i) -> Path* {
    switch (glances[i].kind) {
      case Glance::kNarrow:
        return narrow.find(*packets[i]);
      case Glance::kWide:
        return wide.find(*packets[i]);
      case Glance::kOther:
        return port.only_protocol(glances[i].link_protocol);
      default:
        return nullptr;
    }
  });
}

[[gnu::noinline]] Path* Demux::find_by_fields(const Port& port, Packet* p) {
  PacketFields read;
  reader_.read(port.link, *p, read);
  return find(port, p, read);
}

void Demux::sort_by_fields(const Port& port, uint16_t in_port, Pvec& v) {
  reader_.read(port.link, v, fields_.get());
  const auto look_ahead = [&](const PacketFields& f) {
    if (f.kind == PacketFields::kNarrow) fib_.ip4.prefetch(f.narrow.destination);
    if (f.kind == PacketFields::kWide) fib_.ip6.prefetch(f.wide.destination);
  };
  Packet* const* const packets = v.begin();
  const size_t n = v.size();
  Run run(packets);
  for (size_t i = 0; i < std::min(kAhead, n); ++i) look_ahead(fields_[i]);
  for (size_t i = 0; i < n; ++i) {
    if (i + kAhead < n) look_ahead(fields_[i + kAhead]);
    Packet* const p = packets[i];
    p->in_port = in_port;
    run.add(i, find(port, p, fields_[i]));
  }
  run.add(n, nullptr);
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
    if (Path* only = port.only_routes(fib_, kBytes == 16).find(*p)) return only;
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
  if (forwards(next.kind) && !local) {
    const Bindings* route = port.route(family_index(read.link_protocol), next.out_port);
    const Binding* b = route == nullptr ? nullptr : route->find(*p, read);
    if (b != nullptr) return take(*b, p);
  }
  return find_link(port, p, read, reason_of(next.kind, local));
}

// The path of the link protocol, or that of the port.
Path* Demux::find_link(const Port& port, Packet* p, const PacketFields& read, DropReason reason) {
  const Binding* binding = nullptr;
  // The kernel answers for its own addresses: nobody here may.
  if (reason != DropReason::kForKernel) {
    if (const Bindings* same = port.of_protocol(read.link_protocol)) binding = same->find(*p, read);
  }
  if (binding == nullptr) binding = port.any.find(*p, read);
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
