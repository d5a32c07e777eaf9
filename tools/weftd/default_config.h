// SPDX-License-Identifier: Apache-2.0
// The config of a weftd that is given none: the middle of three nodes in user space.
// Needs no privilege.  "weftd --print-default" writes it out.
#pragma once

namespace weft {

constexpr const char* kDefaultConfig =
    R"(# What weftd runs when it is given no config: a router between two UDP tunnels on
# this machine.  docs/config.md describes every key.

[node]
name = "middle"
kernel_routes = false        # there is no kernel interface to follow
pool_packets = 4096

[partner.left]
driver = "udp"
local = "127.0.0.1:4101"
remote = "127.0.0.1:4100"
address = ["10.99.1.1/24", "fd99:1::1/64"]

[partner.right]
driver = "udp"
local = "127.0.0.1:4102"
remote = "127.0.0.1:4103"
address = ["10.99.2.1/24", "fd99:2::1/64"]

[pan]
address = "10.99.0.2"

[[pan.neighbour]]
address = "10.99.0.1"
carrier = "left/pan"

[[pan.neighbour]]
address = "10.99.0.3"
carrier = "right/pan"
)";

}  // namespace weft
