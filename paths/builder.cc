// SPDX-License-Identifier: Apache-2.0
#include "paths/builder.h"

#include <algorithm>

#include "paths/offload_stage.h"

namespace weft {

Builder::Builder(std::vector<Module*> modules, FindPort find_port, PortNames port_names)
    : modules_(std::move(modules)), find_port_(std::move(find_port)), port_names_(std::move(port_names)) {}

Result<Builder::Built> Builder::build(std::string_view text, PathQueues queues, Account* account,
                                      Pool* finish_in) {
  auto parsed = parse_path(text);
  if (!parsed) return parsed.error();
  auto sides = resolve(text, *parsed);
  if (!sides) return sides.error();
  const PathSpec& spec = sides->spec;

  Built built{std::make_unique<Path>(*std::move(parsed), queues, account), {}, sides->near, sides->far};
  built.key.in_port = sides->near->number;
  if (sides->far != nullptr) built.key.out_port = sides->far->number;
  built.key.leaves = PayloadMatch::kFrame;

  for (size_t i = 1; i < spec.near.chain.size(); ++i) {
    const StageContext context{spec, text, spec.near, i, *sides->near, sides->far};
    if (auto added = add_stage(*built.path, context); !added) return added.error();
    if (auto refined = find(spec.near.chain[i].name)->refine(context, built.key); !refined)
      return refined.error();
  }
  if (finish_in != nullptr && leaves_offload(spec.near, *sides->near)) {
    const bool frames = spec.near.chain.size() == 1;
    built.path->append(
        "offload", std::make_unique<OffloadStage>(*finish_in, frames ? sides->near->info.link : Link::kRaw));
  }
  for (size_t i = spec.far.chain.size(); i-- > 1;) {
    const StageContext context{spec, text, spec.far, i, *sides->far, sides->near};
    if (auto added = add_stage(*built.path, context); !added) return added.error();
  }
  if (auto established = built.path->establish(); !established) return established.error();
  return built;
}

Result<PathSpec> Builder::resolve(std::string_view text) const {
  auto parsed = parse_path(text);
  if (!parsed) return parsed.error();
  auto sides = resolve(text, *parsed);
  if (!sides) return sides.error();
  return std::move(sides->spec);
}

Result<Aim> Builder::aim(const PathSpec& path, std::string_view addresses) const {
  PathSpec bare = path;
  bare.near.attributes.clear();
  const std::string text = to_text(path), to_chain = to_text(bare) + " " + std::string(addresses);
  auto parsed = parse_path(to_chain);
  if (!parsed) return parsed.error();
  if (parsed->cut() || parsed->near.chain.size() != path.near.chain.size()) {
    return path_error(Code::kProtocolSpec, to_chain, to_text(bare).size() + 2,
                      "only addresses are wanted here, such as (dst=10.0.0.2, dstport=7)");
  }
  auto own = resolve(text, path);
  if (!own) return own.error();
  auto to = resolve(to_chain, *parsed);
  if (!to) return to.error();
  Aim aim;
  for (size_t i = 1; i < own->spec.near.chain.size(); ++i) {
    const StageContext context{own->spec, text, own->spec.near, i, *own->near, nullptr};
    const StageContext there{to->spec, to_chain, to->spec.near, i, *to->near, nullptr};
    if (auto aimed = find(context.side.chain[i].name)->aim(context, there, aim); !aimed) return aimed.error();
  }
  if (aim.length == 0) {
    return path_error(Code::kAddressSpec, to_chain, to_text(bare).size() + 1,
                      "no module of this chain tells packets apart by where they go");
  }
  return aim;
}

Result<void> Builder::add_stage(Path& path, const StageContext& context) const {
  const std::string& name = context.side.chain[context.position].name;
  auto stage = find(name)->create(context);
  if (!stage) return stage.error();
  path.append(name, *std::move(stage));
  return {};
}

bool Builder::leaves_offload(const PathSide& side, const Port& device) const {
  return device.info.offload &&
         std::none_of(side.chain.begin() + 1, side.chain.end(),
                      [this](const auto& link) { return find(link.name)->finishes_offload(); });
}

Result<Builder::Sides> Builder::resolve(std::string_view text, const PathSpec& written) const {
  Sides sides{written};
  PathSide& near = sides.spec.near;
  PathSide& far = sides.spec.far;

  auto device = find_device(text, near);
  if (!device) return device.error();
  sides.near = *device;
  if (auto known = check_modules(text, near); !known) return known.error();
  if (sides.spec.cut()) {
    device = find_device(text, far);
    if (!device) return device.error();
    sides.far = *device;
    if (auto known = check_modules(text, far); !known) return known.error();
  }

  const bool frames = near.chain.size() == 1;  // they cross as they are
  add_link_module(near, *sides.near, frames);
  if (sides.far != nullptr) add_link_module(far, *sides.far, frames);

  if (auto read = check_attributes(text, near); !read) return read.error();
  if (auto read = check_attributes(text, far); !read) return read.error();
  return sides;
}

Result<const Port*> Builder::find_device(std::string_view text, const PathSide& side) const {
  const ChainLink& first = side.chain[0];
  if (const Port* port = find_port_(first.name)) return port;
  return path_error(Code::kProtocolSpec, text, first.column,
                    "no partner '" + first.name + "'" + did_you_mean(first.name, port_names_()));
}

Result<void> Builder::check_modules(std::string_view text, const PathSide& side) const {
  for (size_t i = 1; i < side.chain.size(); ++i) {
    const ChainLink& link = side.chain[i];
    if (find(link.name) != nullptr) continue;
    std::vector<std::string> known;
    for (const Module* m : modules_) known.emplace_back(m->name());
    return path_error(Code::kProtocolSpec, text, link.column,
                      "no module '" + link.name + "'" + did_you_mean(link.name, known));
  }
  return {};
}

Result<void> Builder::check_attributes(std::string_view text, const PathSide& side) const {
  for (const Attribute& attribute : side.attributes) {
    std::vector<std::string> known;
    for (size_t i = 1; i < side.chain.size(); ++i) {
      for (std::string_view name : find(side.chain[i].name)->attributes()) known.emplace_back(name);
    }
    if (std::find(known.begin(), known.end(), attribute.name) != known.end()) continue;
    return path_error(
        Code::kAddressSpec, text, attribute.column,
        "no module of this chain reads '" + attribute.name + "'" + did_you_mean(attribute.name, known));
  }
  return {};
}

// "eth0/ip" means "eth0/eth/ip" where eth0 speaks Ethernet.
void Builder::add_link_module(PathSide& side, const Port& device, bool bare) const {
  if (bare) return;
  const Module* link = link_module(device.info.link);
  if (link == nullptr) return;
  if (side.chain.size() > 1) {
    const Module* lowest = find(side.chain[1].name);
    if (lowest == link || lowest->reads_frames()) return;
  }
  const size_t column = side.chain[std::min<size_t>(1, side.chain.size() - 1)].column;
  side.chain.insert(side.chain.begin() + 1, ChainLink{std::string(link->name()), column});
}

Module* Builder::find(std::string_view name) const {
  auto it =
      std::find_if(modules_.begin(), modules_.end(), [&](const Module* m) { return m->name() == name; });
  return it == modules_.end() ? nullptr : *it;
}

Module* Builder::link_module(Link link) const {
  auto it =
      std::find_if(modules_.begin(), modules_.end(), [&](const Module* m) { return m->link() == link; });
  return it == modules_.end() ? nullptr : *it;
}

}  // namespace weft
