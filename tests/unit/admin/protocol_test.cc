// SPDX-License-Identifier: Apache-2.0
#include "admin/protocol.h"

#include <gtest/gtest.h>

#include "admin/line_buffer.h"

namespace weft::admin {
namespace {

std::string refusal(std::string_view line) {
  const auto request = parse_request(line);
  return request ? "" : request.error().sentence;
}

TEST(AdminProtocol, AGoodRequest) {
  const auto request = parse_request(R"({"v":1,"do":"show","what":"run","later":[1]})");
  ASSERT_TRUE(request);
  EXPECT_EQ(*text_of(*request, "what"), "run");
  EXPECT_EQ(*number_of(*request, "count", 7, 10), 7u);
}

TEST(AdminProtocol, BadRequestsAreToldWhy) {
  EXPECT_EQ(refusal("show run"), "the request is not JSON");
  EXPECT_EQ(refusal(""), "the request is not JSON");
  EXPECT_EQ(refusal("\xff\xfe"), "the request is not JSON");
  EXPECT_EQ(refusal("[1]"), "the request is not a JSON object");
  EXPECT_EQ(refusal(R"({"do":"show"})"), "the request has no whole number 'v'");
  EXPECT_EQ(refusal(R"({"v":1.5,"do":"show"})"), "the request has no whole number 'v'");
  EXPECT_EQ(refusal(R"({"v":99,"do":"show"})"), "this weftd speaks version 1, not 99");
  EXPECT_EQ(refusal(R"({"v":1})"), "the request has no 'do'");
  EXPECT_EQ(refusal(R"({"v":1,"do":3})"), "'do' is not a string");
  EXPECT_NE(refusal(std::string(60000, '[')), "");
}

TEST(AdminProtocol, NumbersAreBounded) {
  const auto request = *parse_request(R"({"v":1,"do":"x","a":-1,"b":11,"c":"1","d":1e3,"e":10})");
  for (const char* key : {"a", "b", "c", "d"}) EXPECT_FALSE(number_of(request, key, 0, 10)) << key;
  EXPECT_EQ(*number_of(request, "e", 0, 10), 10u);
}

TEST(AdminProtocol, BytesThatAreNotUtf8DoNotBreakAReply) {
  EXPECT_EQ(to_line(failed("a\xff"
                           "b")),
            "{\"v\":1,\"ok\":false,\"error\":\"a\xef\xbf\xbd"
            "b\"}\n");
}

TEST(AdminProtocol, Base64ComesBack) {
  std::string bytes;
  for (int i = 0; i < 260; ++i) {
    EXPECT_EQ(*from_base64(to_base64(bytes)), bytes);
    bytes += char(i * 7);
  }
  EXPECT_EQ(to_base64("foob"), "Zm9vYg==");  // RFC 4648 section 10
  for (const char* bad : {"Zg", "Zg=", "====", "Z===", "Zm9v!A==", "Zg==Zg=="})
    EXPECT_FALSE(from_base64(bad)) << bad;
}

TEST(LineBuffer, CutsLinesWhereverTheBytesAreSplit) {
  const std::string stream = "one\n\ntwo\nthree";
  for (size_t step = 1; step <= stream.size(); ++step) {
    LineBuffer buffer(16);
    std::vector<std::string> lines;
    for (size_t i = 0; i < stream.size(); i += step) {
      ASSERT_TRUE(buffer.append(std::string_view(stream).substr(i, step)));
      while (auto line = buffer.take()) lines.push_back(*line);
    }
    EXPECT_EQ(lines, (std::vector<std::string>{"one", "", "two"}));
  }
}

TEST(LineBuffer, RefusesALineThatIsTooLong) {
  LineBuffer buffer(4);
  EXPECT_TRUE(buffer.append("1234"));
  EXPECT_FALSE(buffer.append("5"));
  LineBuffer many(4);
  EXPECT_TRUE(many.append("123\n123\n123\n"));  // longer together, none alone
}

}  // namespace
}  // namespace weft::admin
