// SPDX-License-Identifier: Apache-2.0
#include "paths/port_bindings.h"

#include <algorithm>

#include "paths/path.h"

namespace weft {

const Bindings* PortBindings::protocol(uint16_t link_protocol) const {
  const auto it = std::ranges::lower_bound(protocols_, link_protocol, {}, &Protocol::link_protocol);
  return it != protocols_.end() && it->link_protocol == link_protocol ? &it->bindings : nullptr;
}

Result<void> PortBindings::bind_link(const DemuxKey& key, Path& path) {
  if (key.any_protocol) return any_.add(key, path);
  const auto it = std::ranges::lower_bound(protocols_, key.link_protocol, {}, &Protocol::link_protocol);
  if (it != protocols_.end() && it->link_protocol == key.link_protocol) return it->bindings.add(key, path);
  if (protocols_.size() == kMaxProtocols) {
    return Error{Code::kLimit, path.text() + ": " + std::to_string(kMaxProtocols) +
                                   " link protocols are bound at its port; no more can be"};
  }
  Bindings fresh;
  if (auto added = fresh.add(key, path); !added) return added;
  protocols_.insert(it, {key.link_protocol, std::move(fresh)});
  return {};
}

Result<void> PortBindings::bind_route(const DemuxKey& key, Path& path) {
  Family& family = families_[key.link_protocol == kProtocol6];
  if (family.by_out_port.size() <= key.out_port) family.by_out_port.resize(size_t{key.out_port} + 1);
  const Result<void> added = family.by_out_port[key.out_port].add(key, path);
  family.set_only();
  return added;
}

void PortBindings::unbind(const Path& path) {
  any_.remove(path);
  for (Protocol& p : protocols_) p.bindings.remove(path);
  std::erase_if(protocols_, [](const Protocol& p) { return p.bindings.empty(); });
  for (Family& family : families_) {
    for (Bindings& bindings : family.by_out_port) bindings.remove(path);
    family.set_only();
  }
}

void PortBindings::Family::set_only() {
  only.resize(by_out_port.size());
  std::ranges::transform(by_out_port, only.begin(), [](const Bindings& bindings) { return bindings.only(); });
}

}  // namespace weft
