#include "api/security_headers.hpp"

namespace deployclaw::api {
namespace {

void set_if_absent(http::Headers& headers, const char* name, const char* value) {
  if (!headers.get(name)) headers.add(name, value);
}

}  // namespace

void add_security_headers(const ApiConfig& config, bool is_api, http::Response& response) {
  auto& headers = response.headers;
  set_if_absent(headers, "X-Content-Type-Options", "nosniff");
  set_if_absent(headers, "X-Frame-Options", "DENY");
  set_if_absent(headers, "Referrer-Policy", "no-referrer");
  set_if_absent(headers, "Cross-Origin-Resource-Policy", "same-origin");
  set_if_absent(headers, "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
  if (is_api) set_if_absent(headers, "Cache-Control", "no-store");
  if (config.public_origin.starts_with("https://")) {
    set_if_absent(headers, "Strict-Transport-Security", "max-age=31536000");
  }
}

}  // namespace deployclaw::api
