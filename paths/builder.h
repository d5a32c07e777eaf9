// SPDX-License-Identifier: Apache-2.0
// Builder: makes a Path from its text, in Scout's four phases.
//
//   1. modules create stages along the chain
//   2. the stages are joined
//   3. establish, in order
//   4. transforms, until none fires
//
// The first three happen here; the fourth on the worker, when Geni installs the
// path.
//
// Threads: the control thread.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "paths/module.h"
#include "paths/path.h"

namespace weft {

class Builder {
 public:
  using FindPort = std::function<const Port*(std::string_view name)>;
  using PortNames = std::function<std::vector<std::string>()>;

  // The modules outlive the builder.
  Builder(std::vector<Module*> modules, FindPort find_port, PortNames port_names);

  struct Built {
    std::unique_ptr<Path> path;
    DemuxKey key;  // what its near end wants
    const Port* near;
    const Port* far;  // null unless cut-through
  };

  // `account`, if given, is charged for the path too.  `finish_in`, if given: whoever takes the
  // packets at the far end sees none with Packet::kOffload; segments are of that pool.
  // Errors: kProtocolSpec, kAddressSpec with the column; what a module says.
  Result<Built> build(std::string_view text, PathQueues queues = {}, Account* account = nullptr,
                      Pool* finish_in = nullptr);

  // The text with the link modules that it leaves out, its names checked and its values not.
  Result<PathSpec> resolve(std::string_view text) const;

  // As Module::aim(), by all modules of a path with one device.  `addresses` as in path texts.
  Result<Aim> aim(const PathSpec& path, std::string_view addresses) const;

 private:
  struct Sides {
    PathSpec spec;  // with the link modules that the text left out
    const Port* near = nullptr;
    const Port* far = nullptr;
  };

  Module* find(std::string_view name) const;
  Module* link_module(Link link) const;
  Result<Sides> resolve(std::string_view text, const PathSpec& written) const;
  Result<const Port*> find_device(std::string_view text, const PathSide& side) const;
  Result<void> check_modules(std::string_view text, const PathSide& side) const;
  Result<void> check_attributes(std::string_view text, const PathSide& side) const;
  void add_link_module(PathSide& side, const Port& device, bool bare) const;
  Result<void> add_stage(Path& path, const StageContext& context) const;
  // Whether packets may come to the end of the side with something left to be done.
  bool leaves_offload(const PathSide& side, const Port& device) const;

  std::vector<Module*> modules_;
  FindPort find_port_;
  PortNames port_names_;
};

}  // namespace weft
