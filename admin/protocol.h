// SPDX-License-Identifier: Apache-2.0
// The admin protocol: how weft and other tools speak with weftd.
//
// A Unix stream socket; each message is one line of JSON.
//
//   weftd   {"hello":"weftd","version":"0.1.0","v":[1,1]}       oldest and newest protocol it speaks
//   client  {"v":1,"do":"show","what":"run"}
//   weftd   {"v":1,"ok":true,"data":{...}}
//   weftd   {"v":1,"ok":false,"error":"a sentence"}
//
// A request that starts a stream (trace, capture) is answered by an ok line, then
// one line for each record, and at last {"v":1,"end":true,...}.  The client ends a
// stream early by closing.  Keys are only ever added; who meets an unknown key
// ignores it.
//
// Threads: plain functions.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/result.h"

namespace weft::admin {

using Json = nlohmann::ordered_json;

constexpr int kOldest = 1, kNewest = 1;
constexpr size_t kMaxRequest = 64 * 1024;        // bytes of a line to weftd
constexpr size_t kMaxReply = 256 * 1024 * 1024;  // bytes of a line from weftd

// One line, with its newline.  Bytes that are not UTF-8 are replaced.
std::string to_line(const Json& message);

Json hello();
Json ok(Json data);
Json failed(std::string_view sentence);
Json end_of_stream(Json facts);

// A request is an object with "v" in range and "do".  Errors: kInvalid, kUnsupported.
Result<Json> parse_request(std::string_view line);

// Reads of a request.  Errors: kInvalid, naming the key and what was expected.
Result<std::string> text_of(const Json& request, const char* key);
Result<uint64_t> number_of(const Json& request, const char* key, uint64_t otherwise, uint64_t highest);

// For packets inside JSON (RFC 4648 section 4).
std::string to_base64(std::string_view bytes);
Result<std::string> from_base64(std::string_view text);

}  // namespace weft::admin
