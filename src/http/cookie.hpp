#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace deployclaw::http {

// A Set-Cookie value (RFC 6265bis §4.1). The defaults are those of a session cookie.
struct SetCookie {
  std::string name;
  std::string value;
  std::string path = "/";
  std::optional<std::chrono::seconds> max_age =
      std::nullopt;  // 0 deletes; nullopt: browser session
  bool http_only = true;
  bool secure = true;
  std::string same_site = "Strict";  // Strict, Lax, None
};

// The header value. Throws std::invalid_argument when name, value or path hold characters that
// could end the field: they come from our code, so that is a bug.
std::string to_header_value(const SetCookie& cookie);

}  // namespace deployclaw::http
