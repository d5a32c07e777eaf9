// SPDX-License-Identifier: Apache-2.0
#include "paths/path_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace weft {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string shape(const PathSide& side) {
  std::string s;
  for (const ChainLink& link : side.chain) s += link.name + "@" + std::to_string(link.column) + " ";
  for (const Attribute& a : side.attributes)
    s += a.name + "@" + std::to_string(a.column) + "=[" + a.value + "] ";
  return s;
}

// Equal but for columns.
bool same(const PathSide& a, const PathSide& b) {
  auto same_link = [](const ChainLink& x, const ChainLink& y) { return x.name == y.name; };
  auto same_attribute = [](const Attribute& x, const Attribute& y) {
    return x.name == y.name && x.value == y.value;
  };
  return std::equal(a.chain.begin(), a.chain.end(), b.chain.begin(), b.chain.end(), same_link) &&
         std::equal(a.attributes.begin(), a.attributes.end(), b.attributes.begin(), b.attributes.end(),
                    same_attribute);
}
bool same(const PathSpec& a, const PathSpec& b) { return same(a.near, b.near) && same(a.far, b.far); }

TEST(PathText, ChainAndAttributesWithColumns) {
  auto spec = parse_path("eth0/ip/udp (dstport=7, src=10.0.0.0/8)");
  ASSERT_TRUE(spec);
  EXPECT_EQ(shape(spec->near), "eth0@1 ip@6 udp@9 dstport@14=[7] src@25=[10.0.0.0/8] ");
  EXPECT_FALSE(spec->cut());
  EXPECT_EQ(spec->near.find("src")->value, "10.0.0.0/8");
  EXPECT_EQ(spec->near.find("sr"), nullptr);
}

TEST(PathText, CutThrough) {
  auto spec = parse_path("udp0/ip (src=10.0.0.0/8) -> udp1/ip (ttl=9)");
  ASSERT_TRUE(spec);
  EXPECT_TRUE(spec->cut());
  EXPECT_EQ(shape(spec->far), "udp1@29 ip@34 ttl@38=[9] ");
}

TEST(PathText, SpacesAndCanonicalText) {
  for (const char* text : {"a/b(x=1,y=2)->c", "  a / b ( x = 1 , y = 2 ) -> c  ", "a/b\t(x=1,y=2)\t->c"}) {
    auto spec = parse_path(text);
    ASSERT_TRUE(spec) << text;
    EXPECT_EQ(to_text(*spec), "a/b (x=1, y=2) -> c") << text;
  }
}

TEST(PathText, ANameMayEndWithADashBeforeTheArrow) {
  auto spec = parse_path("eth-0-->e.1_x");
  ASSERT_TRUE(spec);
  EXPECT_EQ(spec->near.chain[0].name, "eth-0-");
  EXPECT_EQ(spec->far.chain[0].name, "e.1_x");
}

TEST(PathText, QuotedValues) {
  auto spec = parse_path(R"(a (p="x, (y) \"z\" \\", q="", r="plain", s=a"b\c))");
  ASSERT_TRUE(spec) << spec.error().sentence;
  EXPECT_EQ(spec->near.find("p")->value, R"(x, (y) "z" \)");
  EXPECT_EQ(spec->near.find("q")->value, "");
  EXPECT_EQ(spec->near.find("s")->value, R"(a"b\c)");
  EXPECT_EQ(to_text(*spec), R"(a (p="x, (y) \"z\" \\", q="", r=plain, s=a"b\c))");
}

struct Mistake {
  const char* text;
  Code code;
  const char* sentence;
};

TEST(PathText, EveryMistakeHasItsColumnAndSentence) {
  const Code chain = Code::kProtocolSpec;
  const Code address = Code::kAddressSpec;
  const Mistake mistakes[] = {
      {"", chain, "(empty): column 1: a name was expected, found the end"},
      {"   ", chain, "   : column 4: a name was expected, found the end"},
      {"eth0//ip", chain, "eth0//ip: column 6: a name was expected, found '/'"},
      {"/eth0", chain, "/eth0: column 1: a name was expected, found '/'"},
      {"eth0/", chain, "eth0/: column 6: a name was expected, found the end"},
      {"eth0/6to4", chain,
       "eth0/6to4: column 6: a name, which begins with a letter, was expected, found '6'"},
      {"eth0/ip udp", chain, "eth0/ip udp: column 9: '/', '(', '->' or the end was expected, found 'u'"},
      {"eth0/ip)", chain, "eth0/ip): column 8: '/', '(', '->' or the end was expected, found ')'"},
      {"eth0 > eth1", chain, "eth0 > eth1: column 6: '/', '(', '->' or the end was expected, found '>'"},
      {"a (x=1) b", chain, "a (x=1) b: column 9: '->' or the end was expected, found 'b'"},
      {"a -> ", chain, "a -> : column 6: a name was expected, found the end"},
      {"-> b", chain, "-> b: column 1: a name, which begins with a letter, was expected, found '-'"},
      {"a -> b -> c", chain, "a -> b -> c: column 8: '/', '(' or the end was expected, found '-'"},
      {"a -> b (x=1) c", chain, "a -> b (x=1) c: column 14: the end was expected, found 'c'"},
      {"a ()", address, "a (): column 4: a name was expected, found ')'"},
      {"a (", address, "a (: column 4: a name was expected, found the end"},
      {"a (x", address, "a (x: column 5: '=' was expected, found the end"},
      {"a (x)", address, "a (x): column 5: '=' was expected, found ')'"},
      {"a (x=)", address, "a (x=): column 6: a value was expected, found ')'"},
      {"a (x=1", address, "a (x=1: column 7: ',' or ')' was expected, found the end"},
      {"a (x=1 2)", address, "a (x=1 2): column 8: ',' or ')' was expected, found '2'"},
      {"a (x=1(2))", address, "a (x=1(2)): column 7: ',' or ')' was expected, found '('"},
      {"a (x=1,)", address, "a (x=1,): column 8: a name was expected, found ')'"},
      {"a (x=1, x=2)", address, "a (x=1, x=2): column 9: 'x' is given twice, first at column 4"},
      {"a (x=\"1)", address, "a (x=\"1): column 6: the quote is not closed"},
      {"a (x=\"\\n\")", address, "a (x=\"\\n\"): column 8: '\"' or '\\' behind '\\' was expected, found 'n'"},
      {"a (x=\"\x01\")", address,
       "a (x=\"?\"): column 7: a printable ASCII character was expected, found byte 1"},
      {"a\xc3\xa9", chain, "a??: column 2: '/', '(', '->' or the end was expected, found byte 195"},
      {"a\n", chain, "a?: column 2: '/', '(', '->' or the end was expected, found byte 10"},
  };
  for (const Mistake& m : mistakes) {
    auto spec = parse_path(m.text);
    ASSERT_FALSE(spec) << m.text;
    EXPECT_EQ(spec.error().code, m.code) << m.text;
    EXPECT_EQ(spec.error().sentence, m.sentence);
  }
}

TEST(PathText, ANulByteIsNotTheEnd) {
  EXPECT_FALSE(parse_path(std::string_view("eth0\0/ip", 8)));
  EXPECT_FALSE(parse_path(std::string_view("a (x=\"\0\")", 9)));
}

std::string repeat(std::string_view piece, size_t n) {
  std::string s;
  for (size_t i = 0; i < n; ++i) s += piece;
  return s;
}

TEST(PathText, Bounds) {
  EXPECT_TRUE(parse_path("a" + repeat("/b", kMaxPathLinks - 1)));
  auto links = parse_path("a" + repeat("/b", kMaxPathLinks));
  ASSERT_FALSE(links);
  EXPECT_THAT(links.error().sentence, HasSubstr("column 33: a side has at most 16 names"));

  std::string attributes = "a (x0=1";
  for (size_t i = 1; i < kMaxPathAttributes; ++i) attributes += ",x" + std::to_string(i) + "=1";
  EXPECT_TRUE(parse_path(attributes + ")"));
  auto too_many = parse_path(attributes + ",y=1)");
  ASSERT_FALSE(too_many);
  EXPECT_THAT(too_many.error().sentence, HasSubstr("a side has at most 32 attributes"));

  EXPECT_TRUE(parse_path(std::string(kMaxPathText, 'a')));
  auto too_long = parse_path(std::string(kMaxPathText + 1, 'a'));
  ASSERT_FALSE(too_long);
  EXPECT_THAT(too_long.error().sentence,
              HasSubstr("...: column 4097: a path text has at most 4096 characters"));
  EXPECT_LT(too_long.error().sentence.size(), 300u);
  EXPECT_FALSE(parse_path(std::string(kMaxPathText - 5, 'a') + "(x=1)")) << "its canonical text is longer";
}

TEST(PathText, AnErrorOfAModuleReadsTheSame) {
  Error e =
      path_error(Code::kProtocolSpec, "eth0/ipp", 6, "no module 'ipp'" + did_you_mean("ipp", {"eth", "ip"}));
  EXPECT_EQ(e.sentence, "eth0/ipp: column 6: no module 'ipp', did you mean 'ip'?");
}

TEST(PathText, DidYouMean) {
  const std::vector<std::string> known{"arp", "eth", "icmp", "icmp6", "ip", "ip6", "udp"};
  EXPECT_EQ(did_you_mean("ipp", known), ", did you mean 'ip'?");
  EXPECT_EQ(did_you_mean("pi", known), ", did you mean 'ip'?");
  EXPECT_EQ(did_you_mean("icpm", known), ", did you mean 'icmp'?");
  EXPECT_EQ(did_you_mean("icmp7", known), ", did you mean 'icmp'?") << "of equals the first";
  EXPECT_EQ(did_you_mean("udpx", known), ", did you mean 'udp'?");
  EXPECT_EQ(did_you_mean("x", known), "");
  EXPECT_EQ(did_you_mean("quic", known), "");
  EXPECT_EQ(did_you_mean("", known), "");
  EXPECT_EQ(did_you_mean("ip", {}), "");
}

// parse(to_text(parse(x))) == parse(x), and to_text is a fixed point, for texts
// that are made by the grammar, and for those made of its letters at random.
TEST(PathText, CanonicalTextParsesToTheSame) {
  std::mt19937 random(1);
  auto below = [&](size_t n) { return size_t(random() % n); };
  auto spaces = [&] { return std::string(below(4) == 0 ? below(3) : 0, ' '); };
  auto name = [&] {
    std::string s(1, char('a' + below(26)));
    for (size_t n = below(5); n > 0; --n) s += "abZ09_-."[below(8)];
    return s;
  };
  auto value = [&] {
    std::string s;
    if (below(2) == 0) {
      for (size_t n = 1 + below(6); n > 0; --n) s += "a1./:=->\\#"[below(10)];
      return s;
    }
    s = '"';
    for (size_t n = below(6); n > 0; --n) {
      const char c = "a ,()\"\\="[below(8)];
      if (c == '"' || c == '\\') s += '\\';
      s += c;
    }
    return s + '"';
  };
  auto side = [&] {
    std::string s = spaces() + name();
    for (size_t n = below(4); n > 0; --n) s += spaces() + "/" + spaces() + name();
    if (below(2) == 0) return s + spaces();
    s += spaces() + "(";
    const size_t n = 1 + below(4);
    for (size_t i = 0; i < n; ++i) {
      s += spaces() + name() + std::to_string(i) + spaces() + "=" + spaces() + value() + spaces();
      if (i + 1 < n) s += ",";
    }
    return s + ")" + spaces();
  };
  auto check = [](const std::string& text, const PathSpec& spec) {
    const std::string canonical = to_text(spec);
    auto again = parse_path(canonical);
    ASSERT_TRUE(again) << text << " | " << canonical << " | " << again.error().sentence;
    ASSERT_TRUE(same(spec, *again)) << text << " | " << canonical;
    ASSERT_EQ(to_text(*again), canonical);
  };
  for (int i = 0; i < 2000; ++i) {
    const std::string text = side() + (below(2) == 0 ? "->" + side() : "");
    auto spec = parse_path(text);
    ASSERT_TRUE(spec) << text << " | " << spec.error().sentence;
    check(text, *spec);
  }
  size_t parsed = 0;
  for (int i = 0; i < 50000; ++i) {
    std::string text;
    for (size_t n = below(12); n > 0; --n) text += "ab/(),=-> \"\\1"[below(13)];
    auto spec = parse_path(text);
    if (spec) {
      ++parsed;
      check(text, *spec);
      continue;
    }
    // Every error points into the text, or just behind it.
    const std::string& s = spec.error().sentence;
    const size_t at = s.find(": column ", text.size());
    ASSERT_NE(at, std::string::npos) << s;
    const size_t column = std::stoul(s.substr(at + 9));
    ASSERT_GE(column, 1u);
    ASSERT_LE(column, text.size() + 1) << s;
  }
  EXPECT_GT(parsed, 300u);
}

}  // namespace
}  // namespace weft
