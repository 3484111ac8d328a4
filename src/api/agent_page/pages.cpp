#include "api/agent_page/pages.hpp"

#include <boost/asio/this_coro.hpp>

#include "api/agent_page/exchange.hpp"
#include "api/agent_page/forward.hpp"
#include "api/agent_page/host.hpp"
#include "api/client_address.hpp"
#include "api/guard.hpp"
#include "base/log.hpp"
#include "base/random.hpp"
#include "crypto/sha256.hpp"
#include "http/cookie.hpp"
#include "runtimes/catalogue.hpp"
#include "runtimes/config.hpp"
#include "store/page_sessions.hpp"

namespace deployclaw::api::agent_page {
namespace {

using Stream = std::shared_ptr<net::ByteStream>;
using std::chrono::seconds;

constexpr std::string_view kEnter = "/~deployclaw/enter?ticket=";
constexpr std::size_t kTokenText = 43;
constexpr std::size_t kMostDropped = 256UL * 1024;

// A short page of our own. `extra` are more head lines.
Task<void> say(Stream browser, int status, std::string_view title, std::string_view text,
               std::string extra = "") {
  std::string body =
      "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width\"><title>" +
      std::string(title) + "</title><h1>" + std::string(title) + "</h1><p>" + std::string(text) +
      "</p></html>\n";
  http::Headers headers;
  headers.add("Content-Type", "text/html; charset=utf-8");
  headers.add("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
  headers.add("X-Content-Type-Options", "nosniff");
  headers.add("Referrer-Policy", "no-referrer");
  headers.add("Cache-Control", "no-store");
  headers.add("Content-Length", std::to_string(body.size()));
  headers.add("Connection", "close");
  std::string out;
  http::append_response_head(out, status, headers);
  out += extra + "\r\n" + body;
  browser->set_deadline(seconds(10));
  const auto told = co_await browser->write_all(out);
  if (!told) co_return;
  const auto ended = co_await browser->shutdown_send();
  if (!ended) co_return;
  // Closing with unread bytes would turn the answer into a reset.
  browser->set_deadline(seconds(2));
  std::string dropped(4096, '\0');
  for (std::size_t all = 0; all < kMostDropped;) {
    const auto got = co_await browser->read_some(dropped.data(), dropped.size());
    if (!got || *got == 0) co_return;
    all += *got;
  }
}

std::optional<crypto::Sha256Digest> page_cookie(const http::RequestHead& head) {
  http::Request request;
  request.headers = head.headers;
  const auto token = request.cookie(kPageCookie);
  if (!token || token->size() != kTokenText) return std::nullopt;
  return crypto::sha256(bytes_of(*token));
}

}  // namespace

struct AgentPages::Shared {
  Shared(boost::asio::any_io_executor e, Services& s)
      : executor(std::move(e)), services(s), timer(executor) {}

  Task<void> carry(net::Diverted diverted);
  Task<void> enter(AgentId agent, const http::RequestHead& head, Stream browser);
  Task<void> proxy(AgentId agent, store::FoundPage page, crypto::Sha256Digest cookie,
                   net::Diverted& diverted);
  Task<Result<Caller>> caller_of(AgentId agent, const runtimes::OwnPage& own,
                                 const store::FoundPage& page, const net::Diverted& diverted);
  Task<bool> still_allowed(AgentId agent, crypto::Sha256Digest cookie, std::string address);

  boost::asio::any_io_executor executor;
  Services& services;
  net::CoarseTimer timer;  // of the connections to agents
};

AgentPages::AgentPages(boost::asio::any_io_executor executor, Services& services)
    : shared_(std::make_unique<Shared>(std::move(executor), services)) {}

AgentPages::~AgentPages() = default;

net::Diversion AgentPages::diversion() {
  Shared* shared = shared_.get();
  return {.wants =
              [shared](const http::RequestHead& head) {
                return is_agents_host(head.headers.get("host").value_or(""),
                                      shared->services.config.agents_host);
              },
          .carry = [shared](net::Diverted diverted) { return shared->carry(std::move(diverted)); }};
}

Task<void> AgentPages::Shared::carry(net::Diverted diverted) {
  const Stream browser = diverted.stream;
  const auto& config = services.config;
  const auto agent =
      agent_of_host(diverted.head.headers.get("host").value_or(""), config.agents_host);
  if (!agent) {
    co_await say(browser, 404, "Nothing here", "Open an agent's page from the dashboard.");
    co_return;
  }
  const auto origin = page_origin(*agent, config.agents_host, config.public_origin);
  if (!foreign_request(diverted.head, origin).empty()) {
    co_await say(browser, 403, "Refused", "This request does not come from the agent's own page.");
    co_return;
  }
  if (diverted.head.method == http::Method::kGet && diverted.head.target.starts_with(kEnter)) {
    co_await enter(*agent, diverted.head, browser);
    co_return;
  }
  const auto cookie = page_cookie(diverted.head);
  std::optional<store::FoundPage> page;
  if (cookie) {
    auto found = co_await store::find_page(services.db, *cookie, *agent);
    if (!found) {
      log::error("agent page not looked up", {{"cause", found.error().message}});
      co_await say(browser, 503, "Not available", "Please try again in a moment.");
      co_return;
    }
    page = std::move(*found);
  }
  if (!page) {
    co_await say(
        browser, 401, "Open this page from the dashboard",
        "Your visit has ended, or did not begin there: choose the agent and open its page.");
    co_return;
  }
  co_await proxy(*agent, std::move(*page), *cookie, diverted);
}

// The page that sets the cookie goes on by itself: a redirect would belong to the dashboard's
// navigation, and a browser sends no strict cookie with that.
Task<void> AgentPages::Shared::enter(AgentId agent, const http::RequestHead& head, Stream browser) {
  const auto ticket = std::string_view(head.target).substr(kEnter.size());
  const auto token = random_token(32);
  bool good = false;
  if (ticket.size() == kTokenText) {
    const auto hash = crypto::sha256(bytes_of(ticket));
    const auto cookie = crypto::sha256(bytes_of(token));
    const auto redeemed = co_await store::redeem_page_ticket(services.db, hash, cookie, agent);
    if (!redeemed) log::error("page ticket not redeemed", {{"cause", redeemed.error().message}});
    good = redeemed.value_or(false);
  }
  if (!good) {
    co_await say(
        browser, 401, "This link is used up",
        "It opens the agent's page once, within a minute. Open it again from the dashboard.");
    co_return;
  }
  http::SetCookie cookie{.name = std::string(kPageCookie), .value = token};
  auto extra = "Set-Cookie: " + http::to_header_value(cookie) + "\r\nRefresh: 0; url=/\r\n";
  co_await say(browser, 200, "Opening", "<a href=\"/\">Go on to the agent's page</a>",
               std::move(extra));
}

Task<Result<Caller>> AgentPages::Shared::caller_of(AgentId agent, const runtimes::OwnPage& own,
                                                   const store::FoundPage& page,
                                                   const net::Diverted& diverted) {
  vault::TokenContext of_token;
  of_token.client = page.client;
  of_token.client_salt = page.client_salt;
  of_token.agent = agent;
  const auto token = co_await services.vault.derive_token(std::move(of_token));
  if (!token) co_return context("gateway token", token.error());
  http::Request request;
  request.headers = diverted.head.headers;
  request.remote_address = diverted.remote_address;
  Caller caller;
  caller.address = client_address(services.config, request);
  // Agents take a loopback address for their own machine's, which this one is not.
  if (caller.address.empty() || caller.address.starts_with("127.") || caller.address == "::1") {
    caller.address = "192.0.2.1";
  }
  const auto& origin = services.config.public_origin;
  caller.proto = origin.starts_with("https://") ? "https" : "http";
  const auto key = runtimes::page_key(token->token.expose_text());
  const FieldValues values{.gateway_token = token->token.expose_text(),
                           .page_key = key,
                           .user = page.email,
                           .public_origin = origin};
  for (const auto& [name, value] : own.headers) {
    caller.fields.emplace_back(fill_field(name, values), fill_field(value, values));
  }
  co_return caller;
}

Task<void> AgentPages::Shared::proxy(AgentId agent, store::FoundPage page,
                                     crypto::Sha256Digest cookie, net::Diverted& diverted) {
  const Stream browser = diverted.stream;
  const auto* runtime = services.runtimes.find(page.runtime, true);
  if (runtime == nullptr || !runtime->page || page.desired_state != "running" || !page.address) {
    co_await say(browser, 503, "The agent does not run", "Start it in the dashboard.");
    co_return;
  }
  auto caller = co_await caller_of(agent, *runtime->page, page, diverted);
  if (!caller) {
    log::error("agent page without a token", {{"cause", caller.error().message}});
    co_await say(browser, 503, "Not available", "Please try again in a moment.");
    co_return;
  }
  auto connected = co_await connect_agent(executor, timer, *page.address, runtime->page->port);
  if (!connected) {
    co_await say(browser, 502, "The agent does not answer",
                 "It may still be starting; its state is in the dashboard.");
    co_return;
  }
  const Stream upstream = *connected;
  std::string head = agent_head(diverted.head, *caller);
  upstream->set_deadline(seconds(30));
  const auto sent = co_await upstream->write_all(head);
  wipe_string(head);
  for (auto& [name, value] : caller->fields) {
    wipe_string(name);
    wipe_string(value);
  }
  bool answered = false;
  if (sent) {
    StillAllowed still = [this, agent, cookie, address = *page.address] {
      return still_allowed(agent, cookie, address);
    };
    answered = co_await carry_exchange(diverted.head, browser, upstream, std::move(still));
  }
  upstream->close();
  if (!answered) {
    co_await say(browser, 502, "The agent does not answer", "It closed the connection.");
  } else {
    browser->close();
  }
}

Task<bool> AgentPages::Shared::still_allowed(AgentId agent, crypto::Sha256Digest cookie,
                                             std::string address) {
  const auto page = co_await store::find_page(services.db, cookie, agent);
  co_return page && *page && (*page)->desired_state == "running" && (*page)->address == address;
}

}  // namespace deployclaw::api::agent_page
