#include "scrub/escapes.hpp"

#include <algorithm>

#include "scrub/html_names.hpp"

namespace deployclaw::scrub {
namespace {

using State = Escape::State;

constexpr std::size_t kMostDigits = 16;

// The character of \" \\ \/ \b \f \n \r \t; -1 for others.
constexpr auto kShortJson = [] {
  std::array<std::int8_t, 256> table{};
  table.fill(-1);
  table['"'] = '"';
  table['\\'] = '\\';
  table['/'] = '/';
  table['b'] = '\b';
  table['f'] = '\f';
  table['n'] = '\n';
  table['r'] = '\r';
  table['t'] = '\t';
  return table;
}();

// One character of a text; with kComplete, `size` bytes long as written.
struct Character {
  State state = State::kNone;
  unsigned char byte = 0;
  std::uint8_t size = 0;
  std::uint8_t kinds = 0;
};

struct RawText {
  std::string_view text;
  bool end;

  [[nodiscard]] Character read(std::size_t at) const {
    if (at >= text.size()) return {.state = end ? State::kNone : State::kUnfinished};
    return {.state = State::kComplete, .byte = static_cast<unsigned char>(text[at]), .size = 1};
  }
};

// Reads one escape through `Text`, which gives characters.
template <class Text>
class Reader {
 public:
  Reader(Text text, std::size_t at) : text_(text), begin_(at), at_(at) {}

  Escape read() {
    if (!next()) return stopped();
    switch (now_.byte) {
      case '%':
        kinds_ |= kPercentEscape;
        return percent();
      case '\\':
        kinds_ |= kJsonEscape;
        return json();
      case '&':
        kinds_ |= kHtmlEscape;
        return html();
      default:
        return {};
    }
  }

  // True if another introducer stood where the escape went on or ended.
  [[nodiscard]] bool met_introducer() const { return met_introducer_; }

 private:
  // Takes one character; false when there is none (yet), or the escape has become too long.
  bool next() {
    if (!peek()) return false;
    take();
    return true;
  }
  bool peek() {
    now_ = text_.read(at_);
    met_introducer_ = met_introducer_ ||
                      (at_ != begin_ && now_.state == State::kComplete && is_introducer(now_.byte));
    if (now_.state == State::kComplete && at_ + now_.size - begin_ > kMostEscapeBytes) {
      now_.state = State::kNone;
    }
    return now_.state == State::kComplete;
  }
  void take() {
    at_ += now_.size;
    kinds_ |= now_.kinds;
  }
  [[nodiscard]] Escape stopped() const { return {.state = now_.state}; }

  [[nodiscard]] Escape byte(unsigned char value) const {
    return {.state = State::kComplete,
            .size = static_cast<std::uint8_t>(at_ - begin_),
            .count = 1,
            .kinds = kinds_,
            .bytes = {value}};
  }

  [[nodiscard]] Escape code_point(std::uint32_t code) const {
    Escape escape = byte(static_cast<unsigned char>(code));
    if (code < 0x80) return escape;
    const int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    constexpr std::array<unsigned char, 4> kLead = {0, 0xC0, 0xE0, 0xF0};
    const auto lead = kLead[static_cast<std::size_t>(more)];
    escape.count = static_cast<std::uint8_t>(more + 1);
    for (int i = 0; i <= more; ++i) {
      const auto bits = code >> (6 * (more - i));
      escape.bytes[static_cast<std::size_t>(i)] =
          static_cast<unsigned char>(i == 0 ? lead | bits : 0x80 | (bits & 0x3F));
    }
    return escape;
  }

  // `count` hex digits into `value`; false when stopped (see stopped()).
  bool digits(int count, std::uint32_t& value) {
    value = 0;
    for (int i = 0; i < count; ++i) {
      if (!next()) return false;
      const int digit = hex_value(now_.byte);
      if (digit < 0) {
        now_.state = State::kNone;
        return false;
      }
      value = value * 16 + static_cast<std::uint32_t>(digit);
    }
    return true;
  }

  Escape percent() {
    std::uint32_t value = 0;
    if (!digits(2, value)) return stopped();
    return byte(static_cast<unsigned char>(value));
  }

  Escape json() {
    if (!next()) return stopped();
    if (now_.byte != 'u') {
      const int value = kShortJson[now_.byte];
      return value < 0 ? Escape{} : byte(static_cast<unsigned char>(value));
    }
    std::uint32_t high = 0;
    if (!digits(4, high)) return stopped();
    if (high < 0xD800 || high > 0xDFFF) return code_point(high);
    if (high > 0xDBFF) return {};
    for (const char expected : {'\\', 'u'}) {
      if (!next()) return stopped();
      if (now_.byte != static_cast<unsigned char>(expected)) return {};
    }
    std::uint32_t low = 0;
    if (!digits(4, low)) return stopped();
    if (low < 0xDC00 || low > 0xDFFF) return {};
    return code_point(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00));
  }

  Escape html() {
    if (!next()) return stopped();
    return now_.byte == '#' ? html_number() : html_name();
  }

  Escape html_number() {
    if (!peek()) return stopped();
    const bool hex = now_.byte == 'x' || now_.byte == 'X';
    if (hex) take();
    std::uint32_t code = 0;
    std::size_t count = 0;
    while (peek()) {
      const int digit = hex_value(now_.byte);
      if (digit < 0 || (!hex && digit > 9)) break;
      if (++count > kMostDigits) return {};
      take();
      code = std::min(code * (hex ? 16U : 10U) + static_cast<std::uint32_t>(digit), 0x110000U);
    }
    if (now_.state == State::kUnfinished) return stopped();
    if (count == 0 || code == 0 || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return {};
    if (now_.state == State::kComplete && now_.byte == ';') take();
    return code_point(code);
  }

  Escape html_name() {
    std::size_t candidate = kFirstHtmlName[now_.byte];
    if (candidate == 0xFF) return {};
    Escape bare;  // the longest name so far that needs no ';'
    std::array<char, 20> spelt{};
    std::size_t length = 0;
    for (;;) {
      spelt[length++] = static_cast<char>(now_.byte);
      const std::string_view name(spelt.data(), length);
      while (candidate < std::size(kHtmlNames) && kHtmlNames[candidate].text < name) ++candidate;
      if (candidate == std::size(kHtmlNames) || !kHtmlNames[candidate].text.starts_with(name))
        return bare;
      const bool whole = kHtmlNames[candidate].text.size() == length;
      if (whole && kHtmlNames[candidate].bare) bare = byte(kHtmlNames[candidate].byte);
      if (!next()) return now_.state == State::kUnfinished ? stopped() : bare;
      if (now_.byte == ';') return whole ? byte(kHtmlNames[candidate].byte) : bare;
    }
  }

  Text text_;
  std::size_t begin_;
  std::size_t at_;
  Character now_;
  std::uint8_t kinds_ = 0;
  bool met_introducer_ = false;
};

// The text as it reads once its escapes are taken away.
struct UnescapedText {
  RawText raw;
  std::size_t plain_at;  // what stands here is taken as it is

  [[nodiscard]] Character read(std::size_t at) const {
    const Character plain = raw.read(at);
    if (plain.state != State::kComplete || !is_introducer(plain.byte) || at == plain_at) {
      return plain;
    }
    const Escape escape = Reader<RawText>(raw, at).read();
    if (escape.state == State::kNone) return plain;
    // A character outside ASCII is part of no escape: any such byte will do.
    const unsigned char byte = escape.count == 1 ? escape.bytes[0] : 0xFF;
    return {.state = escape.state, .byte = byte, .size = escape.size, .kinds = escape.kinds};
  }
};

// The escapes there are most of, without detours: %XX and JSON's two-character ones, unless they
// stand for an introducer.
Escape read_common(std::string_view text, std::size_t at) {
  if (at + 2 >= text.size()) return {};
  const auto first = static_cast<unsigned char>(text[at + 1]);
  if (text[at] == '%') {
    const int high = hex_value(first);
    const int low = hex_value(static_cast<unsigned char>(text[at + 2]));
    const auto byte = static_cast<unsigned char>(high * 16 + low);
    if (high < 0 || low < 0 || is_introducer(byte)) return {};
    return {
        .state = State::kComplete, .size = 3, .count = 1, .kinds = kPercentEscape, .bytes = {byte}};
  }
  if (text[at] != '\\' || kShortJson[first] < 0 || first == '\\') return {};
  const auto byte = static_cast<unsigned char>(kShortJson[first]);
  return {.state = State::kComplete, .size = 2, .count = 1, .kinds = kJsonEscape, .bytes = {byte}};
}

// Backslashes come in long runs (text escaped more than once): the nested reading of `\\`, when
// the next characters tell it at once.
bool read_backslashes(std::string_view text, std::size_t at, Escapes& escapes) {
  if (at + 3 >= text.size() || text[at] != '\\' || text[at + 1] != '\\') return false;
  const Escape backslash{
      .state = State::kComplete, .size = 2, .count = 1, .kinds = kJsonEscape, .bytes = {'\\'}};
  const auto third = static_cast<unsigned char>(text[at + 2]);
  const bool four = third == '\\' && text[at + 3] == '\\';
  const bool stops = !is_introducer(third) && (kMayFollow[third] & kJsonEscape) == 0;
  if (!four && !stops) return false;
  escapes.plain = backslash;
  if (!four) return true;
  escapes.nested = backslash;
  escapes.nested.size = 4;
  return true;
}

}  // namespace

Escapes read_escapes(std::string_view text, std::size_t at, bool end) {
  Escapes escapes;
  if (read_backslashes(text, at, escapes)) return escapes;
  if (const Escape common = read_common(text, at); common.state == State::kComplete) {
    return {.plain = common, .nested = {}};
  }
  const RawText raw{.text = text, .end = end};
  Reader<RawText> reader(raw, at);
  escapes.plain = reader.read();
  const Escape& plain = escapes.plain;
  const bool gives_introducer =
      plain.state == State::kComplete && plain.count == 1 && is_introducer(plain.bytes[0]);
  // An escape written with escapes: the introducer itself is one,
  if (gives_introducer)
    escapes.nested = Reader<UnescapedText>({raw, std::string_view::npos}, at).read();
  // or it is bare and another introducer stood where the escape went on or ended.
  if (escapes.nested.state == State::kNone && reader.met_introducer()) {
    escapes.nested = Reader<UnescapedText>({raw, at}, at).read();
  }
  return escapes;
}

}  // namespace deployclaw::scrub
