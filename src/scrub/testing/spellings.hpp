#pragma once

#include <cstdio>
#include <random>
#include <string>
#include <string_view>

#include "base/encoding.hpp"

// Writes texts in all the ways a secret can be written.
namespace deployclaw::scrub::testing {

class Speller {
 public:
  explicit Speller(std::uint32_t seed) : random_(seed) {}

  // Zeros before the digits of an HTML escape.
  void limit_zeros(std::size_t most) { most_zeros_ = most; }

  std::size_t below(std::size_t limit) { return random_() % limit; }
  bool chance(unsigned percent) { return below(100) < percent; }

  std::string text_of(std::string_view alphabet, std::size_t size) {
    std::string text;
    while (text.size() < size) text += alphabet[below(alphabet.size())];
    return text;
  }
  std::string bytes(std::size_t size) {
    std::string text;
    while (text.size() < size) text += static_cast<char>(random_());
    return text;
  }

  std::string percent(unsigned char c) { return format(chance(50) ? "%%%02x" : "%%%02X", c); }

  std::string json(unsigned char c) {
    const std::string_view plain = "\"\\/\b\f\n\r\t";
    const auto at = plain.find(static_cast<char>(c));
    if (at != std::string_view::npos && chance(50)) return {'\\', "\"\\/bfnrt"[at]};
    return format(chance(50) ? "\\u%04x" : "\\u%04X", c);
  }

  std::string html(unsigned char c) {
    const std::string zeros(below(most_zeros_ + 1), '0');
    switch (below(5)) {
      case 0:
        return format(("&#" + zeros + "%u;").c_str(), c);
      case 1:
        return format(("&#x" + zeros + "%x;").c_str(), c);
      case 2:
        return format(("&#X" + zeros + "%X;").c_str(), c);
      default:
        break;
    }
    const std::string_view plain = "&<>\"'/+=:._%\\";
    const char* const names[] = {"amp",    "lt",    "gt",     "quot",   "apos",   "sol", "plus",
                                 "equals", "colon", "period", "lowbar", "percnt", "bsol"};
    const auto at = plain.find(static_cast<char>(c));
    if (at == std::string_view::npos) return format("&#%u;", c);
    return "&" + std::string(names[at]) + ";";
  }

  enum class Escaping { kNone, kPercent, kJson, kHtml, kCount };

  std::string escape(Escaping kind, unsigned char c) {
    switch (kind) {
      case Escaping::kPercent:
        return percent(c);
      case Escaping::kJson:
        return c < 0x80 ? json(c) : std::string(1, static_cast<char>(c));
      case Escaping::kHtml:
        return c < 0x80 && c != 0 ? html(c) : std::string(1, static_cast<char>(c));
      default:
        return {static_cast<char>(c)};
    }
  }

  // `share` percent of the characters escaped, and always those that could not stay plain.
  std::string escaped(Escaping kind, std::string_view text, unsigned share) {
    const std::string_view special = kind == Escaping::kPercent ? "%"
                                     : kind == Escaping::kJson  ? "\\\""
                                     : kind == Escaping::kHtml  ? "&<"
                                                                : "";
    std::string out;
    for (const char c : text) {
      const bool must = special.find(c) != std::string_view::npos;
      out +=
          must || chance(share) ? escape(kind, static_cast<unsigned char>(c)) : std::string(1, c);
    }
    return out;
  }
  Escaping any_escaping() {
    return static_cast<Escaping>(below(static_cast<std::size_t>(Escaping::kCount)));
  }

  std::string hex(std::string_view text) {
    std::string out;
    for (const char c : text) {
      out += format(chance(50) ? "%02x" : "%02X", static_cast<unsigned char>(c));
    }
    return out;
  }
  // Base64 of a larger text that holds `text`, so at any alignment.
  std::string base64(std::string_view text) {
    const std::string larger = bytes(below(7)) + std::string(text) + bytes(below(7));
    return chance(50) ? base64_encode(bytes_of(larger)) : base64url_encode(bytes_of(larger));
  }

 private:
  static std::string format(const char* pattern, unsigned char c) {
    char text[48];
    std::snprintf(text, sizeof text, pattern, static_cast<unsigned>(c));
    return text;
  }

  std::mt19937 random_;
  std::size_t most_zeros_ = 5;
};

inline constexpr std::string_view kKeyAlphabet =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
inline constexpr std::string_view kTrickyAlphabet = "abcXYZ0189+/=:.,-_!%&\\\"<>#;$ u2f5c\n";
inline constexpr std::string_view kProse =
    "etaoin shrdlu ETAOIN,.-:/\"'{}[]()0123456789\n\t\\%&=+_#;";

}  // namespace deployclaw::scrub::testing
