#include "http/authority.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "http/ascii.hpp"

namespace deployclaw::http {
namespace {

std::unexpected<Error> refuse(std::string_view why) {
  return fail(Code::kMalformed, "malformed_authority", "The host " + std::string(why) + ".");
}

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_label_char(char c) { return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-'; }

Result<std::uint16_t> read_port(std::string_view text) {
  if (text.empty() || text.size() > 5 || text.front() == '0' ||
      !std::ranges::all_of(text, is_digit)) {
    return refuse("has a bad port");
  }
  std::uint32_t port = 0;
  for (const char c : text) port = port * 10 + static_cast<std::uint32_t>(c - '0');
  if (port > 65535) return refuse("has a bad port");
  return static_cast<std::uint16_t>(port);
}

// What inet_aton(3) and browsers read as an IPv4 address: the last label is a number.
bool ends_in_number(std::string_view name) {
  const auto last = name.substr(name.rfind('.') + 1);  // npos + 1 is 0
  if (std::ranges::all_of(last, is_digit)) return true;
  return last.starts_with("0x") &&
         std::ranges::all_of(last.substr(2), [](char c) { return hex_value(c) >= 0; });
}

// The canonical text of an address, or "" when `text` is none.
std::string read_address(int family, std::string_view text) {
  const std::string copy(text);
  std::array<unsigned char, 16> bytes{};
  if (inet_pton(family, copy.c_str(), bytes.data()) != 1) return {};
  std::array<char, INET6_ADDRSTRLEN> out{};
  return inet_ntop(family, bytes.data(), out.data(), out.size());
}

Status check_name(std::string_view name) {
  if (name.empty()) return refuse("is empty");
  if (name.size() > 253) return refuse("is longer than 253 characters");
  for (std::size_t begin = 0; begin <= name.size();) {
    const auto end = std::min(name.find('.', begin), name.size());
    const auto label = name.substr(begin, end - begin);
    if (label.empty()) return refuse("has an empty label");
    if (label.size() > 63) return refuse("has a label longer than 63 characters");
    if (!std::ranges::all_of(label, is_label_char)) {
      return refuse("has a character that no domain name has");
    }
    if (label.front() == '-' || label.back() == '-') {
      return refuse("has a label that begins or ends with a hyphen");
    }
    begin = end + 1;
  }
  return {};
}

Status read_bracketed(std::string_view& text, Authority& into, Addresses addresses) {
  const auto close = text.find(']');
  if (close == std::string_view::npos) return refuse("has an unfinished address");
  if (addresses == Addresses::kRefuse) return refuse("must be a name, not an IP address");
  into.host = read_address(AF_INET6, text.substr(1, close - 1));
  if (into.host.empty()) return refuse("has a bad IPv6 address");
  into.is_address = true;
  text.remove_prefix(close + 1);
  return {};
}

Status read_name(std::string_view& text, Authority& into, Addresses addresses) {
  const auto end = std::min(text.find(':'), text.size());
  std::string name(text.substr(0, end));
  text.remove_prefix(end);
  std::ranges::transform(name, name.begin(), ascii_lower);
  if (name.ends_with('.')) name.pop_back();
  if (auto good = check_name(name); !good) return good;
  if (ends_in_number(name)) {
    if (addresses == Addresses::kRefuse) return refuse("must be a name, not an IP address");
    if (read_address(AF_INET, name) != name) return refuse("has a bad IPv4 address");
    into.is_address = true;
  }
  into.host = std::move(name);
  return {};
}

}  // namespace

Result<Authority> parse_authority(std::string_view text, Addresses addresses) {
  // The longest name, its dot, ':' and five digits; brackets hold less.
  if (text.size() > 253 + 7) return refuse("is longer than 253 characters");
  Authority authority;
  auto good = text.starts_with('[') ? read_bracketed(text, authority, addresses)
                                    : read_name(text, authority, addresses);
  if (!good) return fail(std::move(good.error()));
  if (text.empty()) return authority;
  if (text.front() != ':') return refuse("has a character that no domain name has");
  const auto port = read_port(text.substr(1));
  if (!port) return fail(port.error());
  authority.port = *port;
  return authority;
}

}  // namespace deployclaw::http
