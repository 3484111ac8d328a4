#include "egress/connection.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "egress/forward_head.hpp"
#include "egress/json_text.hpp"
#include "http/problem.hpp"
#include "net/client_hello.hpp"

namespace deployclaw::egress {

namespace json = boost::json;

namespace {

// Whoever speaks first (SMTP's server) has spoken by then.
constexpr std::chrono::milliseconds kFirstBytes{400};

bool looks_like_tls(char first) { return first == 0x16; }
// Methods are tokens in capitals.
bool looks_like_http(char first) { return first >= 'A' && first <= 'Z'; }

}  // namespace

Connection::Connection(WorkerShared& shared, net::StreamSocket socket, ConnectionMessage arrival)
    : shared_(shared),
      arrival_(arrival),
      stream_(std::move(socket), shared.timer),
      reader_(stream_) {
  const int on = 1;
  setsockopt(stream_.raw().native_handle(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

Task<void> Connection::run() {
  const auto self = shared_from_this();
  if (arrival_.entrance == Entrance::kProxy) {
    co_await serve_proxy();
  } else {
    co_await serve_transparent();
  }
  stream_.close();
}

bool Connection::admits(const std::string& host, std::uint16_t port, std::string& why) {
  const auto context = shared_.agent(arrival_.agent);
  if (!context) {
    why = "This agent has no valid policy.";
    return false;
  }
  if (!context->policy.client_active()) {
    why = "The account is suspended.";
    return false;
  }
  const auto pattern = context->policy.admitting_pattern(host, port);
  if (!pattern) {
    why = "The agent's permissions do not admit this host.";
    return false;
  }
  if (!shared_.names[arrival_.agent].budget.admit(*pattern, host, shared_.clock.now())) {
    why = "Too many different names below " + *pattern + " were used within an hour.";
    return false;
  }
  return true;
}

void Connection::record_refusal(std::string_view target, std::string_view layer,
                                std::string_view reason) {
  const json::object details{{"layer", json_text(layer)}, {"reason", json_text(reason)}};
  shared_.trail.event(arrival_.agent, {{"actionType", "connection_refused"},
                                       {"target", json_text(target.substr(0, 300))},
                                       {"outcome", "denied"},
                                       {"metadata", details}});
}

// ---- The proxy's port.

// A coroutine's frame lasts as long as what it awaits. So what comes before a long wait is in
// frames of their own, which are gone by then: an idle connection is a third smaller.
Task<void> Connection::serve_proxy() {
  auto next = co_await serve_first();
  if (next.tunnel) {
    co_await serve_origin(std::move(*next.tunnel));
  } else if (next.more) {
    co_await serve_requests(std::nullopt);
  }
}

Task<Connection::Next> Connection::serve_first() {
  Next next;
  stream_.set_deadline(shared_.deadlines.head);
  const auto text = co_await reader_.take_head(kMostHead);
  stream_.clear_deadline();
  if (!text || text->empty()) co_return next;
  auto head = http::parse_request_head(*text);
  if (head && head->method_text == "CONNECT") {
    next.tunnel = co_await accept_connect(*head);
    co_return next;
  }
  Exchange exchange(shared_, arrival_.agent, reader_, std::nullopt);
  running_ = &exchange;
  if (head) {
    next.more = co_await exchange.run(std::move(*head));
  } else {
    next.more = co_await exchange.refuse_malformed(std::move(head.error()));
  }
  running_ = nullptr;
  co_return next;
}

Task<std::optional<Origin>> Connection::accept_connect(const http::RequestHead& head) {
  const auto authority = http::parse_authority(head.target);
  if (!authority || !authority->port) {
    record_refusal(head.target, "http", "CONNECT needs a host name and a port");
    auto why = authority ? "CONNECT needs a port." : authority.error().public_detail;
    co_await answer_connect_refused("", 0, std::move(why));
    co_return std::nullopt;
  }
  const Origin origin{
      .host = authority->host, .port = *authority->port, .tls = *authority->port != 80};
  std::string why;
  if (!admits(origin.host, origin.port, why)) {
    record_refusal(origin.authority(), "domain", why);
    co_await answer_connect_refused(origin.host, origin.port, std::move(why));
    co_return std::nullopt;
  }
  stream_.set_deadline(shared_.deadlines.head);
  const auto agreed = co_await write_rest(stream_, "HTTP/1.1 200 Connection Established\r\n\r\n");
  if (!agreed) co_return std::nullopt;
  // Bytes that came with the head, without waiting for the answer, belong to the tunnel.
  const std::string early(reader_.unread());
  reader_.consume(early.size());
  if (!early.empty()) stream_.unread(early);
  co_return origin;
}

Task<void> Connection::answer_connect_refused(std::string host, std::uint16_t port,
                                              std::string why) {
  http::ProblemMembers members{{"layer", "domain"}};
  if (!host.empty()) {
    members.emplace_back("host", json::value(json_text(host)));
    members.emplace_back("port", port);
  }
  const Error error{.code = Code::kForbidden,
                    .message = "refused",
                    .reason = "egress_denied",
                    .public_detail = std::move(why)};
  const auto response = http::problem(error, "", std::move(members));
  const auto out = own_answer(response, false);
  const auto written = co_await write_rest(stream_, out);
  if (written) (void)co_await stream_.shutdown_send();
}

// ---- Led here by the firewall.

Task<void> Connection::serve_transparent() {
  const auto host = shared_.names[arrival_.agent].addresses.host_of(arrival_.destination);
  if (!host) {
    record_refusal(fmt::format("{}:{}", arrival_.destination.to_string(), arrival_.port), "domain",
                   "an address that no admitted name stands for");
    stream_.abort();
    co_return;
  }
  Origin origin{.host = *host, .port = arrival_.port, .tls = arrival_.port != 80};
  std::string why;
  if (!admits(origin.host, origin.port, why)) {
    record_refusal(origin.authority(), "domain", why);
    stream_.abort();
    co_return;
  }
  co_await serve_origin(std::move(origin));
}

// ---- Inside.

Task<void> Connection::serve_origin(Origin origin) {
  origin_ = origin;
  const auto context = shared_.agent(arrival_.agent);
  const bool unread_port = context && context->policy.catalogue().find_tcp(origin.port) != nullptr;
  const bool web_port = origin.port == 443 || origin.port == 80;
  if (unread_port) {
    co_await serve_tunnel(std::move(origin));
    co_return;
  }
  stream_.set_deadline(web_port ? shared_.deadlines.head : kFirstBytes);
  const auto first = co_await stream_.peek(1);
  const bool silent = !first && stream_.timed_out();
  stream_.clear_deadline();
  if (first && first->empty()) co_return;
  if (first && looks_like_tls(first->front())) {
    origin.tls = true;
    co_await serve_tls(std::move(origin));
  } else if (first && looks_like_http(first->front())) {
    origin.tls = false;
    co_await serve_requests(std::move(origin));
  } else if ((first || silent) && !web_port) {
    co_await serve_tunnel(std::move(origin));
  } else if (first) {
    record_refusal(origin.authority(), "http", "neither TLS nor HTTP");
  }
}

Task<void> Connection::serve_tls(Origin origin) {
  stream_.set_deadline(shared_.deadlines.head);
  std::size_t needs = 1;
  net::ClientHelloPeek peeked;
  while (true) {
    const auto bytes = co_await stream_.peek(needs);
    if (!bytes) co_return;
    peeked = net::peek_client_hello(*bytes);
    if (peeked.state != net::ClientHelloPeek::State::kNeedsMore) break;
    if (bytes->size() < needs) co_return;
    needs = peeked.needs;
  }
  // A name other than the connection's is domain fronting; none is what old clients send.
  const bool hello = peeked.state == net::ClientHelloPeek::State::kHello;
  if (!hello || (!peeked.hello.server_name.empty() && peeked.hello.server_name != origin.host)) {
    const auto target = hello ? peeked.hello.server_name : origin.authority();
    record_refusal(target, "tls",
                   hello ? "the TLS server name is not the connection's host" : peeked.reason);
    stream_.abort();
    co_return;
  }
  if (!shared_.authority) {
    record_refusal(origin.authority(), "tls", "the client has no certificate authority yet");
    stream_.abort();
    co_return;
  }
  auto host = origin.host;
  const auto shaken = co_await stream_.handshake_server(*shared_.authority, std::move(host));
  stream_.clear_deadline();
  if (!shaken) {
    if (shaken.error().code == Code::kMalformed) {
      record_refusal(origin.authority(), "tls", "the agent's TLS client broke the handshake off");
    }
    co_return;
  }
  co_await serve_requests(std::move(origin));
}

Task<void> Connection::serve_requests(std::optional<Origin> origin) {
  while (true) {
    stream_.set_deadline(shared_.deadlines.idle);
    const bool more = co_await reader_.wait_for_more();
    if (!more) co_return;
    auto copy = origin;
    const bool goes_on = co_await serve_request(std::move(copy));
    if (!goes_on) co_return;
  }
}

Task<bool> Connection::serve_request(std::optional<Origin> origin) {
  Exchange exchange(shared_, arrival_.agent, reader_, std::move(origin));
  running_ = &exchange;
  const bool goes_on = co_await exchange.run();
  running_ = nullptr;
  co_return goes_on;
}

}  // namespace deployclaw::egress
