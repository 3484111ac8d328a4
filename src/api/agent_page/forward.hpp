#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/wire.hpp"

// One exchange with an agent's own page, as the two sides may see it. Pure.
namespace deployclaw::api::agent_page {

inline constexpr std::string_view kPageCookie = "__Host-deployclaw-page";

// What is told to the agent of who asks.
struct Caller {
  std::string address;                                      // textual IP
  std::string proto;                                        // "http" or "https"
  std::vector<std::pair<std::string, std::string>> fields;  // of the runtime's page, filled in
};

// A WebSocket handshake (RFC 6455 §4.1), which has no body.
bool is_websocket(const http::RequestHead& head);

// Why a request may not have come from the page itself, "" when it may: a WebSocket and whatever
// changes something must name `origin`, the page's own; what only reads may come from elsewhere as
// the opening of the page alone.
std::string_view foreign_request(const http::RequestHead& head, std::string_view origin);

// The head to send to the agent, blank line included. Taken out: our cookie, Authorization,
// everything that says who asks or which a proxy may say, and what belongs to one connection.
std::string agent_head(const http::RequestHead& head, const Caller& caller);

// The head to send to the browser. Taken out: what belongs to one connection, and cookies for more
// than this one host.
std::string browser_head(const http::ResponseHead& head);

// What stands for the placeholders of a runtime's page.
struct FieldValues {
  std::string_view gateway_token;
  std::string_view page_key;
  std::string_view user;
  std::string_view public_origin;
};
// `template_text` with ${gateway_token}, ${page_key}, ${user} and ${public_origin} filled in.
std::string fill_field(std::string_view template_text, const FieldValues& values);

}  // namespace deployclaw::api::agent_page
