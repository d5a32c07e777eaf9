// SPDX-License-Identifier: Apache-2.0
// Calls on prepared addresses, and on two channels that are made one.  (SendTo and Handoff are
// no calls: their packets go by the rings.)
#include "nodeos_api/send_addr.h"
#include "nodeos_api/snow/calls.h"

namespace weft::snow {

int serve_SendaddrCreate(Exchange& x, const SendaddrCreate& r, Crossing& made) {
  an_OutChan channel = x.session.real<OutChanKind>(r.channel);
  OptionalText address;
  if (channel == nullptr || !x.read(r.address, &address) || !x.session.has_room()) return an_errno();
  an_SendAddr real = an_sendaddrCreate(nullptr, channel, address.c_str());
  if (real == nullptr) return an_errno();
  auto opening = x.session.border().open(*find<SendAddr>(real));
  if (!opening) {
    an_sendaddrDestroy(real);
    return fail(opening.error());
  }
  made.handle = x.session.handles().give<SendAddrKind>(real, *opening);
  made.opening = opening->id;
  return AN_OK;
}

int serve_SendaddrDestroy(Exchange& x, const One& r, Nothing&) {
  an_SendAddr real = x.session.real<SendAddrKind>(r.handle);
  return real != nullptr ? an_sendaddrDestroy(real) : an_errno();
}

int serve_CutchanConnect(Exchange& x, const CutchanConnect& r, Created& made) {
  an_InChan in = x.session.real<InChanKind>(r.in);
  an_OutChan out = in != nullptr ? x.session.real<OutChanKind>(r.out) : nullptr;
  if (out == nullptr || !x.session.has_room()) return an_errno();
  an_CutChan real = an_cutchanConnect(nullptr, in, out);
  if (real == nullptr) return an_errno();
  made.handle = x.session.handles().give<CutChanKind>(real);
  return AN_OK;
}

}  // namespace weft::snow
