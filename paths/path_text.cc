// SPDX-License-Identifier: Apache-2.0
#include "paths/path_text.h"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace weft {

namespace {

constexpr char kEnd = '\0';  // what peek() gives behind the last character

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_space(char c) { return c == ' ' || c == '\t'; }
bool is_printable(char c) { return c >= ' ' && c <= '~'; }
bool in_name(char c) { return is_letter(c) || is_digit(c) || c == '_' || c == '-' || c == '.'; }
bool in_bare_value(char c) { return is_printable(c) && c != ' ' && c != ',' && c != '(' && c != ')'; }

// Recursive descent: one function for each rule of the grammar in path_text.h.
// Each returns false after fail().
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<PathSpec> parse() {
    PathSpec spec;
    if (!parse_path(spec)) return std::move(*error_);
    return spec;
  }

 private:
  bool parse_path(PathSpec& spec) {
    if (text_.size() > kMaxPathText) {
      return fail(Code::kProtocolSpec, kMaxPathText,
                  "a path text has at most " + std::to_string(kMaxPathText) + " characters");
    }
    if (!parse_side(spec.near)) return false;
    if (skip_spaces(); at_end()) return true;
    if (!at_arrow()) {
      return unexpected(Code::kProtocolSpec,
                        spec.near.attributes.empty() ? "'/', '(', '->' or the end" : "'->' or the end");
    }
    pos_ += 2;
    if (!parse_side(spec.far)) return false;
    if (skip_spaces(); !at_end()) {
      return unexpected(Code::kProtocolSpec, spec.far.attributes.empty() ? "'/', '(' or the end" : "the end");
    }
    return true;
  }

  bool parse_side(PathSide& side) {
    do {
      skip_spaces();
      if (side.chain.size() == kMaxPathLinks) {
        return fail(Code::kProtocolSpec, pos_,
                    "a side has at most " + std::to_string(kMaxPathLinks) + " names");
      }
      ChainLink link{.column = pos_ + 1};
      if (!parse_name(Code::kProtocolSpec, link.name)) return false;
      side.chain.push_back(std::move(link));
    } while (take('/'));
    return !take('(') || parse_attributes(side);
  }

  bool parse_attributes(PathSide& side) {
    do {
      if (!parse_attribute(side)) return false;
    } while (take(','));
    return take(')') || unexpected(Code::kAddressSpec, "',' or ')'");
  }

  bool parse_attribute(PathSide& side) {
    skip_spaces();
    Attribute attribute{.column = pos_ + 1};
    if (!parse_name(Code::kAddressSpec, attribute.name)) return false;
    if (const Attribute* first = side.find(attribute.name)) {
      return fail(
          Code::kAddressSpec, attribute.column - 1,
          "'" + attribute.name + "' is given twice, first at column " + std::to_string(first->column));
    }
    if (side.attributes.size() == kMaxPathAttributes) {
      return fail(Code::kAddressSpec, attribute.column - 1,
                  "a side has at most " + std::to_string(kMaxPathAttributes) + " attributes");
    }
    if (!take('=')) return unexpected(Code::kAddressSpec, "'='");
    skip_spaces();
    if (!parse_value(attribute.value)) return false;
    side.attributes.push_back(std::move(attribute));
    return true;
  }

  bool parse_name(Code code, std::string& name) {
    if (!is_letter(peek())) {
      return unexpected(code, in_name(peek()) ? "a name, which begins with a letter," : "a name");
    }
    const size_t begin = pos_;
    while (in_name(peek()) && !at_arrow()) ++pos_;
    name = text_.substr(begin, pos_ - begin);
    return true;
  }

  bool parse_value(std::string& value) {
    if (peek() == '"') return parse_quoted(value);
    const size_t begin = pos_;
    while (in_bare_value(peek())) ++pos_;
    value = text_.substr(begin, pos_ - begin);
    return !value.empty() || unexpected(Code::kAddressSpec, "a value");
  }

  bool parse_quoted(std::string& value) {
    const size_t quote = pos_++;
    for (; peek() != '"'; ++pos_) {
      if (at_end()) return fail(Code::kAddressSpec, quote, "the quote is not closed");
      if (peek() == '\\') {
        ++pos_;
        if (peek() != '"' && peek() != '\\')
          return unexpected(Code::kAddressSpec, "'\"' or '\\' behind '\\'");
      }
      if (!is_printable(peek())) return unexpected(Code::kAddressSpec, "a printable ASCII character");
      value += peek();
    }
    ++pos_;
    return true;
  }

  bool at_end() const { return pos_ == text_.size(); }
  char peek() const { return at_end() ? kEnd : text_[pos_]; }
  bool at_arrow() const { return text_.substr(pos_, 2) == "->"; }
  void skip_spaces() {
    while (is_space(peek())) ++pos_;
  }
  bool take(char c) {
    skip_spaces();
    if (at_end() || peek() != c) return false;
    ++pos_;
    return true;
  }

  bool unexpected(Code code, const std::string& wanted) {
    return fail(code, pos_, wanted + " was expected, found " + found());
  }
  std::string found() const {
    if (at_end()) return "the end";
    if (is_printable(peek())) return std::string("'") + peek() + "'";
    return "byte " + std::to_string(uint8_t(peek()));
  }
  bool fail(Code code, size_t position, std::string_view sentence) {
    error_ = path_error(code, text_, position + 1, sentence);
    return false;
  }

  std::string_view text_;
  size_t pos_ = 0;
  std::optional<Error> error_;
};

bool needs_quotes(std::string_view value) {
  return value.empty() || value.front() == '"' || !std::all_of(value.begin(), value.end(), in_bare_value);
}

void append_value(std::string& text, std::string_view value) {
  if (!needs_quotes(value)) {
    text += value;
    return;
  }
  text += '"';
  for (char c : value) {
    if (c == '"' || c == '\\') text += '\\';
    text += c;
  }
  text += '"';
}

void append_side(std::string& text, const PathSide& side) {
  for (const ChainLink& link : side.chain) {
    if (&link != &side.chain.front()) text += '/';
    text += link.name;
  }
  for (const Attribute& a : side.attributes) {
    text += &a == &side.attributes.front() ? " (" : ", ";
    text += a.name;
    text += '=';
    append_value(text, a.value);
  }
  if (!side.attributes.empty()) text += ')';
}

// How many letters must be put in, left out, changed, or swapped with their
// neighbour to make `b` of `a` (optimal string alignment).
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> d(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) {
    for (size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        d[i][j] = i + j;
        continue;
      }
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
      }
    }
  }
  return d[a.size()][b.size()];
}

}  // namespace

const Attribute* PathSide::find(std::string_view name) const {
  auto it =
      std::find_if(attributes.begin(), attributes.end(), [&](const Attribute& a) { return a.name == name; });
  return it == attributes.end() ? nullptr : &*it;
}

Result<PathSpec> parse_path(std::string_view text) {
  Result<PathSpec> spec = Parser(text).parse();
  // The canonical text has a few more spaces, and must be a path text too.
  if (spec && to_text(*spec).size() > kMaxPathText) {
    return path_error(
        Code::kProtocolSpec, text, text.size(),
        "the canonical text would have more than " + std::to_string(kMaxPathText) + " characters");
  }
  return spec;
}

std::string to_text(const PathSpec& spec) {
  std::string text;
  append_side(text, spec.near);
  if (spec.cut()) {
    text += " -> ";
    append_side(text, spec.far);
  }
  return text;
}

Error path_error(Code code, std::string_view text, size_t column, std::string_view sentence) {
  // The text may be anyone's: nothing in it may reach a terminal or a log raw, or fill it.
  constexpr size_t kShown = 120;
  std::string shown(text.substr(0, kShown));
  std::replace_if(
      shown.begin(), shown.end(), [](char c) { return !is_printable(c); }, '?');
  if (text.empty()) shown = "(empty)";
  if (text.size() > kShown) shown += "...";
  return {code, shown + ": column " + std::to_string(column) + ": " + std::string(sentence)};
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& known) {
  constexpr size_t kClose = 2;
  const std::string* best = nullptr;
  size_t best_distance = kClose + 1;
  for (const std::string& candidate : known) {
    const size_t shorter = std::min(word.size(), candidate.size());
    if (std::max(word.size(), candidate.size()) - shorter > kClose) continue;
    const size_t distance = edit_distance(word, candidate);
    // A word of which no letter is left was not meant.
    if (distance >= best_distance || distance >= shorter) continue;
    best = &candidate;
    best_distance = distance;
  }
  return best == nullptr ? "" : ", did you mean '" + *best + "'?";
}

}  // namespace weft
