#include "api/branding/branding.hpp"

#include <algorithm>

#include "api/auth/email.hpp"
#include "http/authority.hpp"
#include "http/problem.hpp"

namespace deployclaw::api {
namespace json = boost::json;
namespace {

std::unexpected<Error> refused(std::string_view setting, std::string_view rule) {
  return fail(Code::kInvalid, "branding." + std::string(setting) + " " + std::string(rule));
}

bool is_colour(std::string_view text) {
  if (!text.starts_with('#') || (text.size() != 4 && text.size() != 7)) return false;
  return std::ranges::all_of(text.substr(1), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  });
}

bool is_plain(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

bool is_https_url(std::string_view text) {
  constexpr std::string_view kScheme = "https://";
  if (!text.starts_with(kScheme) || !is_plain(text)) return false;
  const auto rest = text.substr(kScheme.size());
  return http::parse_authority(rest.substr(0, rest.find_first_of("/?#"))).has_value();
}

// An origin goes into the Content-Security-Policy, so nothing may follow it.
bool is_https_origin(std::string_view text) {
  return is_https_url(text) && text.find_first_of("/?#;,", 8) == std::string_view::npos;
}

std::string_view extension_of(std::string_view path) {
  const auto dot = path.rfind('.');
  return dot == std::string_view::npos ? std::string_view{} : path.substr(dot);
}

json::value text_or_null(const std::string& text) {
  return text.empty() ? json::value(nullptr) : json::value(text);
}

Task<http::Response> show(Services& services) {
  const auto& branding = services.config.branding;
  auto response = http::json_response(200, {{"name", branding.name},
                                            {"logoUrl", text_or_null(logo_path(branding))},
                                            {"supportEmail", text_or_null(branding.support_email)},
                                            {"bookCallUrl", text_or_null(branding.book_call_url)},
                                            {"accent", text_or_null(branding.accent)}});
  response.headers.add("Cache-Control", "no-cache");
  co_return response;
}

}  // namespace

Status check_branding(const Branding& branding) {
  if (branding.name.empty() || branding.name.size() > 60 || !is_utf8(branding.name)) {
    return refused("name", "must have 1 to 60 characters");
  }
  const auto logo = extension_of(branding.logo_file);
  if (!branding.logo_file.empty() && logo != ".svg" && logo != ".png" && logo != ".webp") {
    return refused("logo", "must be a .svg, .png or .webp file");
  }
  if (!branding.support_email.empty() && !normalise_email(branding.support_email)) {
    return refused("support", "must be an e-mail address");
  }
  if (!branding.accent.empty() && !is_colour(branding.accent)) {
    return refused("accent", "must be a colour like #2f6feb");
  }
  if (!branding.book_call_url.empty() && !is_https_url(branding.book_call_url)) {
    return refused("book_call_url", "must begin with https:// and hold no spaces");
  }
  if (!branding.plausible_domain.empty()) {
    if (!http::parse_authority(branding.plausible_domain)) {
      return refused("plausible_domain", "must be a domain");
    }
    if (!is_https_origin(branding.plausible_url)) {
      return refused("plausible_url", "must be https:// and a host, without a path");
    }
  }
  return {};
}

std::map<std::string, std::string, std::less<>> page_values(const Branding& branding,
                                                            std::string_view origin) {
  const bool counted = !branding.plausible_domain.empty();
  return {{"name", branding.name},
          {"origin", std::string(origin)},
          {"supportEmail", branding.support_email},
          {"bookCallUrl", branding.book_call_url},
          {"plausibleDomain", branding.plausible_domain},
          {"plausibleScript", counted ? branding.plausible_url + "/js/script.js" : ""},
          {"logoUrl", logo_path(branding)}};
}

std::string logo_path(const Branding& branding) {
  if (branding.logo_file.empty()) return {};
  return "/branding/logo" + std::string(extension_of(branding.logo_file));
}

std::string branding_css(const Branding& branding, std::string_view extra) {
  std::string css;
  if (!branding.accent.empty()) css = ":root{--accent:" + branding.accent + "}\n";
  css += extra;
  return css;
}

namespace branding {

void add_routes(http::Router& router, Services& services) {
  router.add(http::Method::kGet, "/api/branding", {.operation_id = "getBranding"},
             [&services](http::Request /*request*/) { return show(services); });
}

}  // namespace branding

}  // namespace deployclaw::api
