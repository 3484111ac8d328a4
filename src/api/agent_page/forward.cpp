#include "api/agent_page/forward.hpp"

#include <algorithm>
#include <array>

#include "http/ascii.hpp"

namespace deployclaw::api::agent_page {
namespace {

using Kind = http::BodyFraming::Kind;

constexpr std::array<std::string_view, 10> kOfOneConnection{
    "connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization",
    "te",         "trailer",    "upgrade",          "transfer-encoding",  "content-length"};

// What nobody but us tells the agent.
constexpr std::array<std::string_view, 4> kOfTheProxy{"authorization", "forwarded", "x-real-ip",
                                                      "expect"};
constexpr std::array<std::string_view, 3> kPrefixesOfTheProxy{"x-forwarded-", "x-openclaw-",
                                                              "x-deployclaw-"};

// Of an answer: what speaks for more than one host.
constexpr std::array<std::string_view, 3> kOfTheSite{"strict-transport-security", "alt-svc",
                                                     "x-request-id"};

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), http::ascii_lower);
  return out;
}

bool is_one_of(std::string_view name, auto&& names) {
  return std::ranges::find(names, name) != names.end();
}

template <class Each>
void for_each_item(std::string_view list, char separator, Each each) {
  while (!list.empty()) {
    const auto end = list.find(separator);
    each(http::trim_ows(list.substr(0, end)));
    if (end == std::string_view::npos) return;
    list.remove_prefix(end + 1);
  }
}

// The names that Connection fields nominate (RFC 9110 §7.6.1), lower case.
std::vector<std::string> nominated(const http::Headers& headers) {
  std::vector<std::string> out;
  for (const auto& [name, value] : headers.all()) {
    if (!http::equals_ignoring_case(name, "connection")) continue;
    for_each_item(value, ',', [&out](std::string_view item) { out.push_back(lower(item)); });
  }
  return out;
}

bool is_ours(std::string_view cookie) {
  return cookie.substr(0, cookie.find('=')).starts_with("__Host-deployclaw");
}

std::string other_cookies(std::string_view value) {
  std::string out;
  for_each_item(value, ';', [&out](std::string_view cookie) {
    if (cookie.empty() || is_ours(cookie)) return;
    if (!out.empty()) out += "; ";
    out += cookie;
  });
  return out;
}

// A cookie of this host alone, and not one of ours.
bool may_be_set(std::string_view cookie) {
  if (is_ours(http::trim_ows(cookie))) return false;
  bool wide = false;
  for_each_item(cookie, ';', [&wide](std::string_view attribute) {
    const auto name = http::trim_ows(attribute.substr(0, attribute.find('=')));
    wide = wide || http::equals_ignoring_case(name, "domain");
  });
  return !wide;
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  if (http::is_safe_field(name, value)) out.append(name).append(": ").append(value).append("\r\n");
}

void append_framing(std::string& out, const http::BodyFraming& framing) {
  if (framing.kind == Kind::kLength) {
    append_field(out, "Content-Length", std::to_string(framing.length));
  }
  if (framing.kind == Kind::kChunked) append_field(out, "Transfer-Encoding", "chunked");
}

}  // namespace

bool is_websocket(const http::RequestHead& head) {
  const auto upgrade = head.headers.get("upgrade");
  if (head.method != http::Method::kGet || head.framing.kind != Kind::kNone || !upgrade)
    return false;
  return http::equals_ignoring_case(*upgrade, "websocket") &&
         is_one_of("upgrade", nominated(head.headers));
}

std::string_view foreign_request(const http::RequestHead& head, std::string_view origin) {
  const auto told = head.headers.get("origin");
  if (told && *told != origin) return "it comes from another site's page";
  if (is_websocket(head)) return told ? "" : "a WebSocket must say where it comes from";
  const bool reads = head.method == http::Method::kGet || head.method == http::Method::kHead;
  const auto site = head.headers.get("sec-fetch-site").value_or(told ? "same-origin" : "");
  if (site == "same-origin" || (reads && (site.empty() || site == "none"))) return "";
  const bool opens = head.method == http::Method::kGet &&
                     head.headers.get("sec-fetch-mode") == "navigate" &&
                     head.headers.get("sec-fetch-dest") == "document";
  return opens ? "" : "it comes from another site's page";
}

std::string agent_head(const http::RequestHead& head, const Caller& caller) {
  std::string out = head.method_text + " " + head.target + " HTTP/1.1\r\n";
  auto dropped = nominated(head.headers);
  for (const auto& [name, value] : caller.fields) dropped.push_back(lower(name));
  for (const auto& [name, value] : head.headers.all()) {
    const auto low = lower(name);
    if (is_one_of(low, kOfOneConnection) || is_one_of(low, kOfTheProxy) ||
        is_one_of(low, dropped) ||
        std::ranges::any_of(kPrefixesOfTheProxy, [&low](auto p) { return low.starts_with(p); })) {
      continue;
    }
    if (low == "cookie") {
      const auto cookies = other_cookies(value);
      if (!cookies.empty()) append_field(out, name, cookies);
    } else {
      append_field(out, name, value);
    }
  }
  append_field(out, "X-Forwarded-For", caller.address);
  append_field(out, "X-Forwarded-Proto", caller.proto);
  append_field(out, "X-Forwarded-Host", head.headers.get("host").value_or(""));
  // What a runtime's page says only in answer to what the browser said: Origin is not made up.
  for (const auto& [name, value] : caller.fields) {
    if (http::equals_ignoring_case(name, "origin") && !head.headers.get("origin")) continue;
    append_field(out, name, value);
  }
  if (is_websocket(head)) {
    out += "Connection: Upgrade\r\nUpgrade: websocket\r\n";
  } else {
    out += "Connection: close\r\n";
    append_framing(out, head.framing);
  }
  out += "\r\n";
  return out;
}

std::string browser_head(const http::ResponseHead& head) {
  http::Headers kept;
  const auto dropped = nominated(head.headers);
  for (const auto& [name, value] : head.headers.all()) {
    const auto low = lower(name);
    if (is_one_of(low, kOfOneConnection) || is_one_of(low, kOfTheSite) || is_one_of(low, dropped)) {
      continue;
    }
    if (low == "set-cookie" && !may_be_set(value)) continue;
    kept.add(name, value);
  }
  if (!kept.get("x-frame-options")) kept.add("X-Frame-Options", "DENY");
  std::string out;
  http::append_response_head(out, head.status, kept);
  if (head.status == 101) {
    out += "Connection: Upgrade\r\nUpgrade: websocket\r\n";
  } else {
    out += "Connection: close\r\n";
    append_framing(out, head.framing);
  }
  out += "\r\n";
  return out;
}

std::string fill_field(std::string_view template_text, const FieldValues& with) {
  const std::array<std::pair<std::string_view, std::string_view>, 4> values{
      {{"${gateway_token}", with.gateway_token},
       {"${page_key}", with.page_key},
       {"${user}", with.user},
       {"${public_origin}", with.public_origin}}};
  std::string out;
  while (!template_text.empty()) {
    const auto* const found = std::ranges::find_if(
        values, [template_text](const auto& v) { return template_text.starts_with(v.first); });
    if (found != values.end()) {
      out += found->second;
      template_text.remove_prefix(found->first.size());
    } else {
      out += template_text.front();
      template_text.remove_prefix(1);
    }
  }
  return out;
}

}  // namespace deployclaw::api::agent_page
