#include <fmt/format.h>

#include "domain/default_limits.hpp"
#include "egress/connection.hpp"
#include "egress/json_text.hpp"
#include "egress/limit_refusal.hpp"
#include "egress/tunnel.hpp"

// A connection that is carried unread, and what a new policy does to any.
namespace deployclaw::egress {

namespace json = boost::json;

Task<void> Connection::serve_tunnel(Origin origin) {
  const auto context = shared_.agent(arrival_.agent);
  if (!context) co_return;
  const auto decision = context->policy.decide_tunnel(origin.host, origin.port);
  const auto target = fmt::format("{}:{}", origin.host, origin.port);
  if (!decision.allowed) {
    record_refusal(target, services::to_string(decision.layer), decision.reason);
    stream_.abort();
    co_return;
  }
  if (context->policy.needs_approval(decision.scope)) {
    record_refusal(target, "approval",
                   "this scope waits for a person, and what is carried unread cannot be shown");
    stream_.abort();
    co_return;
  }
  const json::object intended{{"host", json_text(origin.host)},
                              {"port", origin.port},
                              {"rule", json_text(decision.rule)},
                              {"scope", json_text(decision.scope)}};
  json::object record{{"actionType", json_text(decision.action_type)},
                      {"target", json_text(target)},
                      {"metadata", intended}};
  const Charge charge{.scope = domain::scope_index(decision.scope).value_or(kNoScope)};
  auto intent = shared_.trail.intend(arrival_.agent, record, charge);
  const auto granted = co_await intent.durable();
  if (!granted) {
    if (intent.refusal()) {
      record_refusal(target, layer_of(*intent.refusal()), granted.error().public_detail);
    }
    stream_.abort();
    co_return;
  }
  UpstreamKey key{.host = origin.host, .port = origin.port, .tls = false};
  auto upstream = co_await shared_.upstreams.dial(std::move(key));
  if (!upstream) {
    const json::object details{{"detail", json_text(upstream.error().public_detail)}};
    intent.finish({{"outcome", "failure"}, {"metadata", details}});
    stream_.abort();
    co_return;
  }
  StreamReader upstream_reader(*upstream->stream);
  tunnelled_ = upstream->stream.get();
  const auto counts = co_await carry(shared_, reader_, upstream_reader);
  tunnelled_ = nullptr;
  json::object details{{"bytesSent", counts.sent}, {"bytesReceived", counts.received}};
  if (tunnel_broken_off_) details["detail"] = "broken off: the agent's policy changed";
  intent.finish(
      {{"outcome", tunnel_broken_off_ ? "failure" : "success"}, {"metadata", std::move(details)}});
}

void Connection::on_new_policy() {
  if (tunnelled_ != nullptr) {
    // Unread, so nothing but a new connection can be decided anew.
    tunnel_broken_off_ = true;
    tunnelled_->interrupt();
    stream_.interrupt();
    return;
  }
  if (running_ != nullptr) {
    running_->on_new_policy();
    return;
  }
  if (!origin_) return;
  const auto context = shared_.agent(arrival_.agent);
  if (!context || !context->policy.admits_name(origin_->host, origin_->port)) stream_.interrupt();
}

}  // namespace deployclaw::egress
