#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

namespace deployclaw::scrub {

// The names HTML has for ASCII characters (WHATWG HTML §13.5).
struct HtmlName {
  std::string_view text;
  unsigned char byte;
  bool bare = false;  // also without ';'
};

// Sorted by text.
inline constexpr HtmlName kHtmlNames[] = {
    {"AMP", '&', true},  {"DiacriticalGrave", '`'},
    {"GT", '>', true},   {"Hat", '^'},
    {"LT", '<', true},   {"NewLine", '\n'},
    {"QUOT", '"', true}, {"Tab", '\t'},
    {"UnderBar", '_'},   {"VerticalLine", '|'},
    {"amp", '&', true},  {"apos", '\''},
    {"ast", '*'},        {"bsol", '\\'},
    {"colon", ':'},      {"comma", ','},
    {"commat", '@'},     {"dollar", '$'},
    {"equals", '='},     {"excl", '!'},
    {"grave", '`'},      {"gt", '>', true},
    {"lbrace", '{'},     {"lbrack", '['},
    {"lcub", '{'},       {"lowbar", '_'},
    {"lpar", '('},       {"lsqb", '['},
    {"lt", '<', true},   {"midast", '*'},
    {"num", '#'},        {"percnt", '%'},
    {"period", '.'},     {"plus", '+'},
    {"quest", '?'},      {"quot", '"', true},
    {"rbrace", '}'},     {"rbrack", ']'},
    {"rcub", '}'},       {"rpar", ')'},
    {"rsqb", ']'},       {"semi", ';'},
    {"sol", '/'},        {"verbar", '|'},
    {"vert", '|'},
};
static_assert(std::ranges::is_sorted(kHtmlNames, {}, &HtmlName::text));

// For each first letter, where its names begin in kHtmlNames (0xFF: there are none).
inline constexpr auto kFirstHtmlName = [] {
  std::array<std::uint8_t, 256> table{};
  table.fill(0xFF);
  for (std::size_t i = std::size(kHtmlNames); i-- > 0;) {
    table[static_cast<unsigned char>(kHtmlNames[i].text[0])] = static_cast<std::uint8_t>(i);
  }
  return table;
}();

}  // namespace deployclaw::scrub
