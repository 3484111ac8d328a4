#include "domain/names.hpp"

#include <idn2.h>
#include <libpsl.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>

#include "base/encoding.hpp"

namespace deployclaw::domain {
namespace {

std::unexpected<std::string> refuse(std::string text) { return std::unexpected(std::move(text)); }

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::optional<std::uint16_t> read_port(std::string_view text) {
  if (text.empty() || text.size() > 5 || text.front() == '0' ||
      !std::ranges::all_of(text, is_digit)) {
    return std::nullopt;
  }
  std::uint32_t port = 0;
  for (const char c : text) port = port * 10 + static_cast<std::uint32_t>(c - '0');
  if (port > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(port);
}

// Decodes the next code point of well-formed UTF-8.
char32_t next_code_point(std::string_view text, std::size_t& at) {
  const auto lead = static_cast<unsigned char>(text[at++]);
  int more = 0;
  char32_t value = lead;
  if (lead >= 0xF0) {
    more = 3;
    value = lead & 0x07U;
  } else if (lead >= 0xE0) {
    more = 2;
    value = lead & 0x0FU;
  } else if (lead >= 0xC0) {
    more = 1;
    value = lead & 0x1FU;
  }
  for (; more > 0; --more) {
    value = (value << 6U) | (static_cast<unsigned char>(text[at++]) & 0x3FU);
  }
  return value;
}

// Characters that do not show: controls, bidirectional overrides, zero-width and line separators.
bool is_invisible(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0xAD || (c >= 0x200B && c <= 0x200F) ||
         (c >= 0x2028 && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF ||
         (c >= 0xFFF9 && c <= 0xFFFB) || (c >= 0xE0000 && c <= 0xE007F);
}

// WHATWG URL's "ends in a number" check: what a resolver may read as an IPv4 address.
bool ends_in_number(std::string_view name) {
  const auto last = name.substr(name.rfind('.') + 1);  // npos + 1 is 0
  if (std::ranges::all_of(last, is_digit)) return true;
  if (!last.starts_with("0x")) return false;
  return std::ranges::all_of(last.substr(2), [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  });
}

Checked to_ascii(std::string_view name) {
  if (!is_utf8(name)) return refuse("is not valid UTF-8");
  const std::string text(name);
  char* ascii = nullptr;
  const int flags = IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL | IDN2_USE_STD3_ASCII_RULES;
  const int status = idn2_to_ascii_8z(text.c_str(), &ascii, flags);
  if (status != IDN2_OK) return refuse("is not a valid internationalised domain name");
  std::string out(ascii);
  idn2_free(ascii);
  return out;
}

// An "xn--" label must be what its own decoded form encodes to, else two spellings of one name
// could be told apart here and confused elsewhere.
bool is_canonical_punycode(const std::string& ascii) {
  char* unicode = nullptr;
  if (idn2_to_unicode_8z8z(ascii.c_str(), &unicode, 0) != IDN2_OK) return false;
  const std::string decoded(unicode);
  idn2_free(unicode);
  const auto again = to_ascii(decoded);
  return again && *again == ascii;
}

std::string check_labels(std::string_view name) {
  if (name.size() > 253) return "is longer than 253 characters";
  std::size_t begin = 0;
  while (begin <= name.size()) {
    const auto end = std::min(name.find('.', begin), name.size());
    const auto label = name.substr(begin, end - begin);
    if (label.empty()) return "has an empty label (two dots, or one at an end)";
    if (label.size() > 63) return "has a label longer than 63 characters";
    if (label.front() == '-' || label.back() == '-') {
      return "has a label that begins or ends with a hyphen";
    }
    begin = end + 1;
  }
  return {};
}

bool is_local_network(std::string_view name) {
  constexpr std::array<std::string_view, 8> kLocal = {
      "localhost", "local", "internal", "intranet", "lan", "home.arpa", "arpa", "onion"};
  return std::ranges::any_of(kLocal, [name](std::string_view suffix) {
    return name == suffix || (name.size() > suffix.size() && name.ends_with(suffix) &&
                              name[name.size() - suffix.size() - 1] == '.');
  });
}

}  // namespace

Checked agent_name(std::string_view text) {
  if (!is_utf8(text)) return refuse("is not valid UTF-8");
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  if (text.empty()) return refuse("must not be empty");
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size(); ++count) {
    if (is_invisible(next_code_point(text, at))) {
      return refuse("must not contain control or invisible characters");
    }
  }
  if (count > 63) return refuse("must have at most 63 characters");
  return std::string(text);
}

Checked credential_name(std::string_view text) {
  if (text.empty() || text.size() > 64) return refuse("must have 1 to 64 characters");
  const bool good = std::ranges::all_of(
      text, [](char c) { return is_letter(c) || is_digit(c) || c == '_' || c == '.' || c == '-'; });
  if (!good || !(is_letter(text.front()) || is_digit(text.front()))) {
    return refuse(
        "may contain letters, digits, '_', '.' and '-', beginning with a letter or digit");
  }
  return std::string(text);
}

Checked host_pattern(std::string_view text) {
  const bool wildcard = text.starts_with("*.");
  auto name = wildcard ? text.substr(2) : text;
  if (name.empty()) return refuse("must not be empty");
  if (name.contains('*')) return refuse("may have a wildcard only as one leading \"*.\"");
  if (name.size() > 1024) return refuse("is longer than 253 characters");
  for (const char c : name) {
    if (c == ':' || c == '[' || c == ']') {
      return refuse("must be a domain name without port, scheme or IP address");
    }
    if (c == '/' || c == '?' || c == '#' || c == '@' || c == '\\' || c == '%') {
      return refuse("must be a domain name only, not a URL");
    }
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80 && !is_letter(c) && !is_digit(c) && c != '.' && c != '-') {
      return refuse("contains a character that no domain name has");
    }
  }

  std::string ascii(name);
  std::ranges::transform(ascii, ascii.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  if (!std::ranges::all_of(name, [](char c) { return static_cast<unsigned char>(c) < 0x80; })) {
    auto converted = to_ascii(ascii);
    if (!converted) return converted;
    ascii = std::move(*converted);
  }
  if (auto trouble = check_labels(ascii); !trouble.empty()) return refuse(std::move(trouble));
  if (ends_in_number(ascii)) return refuse("must be a domain name, not an IP address");
  if (ascii.contains("xn--") && !is_canonical_punycode(ascii)) {
    return refuse("is not a valid internationalised domain name");
  }
  if (is_local_network(ascii)) return refuse("names a host of the local network");
  if (psl_is_public_suffix(psl_builtin(), ascii.c_str()) != 0) {
    return refuse("is a public suffix: it stands for everybody's names below it");
  }
  return wildcard ? "*." + ascii : ascii;
}

std::string AllowedDomain::to_string() const {
  return port ? pattern + ":" + std::to_string(*port) : pattern;
}

bool AllowedDomain::admits(std::string_view host, std::uint16_t on_port) const {
  const bool port_fits = port ? *port == on_port : on_port == 80 || on_port == 443;
  return port_fits && host_matches(pattern, host);
}

std::expected<AllowedDomain, std::string> allowed_domain(std::string_view text) {
  AllowedDomain domain;
  const auto colon = text.find(':');
  if (colon != std::string_view::npos) {
    const auto port = read_port(text.substr(colon + 1));
    if (!port) {
      return refuse("has behind its ':' something else than a port from 1 to 65535");
    }
    if (*port == 25) return refuse("names port 25, which no agent may reach");
    domain.port = *port;
  }
  auto pattern = host_pattern(text.substr(0, colon));
  if (!pattern) return std::unexpected(std::move(pattern.error()));
  domain.pattern = std::move(*pattern);
  return domain;
}

bool host_matches(std::string_view pattern, std::string_view host) {
  if (!pattern.starts_with("*.")) return pattern == host;
  const auto suffix = pattern.substr(1);
  return host.size() > suffix.size() && host.ends_with(suffix) && host.front() != '.';
}

}  // namespace deployclaw::domain
