// Small text tools of the probe agent: JSON out, percent coding, numbers, the clock.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "probe.hpp"

namespace probe {
namespace {

// Length of the UTF-8 sequence that begins at `at`, 0 when the bytes are not UTF-8.
size_t utf8_length(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(at);
  const size_t length = lead < 0x80   ? 1
                        : lead < 0xC2 ? 0
                        : lead < 0xE0 ? 2
                        : lead < 0xF0 ? 3
                        : lead < 0xF5 ? 4
                                      : 0;
  if (length == 0 || at + length > text.size()) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xC0) != 0x80) return 0;
  }
  if (length == 3 &&
      ((lead == 0xE0 && byte(at + 1) < 0xA0) || (lead == 0xED && byte(at + 1) > 0x9F)))
    return 0;
  if (length == 4 &&
      ((lead == 0xF0 && byte(at + 1) < 0x90) || (lead == 0xF4 && byte(at + 1) > 0x8F)))
    return 0;
  return length;
}

}  // namespace

std::string quote(std::string_view value) {
  std::string out = "\"";
  for (size_t at = 0; at < value.size();) {
    const size_t length = utf8_length(value, at);
    const unsigned char c = static_cast<unsigned char>(value[at]);
    if (length > 1) {
      out += value.substr(at, length);
      at += length;
      continue;
    }
    if (c == '"' || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c < 0x20 || c >= 0x7F) {
      char escape[8];
      snprintf(escape, sizeof escape, "\\u%04x", c);
      out += escape;
    } else {
      out += static_cast<char>(c);
    }
    ++at;
  }
  return out + '"';
}

Json& Json::raw(std::string_view name, std::string_view json) {
  if (!body_.empty()) body_ += ',';
  body_ += quote(name);
  body_ += ':';
  body_ += json;
  return *this;
}

Json& Json::text(std::string_view name, std::string_view value) { return raw(name, quote(value)); }
Json& Json::number(std::string_view name, long value) { return raw(name, std::to_string(value)); }
Json& Json::flag(std::string_view name, bool value) { return raw(name, value ? "true" : "false"); }

std::string percent_decode(std::string_view value) {
  const auto digit = [](char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
  };
  std::string out;
  for (size_t i = 0; i < value.size(); ++i) {
    const bool coded = value[i] == '%' && i + 2 < value.size() && digit(value[i + 1]) >= 0 &&
                       digit(value[i + 2]) >= 0;
    if (coded) {
      out += static_cast<char>(digit(value[i + 1]) * 16 + digit(value[i + 2]));
      i += 2;
    } else {
      out += value[i] == '+' ? ' ' : value[i];
    }
  }
  return out;
}

long to_number(const std::string& text, long otherwise) {
  char* end = nullptr;
  const long value = strtol(text.c_str(), &end, 10);
  return text.empty() || *end != '\0' ? otherwise : value;
}

long now_ms() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
}

}  // namespace probe
