// SPDX-License-Identifier: Apache-2.0
#include "config/read.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace weft {
namespace {

using ::testing::ElementsAre;

const std::vector<std::string> kModules = {"eth", "arp", "ip", "ip6", "icmp", "icmp6", "udp", "pan"};

constexpr const char* kPartners = R"([partner.a]
driver = "af_packet"
device = "veth0"
[partner.b]
driver = "tap"
device = "tap0"
)";

ConfigOrErrors parse(const std::string& text) { return parse_config(text, "w.toml", kModules); }

// Each error as "line:column sentence".
std::vector<std::string> errors(const std::string& text) {
  std::vector<std::string> found;
  for (const ConfigError& e : parse(text).errors) {
    found.push_back(std::to_string(e.at.line) + ":" + std::to_string(e.at.column) + " " + e.sentence);
  }
  return found;
}
std::vector<std::string> errors_after_partners(const std::string& text) { return errors(kPartners + text); }

TEST(ReadConfig, ReadsEveryKey) {
  auto [config, wrong] = parse(R"~(
[node]
name = "r1"
forwarding = false
default_paths = false
kernel_routes = false
busy = true
pool_packets = 4096
pages = "4K"
files = "/srv/ee"
files_bytes = 1000
files_number = 7
[control]
socket = "/tmp/w.sock"
[partner.eth0]
driver = "af_packet"
device = "veth0"
ring_frames = 128
promiscuous = true
offload = false
address = ["10.0.0.1/24", "fd00::1/64"]
[partner.tun]
driver = "tap"
device = "tun0"
link = "raw"
mtu = 1400
offload = false
[partner.u]
driver = "udp"
local = "127.0.0.1:4000"
remote = "[::1]:4001"
[partner.f]
driver = "pcap"
read = "in.pcap"
write = "out.pcapng"
timed = true
passes = 3
link = "raw"
[partner.l0]
driver = "loop"
wire = "w"
[partner.l1]
driver = "loop"
wire = "w"
[wire.w]
delay_us = 100
jitter_us = 10
loss = 0.5
reorder = 1
rate_bits = 1000000
queue = 9
mtu = 9000
link = "raw"
[[path]]
text = "eth0/ip -> tun/ip (ttl=9)"
[[joint]]
a = "l0"
b = "l1"
[[route]]
to = "10.1.0.0/16"
via = "10.0.0.2"
port = "eth0"
[[route]]
to = "::/0"
port = "tun"
)~");
  // The only thing wrong with it: the two ends of the overlay are of different families.
  ASSERT_EQ(wrong.size(), 1u) << wrong[0].sentence;
  EXPECT_THAT(wrong[0].sentence, ::testing::HasSubstr("different families"));
  EXPECT_EQ(config.node.name, "r1");
  EXPECT_FALSE(config.node.forwarding || config.node.default_paths || config.node.kernel_routes);
  EXPECT_TRUE(config.node.busy);
  EXPECT_EQ(config.node.pool.packets, 4096u);
  EXPECT_EQ(config.node.pool.pages, PageKind::k4K);
  EXPECT_EQ(config.node.files->value, "/srv/ee");
  EXPECT_TRUE(config.node.each_files.bytes == 1000 && config.node.each_files.number == 7);
  EXPECT_EQ(config.control.socket, "/tmp/w.sock");
  ASSERT_EQ(config.partners.size(), 6u);
  const auto& eth0 = std::get<AfPacketConfig>(config.partners[0].driver);
  EXPECT_EQ(eth0.device, "veth0");
  EXPECT_EQ(eth0.ring_frames, 128u);
  EXPECT_TRUE(eth0.promiscuous && !eth0.offload);
  ASSERT_EQ(config.partners[0].addresses.size(), 2u);
  EXPECT_EQ(to_text(config.partners[0].addresses[1].prefix), "fd00::1/64");
  const auto& tun = std::get<TapConfig>(config.partners[1].driver);
  EXPECT_TRUE(tun.link == Link::kRaw && tun.mtu == 1400u && !tun.offload);
  EXPECT_EQ(to_text(std::get<UdpConfig>(config.partners[2].driver).remote), "[::1]:4001");
  const auto& file = std::get<PcapConfig>(config.partners[3].driver);
  EXPECT_TRUE(file.timed && file.passes == 3 && file.link == Link::kRaw && file.write == "out.pcapng");
  EXPECT_EQ(std::get<LoopConfig>(config.partners[5].driver).wire, "w");
  ASSERT_EQ(config.wires.size(), 1u);
  const WireConfig& w = config.wires[0];
  EXPECT_TRUE(w.delay_us == 100 && w.jitter_us == 10 && w.loss == 0.5 && w.reorder == 1 && w.queue == 9);
  EXPECT_TRUE(w.rate_bits == 1000000 && w.mtu == 9000 && w.link == Link::kRaw);
  EXPECT_EQ(config.paths[0].text.value, "eth0/ip -> tun/ip (ttl=9)");
  EXPECT_EQ(config.joints[0].b, "l1");
  ASSERT_EQ(config.routes.size(), 2u);
  EXPECT_EQ(to_text(*config.routes[0].via), "10.0.0.2");
  EXPECT_FALSE(config.routes[1].via.has_value());
}

TEST(ReadConfig, DefaultsAreGood) {
  auto [config, wrong] = parse(kPartners);
  EXPECT_TRUE(wrong.empty());
  EXPECT_TRUE(config.node.forwarding && config.node.default_paths && config.node.kernel_routes);
  EXPECT_FALSE(config.node.busy || config.node.files);
  EXPECT_EQ(config.control.socket, "/run/weft/weft.sock");
}

TEST(ReadConfig, SyntaxErrorHasItsPlace) {
  const auto found = errors("[node]\nname = \n");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_THAT(found[0], ::testing::StartsWith("2:"));
}

TEST(ReadConfig, EveryMistakeOfAFileIsReportedInItsOrder) {
  EXPECT_THAT(
      errors(R"([node]
forwardng = true
busy = "yes"
pool_packets = 1
pages = "3M"
[controll]
[partner.a]
driver = "af_paket"
)"),
      ElementsAre("2:1 unknown key 'forwardng' in [node], did you mean 'forwarding'?",
                  "3:8 'busy' is a string; expected true or false",
                  "4:16 'pool_packets' is 1; expected 256 to 16777216",
                  "5:9 no pages '3M', did you mean '2M'?; expected one of '2M', 'THP', '4K'",
                  "6:2 unknown key 'controll' at the top of the file, did you mean 'control'?",
                  "8:10 no driver 'af_paket', did you mean 'af_packet'?; expected one of 'af_packet', "
                  "'tap', 'udp', 'pcap', 'loop'"));
}

TEST(ReadConfig, KeysOfAnotherDriverAreRefused) {
  EXPECT_THAT(errors("[partner.a]\ndriver = \"tap\"\ndevice = \"t\"\nlocal = \"1.2.3.4:5\"\n"),
              ElementsAre("4:1 unknown key 'local' in [partner.a]"));
}

TEST(ReadConfig, MissingKeysAreNamedAtTheirTable) {
  EXPECT_THAT(errors("[partner.a]\n"), ElementsAre("1:1 [partner.a] needs 'driver'"));
  EXPECT_THAT(errors("\n[partner.a]\ndriver = \"udp\"\n"),
              ElementsAre("2:1 [partner.a] needs 'local'", "2:1 [partner.a] needs 'remote'"));
  EXPECT_THAT(errors("[partner.a]\ndriver = \"pcap\"\n"),
              ElementsAre("1:1 [partner.a] needs 'read', 'write', or both"));
  EXPECT_THAT(errors_after_partners("[[route]]\n"),
              ElementsAre("7:1 [[route]] needs 'to'", "7:1 [[route]] needs 'port'"));
  EXPECT_THAT(errors_after_partners("[[path]]\n"), ElementsAre("7:1 [[path]] needs 'text'"));
}

TEST(ReadConfig, WrongTypesOfTables) {
  EXPECT_THAT(errors("node = 1\n[partner.a]\ndriver = \"tap\"\ndevice = \"t\"\n"),
              ElementsAre("1:8 'node' is a whole number; expected a table, [node]"));
  EXPECT_THAT(errors("partner.a = 3\n"),
              ::testing::Contains("1:9 'a' is a whole number; expected a table, [partner.a]"));
  EXPECT_THAT(errors(std::string("path = 1.5\n") + kPartners),
              ElementsAre("1:8 'path' is a number with a fraction; expected [[path]] tables"));
  EXPECT_THAT(errors(std::string("route = [1979-05-27]\n") + kPartners),
              ElementsAre("1:10 'route' is a date or time; expected [[route]] tables"));
}

TEST(ReadConfig, PathErrorsPointIntoTheString) {
  EXPECT_THAT(errors_after_partners("[[path]]\ntext = \"a/ipp -> b\"\n"),
              ElementsAre("8:11 no module 'ipp', did you mean 'ip'?"));
  EXPECT_THAT(errors_after_partners("[[path]]\n  text   = 'a/ip -> c'\n"),
              ElementsAre("8:21 no partner 'c'"));
  const auto empty_name = errors_after_partners("[[path]]\ntext = \"a//ip\"\n");
  ASSERT_EQ(empty_name.size(), 1u);
  EXPECT_THAT(empty_name[0], ::testing::StartsWith("8:11 "));
}

TEST(ReadConfig, PathColumnsCountEscapesAsTheyStandInTheFile) {
  // \u0061 is 'a': one byte of the path text, six characters of the line.
  EXPECT_THAT(errors_after_partners("[[path]]\ntext = \"\\u0061/ipp -> b\"\n"),
              ElementsAre("8:16 no module 'ipp', did you mean 'ip'?"));
  EXPECT_THAT(errors_after_partners("[[path]]\ntext = \"a/ip (x=\\\"q\\\") -> nn\"\n"),
              ElementsAre("8:27 no partner 'nn'"));
}

TEST(ReadConfig, PathOverSeveralLinesPointsAtItsBegin) {
  EXPECT_THAT(errors_after_partners("[[path]]\ntext = '''\na/ipp'''\n"),
              ElementsAre("8:8 no module 'ipp', did you mean 'ip'?"));
}

TEST(ReadConfig, BadAddresses) {
  EXPECT_THAT(errors(R"([partner.a]
driver = "tap"
device = "t"
address = ["10.0.0.300/24", "10.0.0.1/33", 7, "fd00::1/0"]
)"),
              ElementsAre("4:12 '10.0.0.300/24' is not an IP prefix, as 10.0.0.0/24 or fd00::/64",
                          "4:29 '10.0.0.1/33' has a wrong prefix length: 0 to 32 was expected behind '/'",
                          "4:44 'address' is a whole number; expected a string",
                          "4:47 'fd00::1/0' covers every address; an address with its prefix was expected"));
  EXPECT_THAT(errors(R"([partner.a]
driver = "tap"
device = "t"
address = ["10.0.0.0/24", "10.0.1.255/24", "10.0.2.0/31", "10.0.3.0", "fd00::/64"]
)"),
              ElementsAre("4:12 '10.0.0.0/24' is the network itself; an address with its prefix was expected",
                          "4:27 '10.0.1.255/24' is the broadcast address of its network; an address with its "
                          "prefix was expected"));
  EXPECT_THAT(
      errors("[partner.u]\ndriver = \"udp\"\nlocal = \"127.0.0.1\"\nremote = \"127.0.0.1:0\"\n"),
      ElementsAre("3:9 '127.0.0.1' is not an address with a UDP port, as 127.0.0.1:4000 or [::1]:4000",
                  "4:10 '127.0.0.1:0' has a wrong port: 1 to 65535 was expected behind the last ':'"));
  EXPECT_THAT(errors_after_partners("[[route]]\nto = \"10.0.0.0/8\"\nvia = \"fd00::1\"\nport = \"a\"\n"),
              ElementsAre("9:7 gateway 'fd00::1' is of another family than '10.0.0.0/8'"));
}

TEST(ReadConfig, NothingTwice) {
  EXPECT_THAT(errors_after_partners("[partner.c]\ndriver = \"af_packet\"\ndevice = \"veth0\"\n"),
              ElementsAre("7:1 device 'veth0' stands already in line 1"));
  EXPECT_THAT(errors_after_partners("[[path]]\ntext = \"a/ip -> b\"\n[[path]]\ntext = \"a/ip->b\"\n"),
              ElementsAre("10:9 path 'a/ip -> b' stands already in line 8"));
  EXPECT_THAT(errors_after_partners("[[route]]\nto = \"10.0.0.0/8\"\nport = \"a\"\n"
                                    "[[route]]\nto = \"10.0.0.0/8\"\nport = \"b\"\n"),
              ElementsAre("10:1 route to 10.0.0.0/8 stands already in line 7"));
  const auto table_twice = errors("[partner.a]\ndriver=\"tap\"\ndevice=\"t\"\n[partner.a]\n");
  ASSERT_EQ(table_twice.size(), 1u);
  EXPECT_THAT(table_twice[0], ::testing::StartsWith("4:"));
}

TEST(ReadConfig, Joints) {
  EXPECT_THAT(errors_after_partners("[[joint]]\na = \"a\"\nb = \"a\"\n"),
              ElementsAre("7:1 a joint needs two partners, and 'a' is both"));
  EXPECT_THAT(errors_after_partners("[[joint]]\na = \"a\"\nb = \"x\"\n"), ElementsAre("9:5 no partner 'x'"));
  EXPECT_THAT(errors_after_partners("[[joint]]\na = \"a\"\nb = \"b\"\n[[path]]\ntext = \"a/ip\"\n"),
              ElementsAre("11:9 partner 'a' has a joint, so no path can begin or end there"));
}

// Found by fuzz_config: only the carriers of neighbours were looked at.
TEST(ReadConfig, CapsulesDoNotComeInByAJoint) {
  const std::string joint = "[[joint]]\na = \"a\"\nb = \"b\"\n[pan]\naddress = \"10.0.0.1\"\n";
  EXPECT_THAT(errors_after_partners(joint + "carriers = [\"a/ip/pan\"]\n"),
              ElementsAre("12:14 partner 'a' has a joint, so it cannot carry capsules"));
  EXPECT_THAT(
      errors_after_partners(joint + "[[pan.neighbour]]\naddress = \"10.0.0.2\"\ncarrier = \"b/ip/pan\"\n"),
      ElementsAre("14:12 partner 'b' has a joint, so it cannot carry capsules"));
}

// Found by fuzz_config: they passed --check, and the start then refused them.
TEST(ReadConfig, PanAddressesAreThoseThatPanTakes) {
  const auto route = [](const std::string& to) {
    return errors_after_partners(
        "[pan]\naddress = \"10.0.0.1\"\n[[pan.neighbour]]\naddress = \"10.0.0.2\"\ncarrier = \"a/ip/pan\"\n"
        "[[pan.route]]\nto = \"" +
        to + "\"\nvia = \"10.0.0.2\"\n");
  };
  EXPECT_THAT(route("10.5.0.0/8"),
              ElementsAre("13:6 '10.5.0.0/8' has bits behind its prefix; 10.0.0.0/8 was expected"));
  EXPECT_THAT(route("::ffff:10.0.0.0/104"), ElementsAre());
  for (const char* text : {"::", "[::1]:4000"}) {
    EXPECT_THAT(errors_after_partners(std::string("[pan]\naddress = \"") + text + "\"\n"),
                ElementsAre(std::string("8:11 '") + text +
                            "' is not the address of an active node, as 10.0.0.1 or 127.0.0.1:4000"));
  }
}

// Found by fuzz_config: a key or value with an escape went to the terminal as it was.
TEST(ReadConfig, AnErrorIsOneLineWithoutControlCharacters) {
  EXPECT_THAT(errors_after_partners(
                  "[node]\n\"a\\nb\\u001b[2J\" = 1\n[[route]]\nto = \"\\u007f\\u00e9\"\nport = \"a\"\n"),
              ElementsAre("8:1 unknown key 'a\\x0ab\\x1b[2J' in [node]",
                          "10:6 '\\x7f\u00e9' is not an IP prefix, as 10.0.0.0/24 or fd00::/64"));
}

TEST(ReadConfig, ADatagramHoldsThePacket) {
  const std::string udp =
      "[partner.u]\ndriver = \"udp\"\nlocal = \"127.0.0.1:1\"\nremote = \"127.0.0.1:2\"\n";
  EXPECT_THAT(errors(udp + "mtu = 65489\n"), ElementsAre());
  EXPECT_THAT(errors(udp + "mtu = 65490\n"), ElementsAre("5:7 'mtu' is 65490; expected 68 to 65489"));
}

TEST(ReadConfig, CodeOfPan) {
  auto [config, wrong] = parse(std::string(kPartners) +
                               "[pan]\naddress = \"10.0.0.1\"\ncode = \"/var/lib/code\"\n"
                               "engine = \"interpreter\"\nbudget = 500\n");
  ASSERT_TRUE(wrong.empty()) << wrong[0].sentence;
  EXPECT_EQ(config.pan->code->value, "/var/lib/code");
  EXPECT_TRUE(config.pan->interpreted);
  EXPECT_EQ(config.pan->budget, 500u);
}

TEST(ReadConfig, Pan) {
  auto [config, wrong] = parse(std::string(kPartners) +
                               "[pan]\naddress = \"10.0.0.1\"\n[[pan.neighbour]]\n"
                               "address = \"127.0.0.1:4000\"\ncarrier = \"a/ip/udp\"\n"
                               "[[pan.route]]\nto = \"default\"\nvia = \"127.0.0.1:4000\"\n");
  ASSERT_TRUE(wrong.empty()) << wrong[0].sentence;
  ASSERT_TRUE(config.pan.has_value());
  ASSERT_EQ(config.pan->carriers.size(), 1u);
  EXPECT_EQ(config.pan->carriers[0].value, "a/ip/udp");
  EXPECT_EQ(config.pan->routes[0].to.value, "default");
  EXPECT_FALSE(config.pan->code.has_value());
  EXPECT_FALSE(config.pan->interpreted);
  EXPECT_EQ(config.pan->budget, 100'000u);
  EXPECT_THAT(errors_after_partners("[pan]\n[[pan.neighbour]]\naddress = \"x\"\ncarrier = \"a/ipp\"\n"
                                    "[[pan.route]]\nto = \"1.2.3.4/40\"\nfrom = 1\n"),
              ElementsAre("7:1 [pan] needs 'address'",
                          "9:11 'x' is not the address of an active node, as 10.0.0.1 or 127.0.0.1:4000",
                          "10:14 no module 'ipp', did you mean 'ip'?", "11:1 [[pan.route]] needs 'via'",
                          "12:6 '1.2.3.4/40' has a wrong prefix length: 0 to 32 was expected behind '/'",
                          "13:1 unknown key 'from' in [[pan.route]]"));
}

TEST(ReadConfig, PanNeighboursAndRoutesFitTogether) {
  EXPECT_THAT(errors_after_partners("[pan]\naddress = \"10.0.0.1\"\n"
                                    "[[pan.neighbour]]\naddress = \"10.0.0.1\"\ncarrier = \"a/ip/udp\"\n"
                                    "[[pan.neighbour]]\naddress = \"10.0.0.2\"\ncarrier = \"a/ip/udp\"\n"
                                    "[[pan.neighbour]]\naddress = \"10.0.0.2\"\ncarrier = \"b/ip/udp\"\n"
                                    "[[pan.route]]\nto = \"10.0.0.2/32\"\nvia = \"10.0.0.2\"\n"
                                    "[[pan.route]]\nto = \"default\"\nvia = \"10.0.0.3\"\n"),
              ElementsAre("10:11 '10.0.0.1' is this node itself; the address of another was expected",
                          "16:11 neighbour 10.0.0.2 stands already in line 13",
                          "19:6 route to 10.0.0.2/32 stands already in line 13",
                          "23:7 no [[pan.neighbour]] has the address '10.0.0.3', did you mean '10.0.0.1'?"));
}

TEST(ReadConfig, TheKernelHasTheAddressesOfItsInterfaces) {
  const std::string partner =
      "[partner.a]\ndriver = \"af_packet\"\ndevice = \"eth0\"\naddress = [\"10.0.0.1/24\"]\n";
  EXPECT_THAT(errors(partner), ElementsAre("4:12 the kernel has the addresses of 'eth0': set it there, with "
                                           "'ip address add 10.0.0.1/24 dev eth0'"));
  EXPECT_THAT(errors("[node]\nkernel_routes = false\n" + partner), ElementsAre());
}

TEST(ReadConfig, Ees) {
  const auto [config, wrong] = parse(kPartners + std::string(R"~(
[ee.echo]
load = "./echo.so"
args = ["a/ip/udp", "(dstport=7)"]
[ee.far]
exec = ["/usr/lib/far", "7"]
user = "games"
read = ["/usr/share/weft", "/etc/hosts"]
memory = "64M"
cpu = 50
restart = "always"
isolate = false
[ee.plain]
exec = ["/usr/lib/plain"]
restart = "never"
)~"));
  ASSERT_TRUE(wrong.empty()) << wrong[0].sentence;
  ASSERT_EQ(config.ees.size(), 3u);
  const EeConfig &echo = config.ees[0], &far = config.ees[1], &plain = config.ees[2];
  EXPECT_EQ(echo.name, "echo");
  EXPECT_FALSE(echo.own_process);
  ASSERT_EQ(echo.command.size(), 3u);
  EXPECT_EQ(echo.command[2].value, "(dstport=7)");
  EXPECT_EQ(echo.restart, RestartWhen::kOnFailure);
  EXPECT_TRUE(far.own_process && !far.isolate);
  EXPECT_EQ(far.user->value, "games");
  ASSERT_EQ(far.read.size(), 2u);
  EXPECT_EQ(far.read[1].value, "/etc/hosts");
  EXPECT_EQ(far.memory, 64u << 20);
  EXPECT_EQ(far.cpu_percent, 50u);
  EXPECT_EQ(far.restart, RestartWhen::kAlways);
  EXPECT_TRUE(plain.isolate && !plain.user && plain.memory == 0 && plain.cpu_percent == 0);
  EXPECT_EQ(plain.restart, RestartWhen::kNever);
  EXPECT_EQ(plain.session.packets, 1024u);
  EXPECT_EQ(plain.session.objects, 4096u);
}

TEST(ReadConfig, EesHaveNamesAndSharedObjectsOfTheirOwn) {
  EXPECT_THAT(errors_after_partners("[ee.node]\nload = './x.so'\n[ee.pan]\nload = './y.so'\n"),
              ElementsAre("7:1 'node' is what the node's own domains are shown as",
                          "9:1 'pan' is the name of an EE that weftd brings along"));
  EXPECT_THAT(errors_after_partners("[ee.one]\nload = './x.so'\n[ee.two]\nload = './lib/.././x.so'\n"),
              ElementsAre("10:8 shared object 'x.so' stands already in line 8"));
  EXPECT_THAT(errors_after_partners("[ee.one]\nexec = ['/x']\n[ee.two]\nexec = ['/x']\n"), ElementsAre());
}

TEST(ReadConfig, WeftAndEesHaveASocketEach) {
  EXPECT_THAT(errors_after_partners("[snow]\nsocket = '/run//weft/weft.sock'\n"),
              ElementsAre("8:10 '/run//weft/weft.sock' is where weft reaches the node; another socket was "
                          "expected"));
  EXPECT_THAT(errors_after_partners("[control]\nsocket = '/run/weft/snow.sock'\n[snow]\n").size(), 1u);
  EXPECT_THAT(errors_after_partners("[control]\nsocket = '/run/weft/snow.sock'\n"), ElementsAre());
}

TEST(ReadConfig, WhatFilesMayTake) {
  const auto [config, wrong] = parse(kPartners + std::string(R"~([node]
files = "/srv/ee"
files_bytes = 1000
[ee.same]
load = "./same.so"
[ee.other]
exec = ["/usr/lib/other"]
files_bytes = 2000
files_number = 3
)~"));
  ASSERT_TRUE(wrong.empty()) << wrong[0].sentence;
  EXPECT_EQ(config.ees[0].files.bytes, 1000u);
  EXPECT_EQ(config.ees[0].files.number, 4096u);
  EXPECT_EQ(config.ees[1].files.bytes, 2000u);
  EXPECT_EQ(config.ees[1].files.number, 3u);
  EXPECT_THAT(errors_after_partners("[ee.x]\nload = './x.so'\nfiles_bytes = 1\n"),
              ElementsAre("9:15 EEs have no files here: [node] says no 'files'"));
}

TEST(ReadConfig, WhatSessionsMayHave) {
  const auto [config, wrong] = parse(kPartners + std::string(R"~([snow]
packets = 128
objects = 50
[ee.same]
exec = ["/usr/lib/same"]
[ee.other]
exec = ["/usr/lib/other"]
packets = 256
)~"));
  ASSERT_TRUE(wrong.empty()) << wrong[0].sentence;
  EXPECT_EQ(config.snow->each.packets, 128u);
  EXPECT_EQ(config.ees[0].session.packets, 128u);
  EXPECT_EQ(config.ees[0].session.objects, 50u);
  EXPECT_EQ(config.ees[1].session.packets, 256u);
  EXPECT_EQ(config.ees[1].session.objects, 50u);
  EXPECT_THAT(
      errors_after_partners("[ee.x]\nexec = ['/x']\npackets = 63\nobjects = 0\n"),
      ElementsAre("9:11 'packets' is 63; expected 64 to 65536", "10:11 'objects' is 0; expected 1 to 65536"));
  EXPECT_THAT(errors_after_partners("[ee.x]\nload = './x.so'\npackets = 64\n"),
              ElementsAre(::testing::StartsWith("9:11 'packets' is of a process")));
}

TEST(ReadConfig, MistakesInEes) {
  // Behind the partners, which take six lines.
  const auto one = [](const std::string& text) {
    const auto found = errors_after_partners("[ee.x]\n" + text);
    return found.size() == 1 ? found[0] : std::to_string(found.size()) + " errors";
  };
  EXPECT_EQ(one(""), "7:1 [ee.x] needs 'load' or 'exec'");
  EXPECT_EQ(one("load = './x.so'\nexec = ['/x']\n"),
            "7:1 [ee.x] has both 'load' and 'exec'; one of them was expected");
  EXPECT_THAT(one("load = 'x.so'\n"), ::testing::StartsWith("8:8 'x.so' is no path of a shared object"));
  EXPECT_THAT(one("exec = ['x']\n"), ::testing::StartsWith("8:9 'x' is no path of a program"));
  EXPECT_EQ(one("exec = []\n"), "8:8 'exec' is empty; the program and its arguments were expected");
  EXPECT_EQ(one("exec = ['/x']\nmemory = '64'\n"), "9:10 '64' is not a size from 1M to 16T, as '64M'");
  EXPECT_EQ(one("exec = ['/x']\nmemory = '17T'\n"), "9:10 '17T' is not a size from 1M to 16T, as '64M'");
  EXPECT_EQ(one("exec = ['/x']\nmemory = '99999999999999999999M'\n"),
            "9:10 '99999999999999999999M' is not a size from 1M to 16T, as '64M'");
  EXPECT_EQ(one("exec = ['/x']\nmemory = 1000\n"),
            "9:10 'memory' is 1000; expected 1048576 to 17592186044416");
  EXPECT_EQ(one("exec = ['/x']\nmemory = true\n"),
            "9:10 'memory' is true or false; expected a size: a number of bytes, or a text such as '64M'");
  EXPECT_EQ(one("exec = ['/x']\ncpu = 0\n"), "9:7 'cpu' is 0; expected 1 to 102400");
  EXPECT_EQ(one("exec = ['/x']\nuser = ''\n"), "9:8 'user' is empty; a name or a number was expected");
  EXPECT_EQ(one("exec = ['/x']\nread = ['/usr', 'share']\n"),
            "9:17 'share' is no path that begins with '/'; one was expected");
  EXPECT_EQ(one("exec = ['/x']\nread = ['/', '/', '/', '/', '/', '/', '/', '/', '/', '/', '/', '/', '/', "
                "'/', '/', '/', '/']\n"),
            "9:8 'read' has more than 16 paths");
  EXPECT_THAT(one("load = './x.so'\nread = ['/usr']\n"), ::testing::StartsWith("9:8 'read' is of a process"));
  EXPECT_EQ(one("exec = ['/x']\nargs = ['7']\n"),
            "9:8 the arguments of a program stand in 'exec', behind it");
  EXPECT_THAT(one("load = './x.so'\nmemory = '64M'\n"),
              ::testing::StartsWith("9:10 'memory' is of a process"));
  EXPECT_EQ(
      one("load = './x.so'\nrestart = 'allways'\n"),
      "9:11 no restart 'allways', did you mean 'always'?; expected one of 'never', 'on-failure', 'always'");
  EXPECT_EQ(one("exec = ['/x', \"a\\u0000b\"]\n"), "8:15 an argument cannot hold a byte 0");
  EXPECT_EQ(errors_after_partners("[ee.pan]\nload = './x.so'\n")[0],
            "7:1 'pan' is the name of an EE that weftd brings along");
}

TEST(ReadConfig, LongPathsPointAtTheirCharacterToo) {
  const std::string text = "a/ip (src=" + std::string(200, '1') + ", =2)";
  const auto found = errors_after_partners("[[path]]\ntext = \"" + text + "\"\n");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_THAT(found[0], ::testing::StartsWith("8:" + std::to_string(8 + text.find(" =2") + 2) + " "));
}

TEST(ReadConfig, WiresHaveTwoEnds) {
  EXPECT_THAT(errors("[partner.a]\ndriver = \"loop\"\nwire = \"w\"\n"),
              ElementsAre("1:1 wire 'w' has 1 end; two loop partners name one wire"));
  EXPECT_THAT(errors_after_partners("[wire.z]\nloss = 1.5\nreorder = 0.1\n"),
              ElementsAre("7:1 no loop partner names wire 'z'", "8:8 'loss' is outside 0 to 1",
                          "9:11 'reorder' needs a 'delay_us'"));
}

TEST(ReadConfig, ANodeWithoutPartnersIsRefused) {
  EXPECT_THAT(errors(""), ElementsAre("1:1 no partner: a node needs at least one [partner.NAME]"));
}

TEST(ReadConfig, NamesAreThoseOfPathTexts) {
  EXPECT_THAT(errors("[partner.\"a b\"]\ndriver = \"tap\"\ndevice = \"t/t\"\n"),
              ElementsAre("1:1 'a b' is not a name: a letter, then letters, digits, '_', '-' or '.'",
                          "3:10 't/t' cannot be the name of an interface: 1 to 15 bytes, no '/' or space"));
}

TEST(ReadConfig, Principals) {
  const auto read = parse(std::string(kPartners) + R"toml([principal.alice]
issuer = "ca.pem"
subject = "CN=alice"
memory = 1000000
bandwidth = 8000000
domains = 2
channels = 3
threads = 5
priority = 7
cpu = 25
paths = ["a/ip/udp (dstport=7000-7999)", "a/ip -> b"]
[principal.worker]
uid = 1000
[principal.bob]
certificate = "bob.pem"
)toml");
  ASSERT_TRUE(read.errors.empty()) << read.errors[0].sentence;
  ASSERT_EQ(read.config.principals.size(), 3u);
  const PrincipalConfig& alice = read.config.principals[0];
  EXPECT_EQ(alice.name, "alice");
  EXPECT_EQ(alice.issuer->value, "ca.pem");
  EXPECT_EQ(alice.subject->value, "CN=alice");
  EXPECT_FALSE(alice.uid || alice.certificate);
  EXPECT_EQ(alice.memory, 1000000u);
  EXPECT_EQ(alice.bandwidth, 8000000u);
  EXPECT_EQ(alice.domains, 2u);
  EXPECT_EQ(alice.channels, 3u);
  EXPECT_EQ(alice.threads, 5u);
  EXPECT_EQ(alice.priority, 7u);
  EXPECT_EQ(alice.cpu_percent, 25u);
  ASSERT_EQ(alice.paths.size(), 2u);
  EXPECT_EQ(alice.paths[0].value, "a/ip/udp (dstport=7000-7999)");
  EXPECT_EQ(*read.config.principals[1].uid, 1000u);
  EXPECT_EQ(read.config.principals[1].bandwidth, 0u);
  EXPECT_EQ(read.config.principals[2].certificate->value, "bob.pem");
}

TEST(ReadConfig, SizesAreNumbersOrTexts) {
  const auto read = parse(std::string(kPartners) + R"toml([principal.alice]
uid = 1
memory = "3M"
[principal.bob]
uid = 2
memory = "1T"
[principal.carol]
uid = 3
memory = "0K"
[ee.x]
exec = ["/x"]
memory = 67108864
)toml");
  ASSERT_TRUE(read.errors.empty()) << read.errors[0].sentence;
  EXPECT_EQ(read.config.principals[0].memory, 3u << 20);
  EXPECT_EQ(read.config.principals[1].memory, uint64_t{1} << 40);
  EXPECT_EQ(read.config.principals[2].memory, 0u);
  EXPECT_EQ(read.config.ees[0].memory, 64u << 20);
  EXPECT_THAT(errors_after_partners("[principal.alice]\nuid = 1\nmemory = '2T'\n"),
              ElementsAre("9:10 '2T' is not a size from 0 to 1T, as '64M'"));
  EXPECT_THAT(errors_after_partners("[principal.alice]\nuid = 1\nmemory = '-1M'\n"),
              ElementsAre("9:10 '-1M' is not a size from 0 to 1T, as '64M'"));
}

TEST(ReadConfig, PrincipalsMustBeToldApartAndBounded) {
  EXPECT_THAT(
      errors_after_partners("[principal.alice]\nmemory = 1\n"),
      ElementsAre("7:1 [principal.alice] needs 'uid', 'certificate', or 'issuer' and 'subject', or an "
                  "[ee.NAME] whose 'principal' it is"));
  EXPECT_THAT(errors_after_partners("[principal.alice]\nissuer = \"ca.pem\"\n"),
              ElementsAre("8:10 'issuer' and 'subject' go together"));
  EXPECT_THAT(errors_after_partners("[principal.alice]\nuid = 1\npaths = [\"a/ip/upd\"]\n"),
              ElementsAre(::testing::HasSubstr("9:16 no module 'upd'")));
  EXPECT_EQ(errors_after_partners("[principal.alice]\nuid = -1\npriority = 8\nbandwith = 9\n").size(), 3u);
}

TEST(ReadConfig, WhomEesDrawOn) {
  const auto [config, wrong] = parse(kPartners + std::string(R"~([principal.tenant]
channels = 4
[ee.echo]
load = "./echo.so"
principal = "tenant"
[ee.far]
exec = ["/usr/lib/far"]
principal = "tenant"
[ee.plain]
exec = ["/usr/lib/plain"]
[pan]
address = "10.0.0.1"
principal = "tenant"
)~"));
  ASSERT_TRUE(wrong.empty()) << wrong[0].sentence;
  EXPECT_EQ(config.ees[0].principal->value, "tenant");
  EXPECT_EQ(config.ees[1].principal->value, "tenant");
  EXPECT_FALSE(config.ees[2].principal);
  EXPECT_EQ(config.pan->principal->value, "tenant");

  const std::string tenant = "[principal.tenant]\nuid = 7\n";  // two lines behind the partners' six
  EXPECT_THAT(errors_after_partners(tenant + "[ee.x]\nload = './x.so'\nprincipal = 'tenand'\n"),
              ElementsAre("11:13 no principal 'tenand', did you mean 'tenant'?"));
  EXPECT_THAT(errors_after_partners(tenant + "[pan]\naddress = '10.0.0.1'\nprincipal = 'x'\n"),
              ElementsAre(::testing::StartsWith("11:13 no principal 'x'")));
  EXPECT_THAT(errors_after_partners("[ee.x]\nload = './x.so'\nprincipal = 7\n"),
              ElementsAre(::testing::StartsWith("9:")));
}

TEST(ReadConfig, FilesThatCannotBeRead) {
  const auto missing = read_config("/nonexistent/w.toml", kModules);
  ASSERT_EQ(missing.errors.size(), 1u);
  EXPECT_EQ(at("w.toml", missing.errors[0].at, missing.errors[0].sentence),
            "w.toml: No such file or directory");
  EXPECT_EQ(read_config("/", kModules).errors.size(), 1u);
  const std::string big = ::testing::TempDir() + "big.toml";
  std::ofstream(big) << std::string((1 << 20) + 1, '#');
  const auto too_big = read_config(big, kModules);
  std::remove(big.c_str());
  ASSERT_EQ(too_big.errors.size(), 1u);
  EXPECT_EQ(too_big.errors[0].sentence, "is larger than 1 MiB");
}

}  // namespace
}  // namespace weft
