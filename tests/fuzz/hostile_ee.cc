// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/hostile_ee.h"

#include <string_view>

namespace weft::fuzz {

using namespace snow;

namespace {

#define X(number, name, request, reply) +1
constexpr uint8_t kCalls = 0 WEFT_SNOW_CALLS(X);
#undef X

constexpr char kPaths[] = "a/b/../../c";  // "a", "a/b", "..", "../c" and others lie in it

// Whether a handle stands at the beginning of the call's reply.
bool makes(Call call) {
  switch (call) {
#define X(number, name, request, reply)                                            \
  case Call::k##name:                                                              \
    return std::is_same_v<reply, Created> || std::is_same_v<reply, ChanCreated> || \
           std::is_same_v<reply, Crossing> || std::is_same_v<reply, CredCreated>;
    WEFT_SNOW_CALLS(X)
#undef X
  }
  return false;
}

}  // namespace

HostileEe::HostileEe(test::SnowLine& line, const SessionLimits& limits) : line_(line), ee_(line, limits) {}

// Handles and openings stand at the beginning of what a call made.
void HostileEe::learn() {
  for (;;) {
    const auto answer = ee_.hear();
    Header header{};
    if (answer.size() < sizeof header) return;
    std::memcpy(&header, answer.data(), sizeof header);
    if (header.kind != Kind::kReply || header.status != AN_OK || !makes(Call(header.call))) continue;
    ChanCreated made{};
    std::memcpy(&made, answer.data() + sizeof header, std::min(sizeof made, answer.size() - sizeof header));
    if (made.handle != 0 && handles_.size() < 64) handles_.push_back(made.handle);
    if (made.opening != 0 && openings_.size() < 64) openings_.push_back(made.opening);
  }
}

uint64_t HostileEe::handle(uint8_t choice) const { return handles_[choice % handles_.size()]; }

// Any call, with a handle in front and any bytes behind it; seldom one that ends the session at
// once, so that others follow.
void HostileEe::call(Input& input) {
  const uint8_t any = input.byte();
  const bool wild = any >= 252;
  const auto number = uint16_t(wild || (any > 1 && any <= kCalls) ? any : 2 + any % (kCalls - 1));
  const uint64_t first = handle(input.byte());
  const auto rest = input.bytes(input.byte());
  std::vector<uint8_t> body(sizeof first + rest.size());
  std::memcpy(body.data(), &first, sizeof first);
  std::copy(rest.begin(), rest.end(), body.begin() + sizeof first);
  const size_t least = input.byte();
  body.resize(std::max(body.size(), wild ? least : size_t{256}));
  ee_.request(number, body.data(), body.size());
}

// A call that makes something, as the library would put it but for its handles.
void HostileEe::make(Input& input) {
  static constexpr const char kTexts[] = "ee0ee0/pan";  // "ee0" and "ee0/pan" lie in it
  const uint8_t what = input.byte();
  if (what & 32) return make_of_two(what, input);
  const uint64_t domain = handle(input.byte()), key = what & 8 ? handle(input.byte()) : 0;
  const ChanSpec spec{what & 16 ? Text{0, 3} : Text{3, 7}, {}, {}};
  switch (what % 5) {
    case 0: {
      const DomainCreate r{domain, 7};
      return ee_.request(uint16_t(Call::kDomainCreate), &r, sizeof r);
    }
    case 1: {
      const ChanCreate r{domain, key, spec};
      return ee_.request(uint16_t(Call::kInchanCreate), &r, sizeof r, kTexts, sizeof kTexts);
    }
    case 2: {
      const ChanCreate r{domain, key, spec};
      return ee_.request(uint16_t(Call::kOutchanCreate), &r, sizeof r, kTexts, sizeof kTexts);
    }
    case 3: {
      const CutChanCreate r{domain, key, spec, spec};
      return ee_.request(uint16_t(Call::kCutchanCreate), &r, sizeof r, kTexts, sizeof kTexts);
    }
    default: {
      const One r{handle(input.byte())};
      return ee_.request(uint16_t(Call::kInchanResume), &r, sizeof r);
    }
  }
}

// A call on files, as the library would put it but for its handles and numbers.
void HostileEe::use_files(Input& input) {
  static const std::vector<uint8_t> bytes(AN_FILE_TRANSFER);
  const uint8_t what = input.byte();
  const uint64_t object = handle(input.byte());
  const uint8_t number = input.byte();
  const auto path = [&] { return Text{uint32_t(input.byte() % 12), uint32_t(input.byte() % 12)}; };
  const auto ask = [&](Call call, const auto& r, const void* texts = kPaths, size_t n = sizeof kPaths) {
    ee_.request(uint16_t(call), &r, sizeof r, texts, n);
  };
  switch (what % 8) {
    case 0:
      return ask(Call::kOpen, snow::OpenPath{object, path(), number, 0});
    case 1:
      return ask(Call::kOpendir, snow::OpenPath{object, path(), 0, 0});
    case 2: {
      const WriteFile r{object, int64_t(input.number16()) << number % 47, {0, input.number16()}};
      return ask(what & 8 ? Call::kPwrite : Call::kWrite, r, bytes.data(), input.number16());
    }
    case 3: {
      const ReadFile r{object, int64_t(number) << (what & 0x30), uint32_t(input.number16()) << (what >> 4),
                       0};
      return ask(what & 8 ? Call::kPread : Call::kRead, r);
    }
    case 4:
      if (what & 8) return ask(Call::kFtruncate, TruncateFile{object, int64_t(number) << (what & 0x30)});
      return ask(Call::kLseek, SeekFile{object, int8_t(number), what >> 4, 0});
    case 5: {
      constexpr Call kAll[] = {Call::kStat, Call::kMkdir, Call::kRmdir, Call::kUnlink};
      return ask(kAll[number % 4], DomainPath{object, path()});
    }
    case 6:
      return ask(Call::kRename, RenamePath{object, path(), path()});
    default: {
      constexpr Call kAll[] = {Call::kClose,   Call::kFsync,    Call::kFstat,
                               Call::kReaddir, Call::kClosedir, Call::kFilesGetStats};
      return ask(kAll[number % 6], One{object});
    }
  }
}

// What is made of what was made before, or of what the node said.
void HostileEe::make_of_two(uint8_t what, Input& input) {
  static constexpr std::string_view kBytes =
      "(dst=10.0.0.2)-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
  switch (what % 4) {
    case 0: {
      const uint64_t in = handle(input.byte());
      const CutchanConnect r{in, handle(input.byte())};
      return ee_.request(uint16_t(Call::kCutchanConnect), &r, sizeof r);
    }
    case 1: {
      const SendaddrCreate r{handle(input.byte()), {0, what & 64 ? input.byte() : 14u}};
      return ee_.request(uint16_t(Call::kSendaddrCreate), &r, sizeof r, kBytes.data(), kBytes.size());
    }
    case 2: {
      const CredCreate r{uint32_t(what & 64 ? AN_CRED_LOCAL : AN_CRED_X509),
                         0,
                         {14, uint32_t(kBytes.size() - 14)},
                         {0, input.byte()}};
      return ee_.request(uint16_t(Call::kCredCreate), &r, sizeof r, kBytes.data(), kBytes.size());
    }
    default: {
      const Nothing r{};
      return ee_.request(uint16_t(Call::kCredChallenge), &r, sizeof r);
    }
  }
}

void HostileEe::poke(Input& input) {
  const ShmLayout& layout = ee_.memory->layout();
  const size_t regions[] = {0, layout.rx_descriptors(), layout.tx_descriptors(), layout.fill_offsets(),
                            layout.packets()};
  const size_t at = regions[input.byte() % 5] + input.number16();
  const auto bytes = input.bytes(input.byte());
  for (size_t i = 0; i < bytes.size() && at + i < layout.size(); ++i) {
    __atomic_store_n(ee_.memory->base() + at + i, bytes[i], __ATOMIC_RELAXED);
  }
}

// A descriptor of tx, with much of it as it should be; at the place where the node looks, even
// if somebody else has sent meanwhile.
void HostileEe::send(Input& input) {
  const ShmLayout& layout = ee_.memory->layout();
  const uint32_t taken = ee_.memory->control().tx_taken.load(std::memory_order_relaxed);
  if (taken - tx_ <= layout.entries) tx_ = taken;
  ShmDescriptor& d = ee_.memory->tx_descriptors()[tx_ & (layout.entries - 1)];
  d.opening = openings_[input.byte() % openings_.size()];
  d.offset = uint32_t(layout.packets() + input.number16());
  d.length = input.number16();
  d.more = input.byte() & 1;
  __atomic_store_n(&d.turn, ++tx_, __ATOMIC_RELEASE);
}

void HostileEe::lend(Input& input) {
  const ShmLayout& layout = ee_.memory->layout();
  ee_.memory->fill_offsets()[fill_ & (layout.entries - 1)] =
      uint32_t(layout.packets() + input.number16() * 64u);
  ee_.memory->control().fill_lent.store(++fill_, std::memory_order_release);
}

bool HostileEe::act(Input& input) {
  const uint8_t any = input.byte();
  const uint8_t deed = any % 11;
  if (any == 0) {
    const auto message = input.bytes(input.number16());
    ee_.say(message.data(), message.size());
  } else if (deed == 1 && !ee_.memory) {
    if (!ee_.greet()) return ee_.session.has_value();
    knows(ee_.root);
  } else if (deed <= 2) {
    call(input);
  } else if (deed <= 4) {
    make(input);
  } else if (deed == 8) {
    const auto bytes = input.bytes(input.byte());
    line_.inject_ee({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  } else if (deed == 10) {
    use_files(input);
  } else if (deed == 9 || deed == 0) {
    line_.rounds(3);
    line_.take_ee();
  } else if (ee_.memory) {
    deed == 5 ? poke(input) : deed == 6 ? send(input) : lend(input);
  }
  const bool goes_on = ee_.serve();
  learn();
  return goes_on;
}

}  // namespace weft::fuzz
