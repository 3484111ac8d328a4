#include "http/cookie.hpp"

#include <algorithm>
#include <stdexcept>

#include "http/ascii.hpp"

namespace deployclaw::http {
namespace {

// cookie-octet of RFC 6265 §4.1.1.
bool is_cookie_octet(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte > 0x20 && byte < 0x7f && c != '"' && c != ',' && c != ';' && c != '\\';
}

bool is_path_char(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x7f && c != ';';
}

}  // namespace

std::string to_header_value(const SetCookie& cookie) {
  if (!is_token(cookie.name) || !std::ranges::all_of(cookie.value, is_cookie_octet) ||
      !std::ranges::all_of(cookie.path, is_path_char) || !is_token(cookie.same_site)) {
    throw std::invalid_argument("cookie with characters that end the field");
  }
  std::string out = cookie.name + "=" + cookie.value;
  if (!cookie.path.empty()) out += "; Path=" + cookie.path;
  if (cookie.max_age) out += "; Max-Age=" + std::to_string(cookie.max_age->count());
  if (cookie.secure) out += "; Secure";
  if (cookie.http_only) out += "; HttpOnly";
  out += "; SameSite=" + cookie.same_site;
  return out;
}

}  // namespace deployclaw::http
