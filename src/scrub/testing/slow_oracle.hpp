#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

// Says whether a text gives a secret away, the slow way: takes every coding apart and searches.
// Shares no code with what it checks.
namespace deployclaw::scrub::testing {

inline int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

inline std::string utf8(std::uint32_t code) {
  std::string text;
  const auto put = [&text](std::uint32_t byte) { text += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6);
    put(0x80 | (code & 63));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 63));
    put(0x80 | (code & 63));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 63));
    put(0x80 | (code >> 6 & 63));
    put(0x80 | (code & 63));
  }
  return text;
}

inline std::string without_percent(std::string_view in) {
  std::string out;
  for (std::size_t i = 0; i < in.size(); ++i) {
    if (in[i] == '%' && i + 2 < in.size() && digit_of(in[i + 1]) >= 0 && digit_of(in[i + 2]) >= 0) {
      out += static_cast<char>(digit_of(in[i + 1]) * 16 + digit_of(in[i + 2]));
      i += 2;
    } else {
      out += in[i];
    }
  }
  return out;
}

// The four hex digits behind "\u" at `at`, or -1.
inline long json_unit(std::string_view in, std::size_t at) {
  if (at + 6 > in.size() || in[at] != '\\' || in[at + 1] != 'u') return -1;
  long code = 0;
  for (std::size_t i = at + 2; i < at + 6; ++i) {
    if (digit_of(in[i]) < 0) return -1;
    code = code * 16 + digit_of(in[i]);
  }
  return code;
}

inline std::string without_json(std::string_view in) {
  static const std::map<char, char> kShort = {{'"', '"'},  {'\\', '\\'}, {'/', '/'},  {'b', '\b'},
                                              {'f', '\f'}, {'n', '\n'},  {'r', '\r'}, {'t', '\t'}};
  std::string out;
  for (std::size_t i = 0; i < in.size(); ++i) {
    const long high = json_unit(in, i);
    const long low = json_unit(in, i + 6);
    if (high >= 0xD800 && high < 0xDC00 && low >= 0xDC00 && low < 0xE000) {
      out += utf8(static_cast<std::uint32_t>(0x10000 + (high - 0xD800) * 0x400 + low - 0xDC00));
      i += 11;
    } else if (high >= 0 && (high < 0xD800 || high > 0xDFFF)) {
      out += utf8(static_cast<std::uint32_t>(high));
      i += 5;
    } else if (in[i] == '\\' && i + 1 < in.size() && kShort.contains(in[i + 1])) {
      out += kShort.at(in[++i]);
    } else {
      out += in[i];
    }
  }
  return out;
}

inline const std::map<std::string, char, std::less<>>& html_names() {
  static const std::map<std::string, char, std::less<>> kNames = {
      {"amp", '&'},   {"lt", '<'},     {"gt", '>'},     {"quot", '"'},  {"apos", '\''},
      {"sol", '/'},   {"plus", '+'},   {"equals", '='}, {"colon", ':'}, {"period", '.'},
      {"comma", ','}, {"lowbar", '_'}, {"percnt", '%'}, {"bsol", '\\'}, {"excl", '!'}};
  return kNames;
}

inline std::string without_html(std::string_view in) {
  std::string out;
  for (std::size_t i = 0; i < in.size(); ++i) {
    const auto semicolon = in.find(';', i);
    if (in[i] != '&' || semicolon == std::string_view::npos) {
      out += in[i];
      continue;
    }
    const auto body = in.substr(i + 1, semicolon - i - 1);
    const auto name = html_names().find(body);
    if (name != html_names().end()) {
      out += name->second;
      i = semicolon;
      continue;
    }
    const bool hex = body.size() > 2 && (body[1] == 'x' || body[1] == 'X');
    std::uint64_t code = 0;
    bool good = body.size() >= 2 && body[0] == '#' && body.size() <= 18;
    for (std::size_t k = hex ? 2 : 1; good && k < body.size(); ++k) {
      const int digit = digit_of(body[k]);
      good = digit >= 0 && (hex || digit < 10);
      code = code * (hex ? 16 : 10) + static_cast<std::uint64_t>(digit);
      good = good && code <= 0x10FFFF;
    }
    if (good && code != 0 && (code < 0xD800 || code > 0xDFFF)) {
      out += utf8(static_cast<std::uint32_t>(code));
      i = semicolon;
    } else {
      out += in[i];
    }
  }
  return out;
}

inline bool hex_shows(std::string_view text, std::string_view secret) {
  for (std::size_t phase = 0; phase < 2; ++phase) {
    std::string bytes;
    for (std::size_t i = phase; i + 1 < text.size(); i += 2) {
      const int high = digit_of(text[i]);
      const int low = digit_of(text[i + 1]);
      if (high >= 0 && low >= 0) {
        bytes += static_cast<char>(high * 16 + low);
        continue;
      }
      if (bytes.find(secret) != std::string::npos) return true;
      bytes.clear();
    }
    if (bytes.find(secret) != std::string::npos) return true;
  }
  return false;
}

inline int sextet_of(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+' || c == '-') return 62;
  if (c == '/' || c == '_') return 63;
  return -1;
}

inline bool base64_run_shows(std::string_view run, std::string_view secret) {
  for (std::size_t phase = 0; phase < 4 && phase < run.size(); ++phase) {
    std::string bytes;
    std::uint32_t bits = 0;
    int count = 0;
    for (const char c : run.substr(phase)) {
      bits = (bits << 6 | static_cast<std::uint32_t>(sextet_of(c))) & 0xFFFFFF;
      count += 6;
      if (count < 8) continue;
      count -= 8;
      bytes += static_cast<char>(bits >> count & 0xFF);
    }
    if (bytes.find(secret) != std::string::npos) return true;
  }
  return false;
}

inline bool base64_shows(std::string_view text, std::string_view secret) {
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && sextet_of(text[i]) >= 0) continue;
    if (base64_run_shows(text.substr(begin, i - begin), secret)) return true;
    begin = i + 1;
  }
  return false;
}

inline bool shows_in_any_coding(std::string_view text, std::string_view secret) {
  return text.find(secret) != std::string_view::npos || hex_shows(text, secret) ||
         base64_shows(text, secret);
}

// True if `secret` can be read from `text`, escapes taken away in up to two layers.
inline bool shows(std::string_view text, std::string_view secret) {
  using Decode = std::string (*)(std::string_view);
  constexpr Decode kLayers[] = {without_percent, without_json, without_html};
  if (shows_in_any_coding(text, secret)) return true;
  for (const Decode outer : kLayers) {
    const std::string once = outer(text);
    if (once == text) continue;
    if (shows_in_any_coding(once, secret)) return true;
    for (const Decode inner : kLayers) {
      if (shows_in_any_coding(inner(once), secret)) return true;
    }
  }
  return false;
}

}  // namespace deployclaw::scrub::testing
