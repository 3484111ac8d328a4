#include "services/recorded_request.hpp"

#include <fmt/format.h>

#include "http/authority.hpp"

namespace deployclaw::services {
namespace {

constexpr std::size_t kLongestDescription = 300;

RecordedVerdict verdict_of(const Decision& decision) {
  return {.allowed = decision.allowed,
          .layer = std::string(to_string(decision.layer)),
          .rule = std::string(decision.rule),
          .scope = std::string(decision.scope),
          .missing_scope = std::string(decision.missing_scope),
          .reason = decision.reason};
}

// The record of a refused connection leaves the usual port out; only a name was asked for at none.
std::uint16_t port_of(const RecordedRequest& request) {
  constexpr std::uint16_t kUsual = 443;
  return request.port.value_or(request.layer == "domain" ? kUsual : 0);
}

RecordedVerdict name_verdict(const AgentPolicy& policy, const RecordedRequest& request) {
  RecordedVerdict out;
  out.allowed = policy.admits_name(request.host, port_of(request));
  if (!out.allowed) {
    out.layer = "domain";
    out.reason = "the agent's permissions do not admit this host";
  }
  return out;
}

// A connection without a request: carried unread, or refused before there was one.
RecordedVerdict connection_verdict(const AgentPolicy& policy, const RecordedRequest& request) {
  const bool for_http =
      *request.port == 80 || *request.port == 443 || policy.catalogue().find_host(request.host);
  if (for_http) return name_verdict(policy, request);
  const auto decision = policy.decide_tunnel(request.host, *request.port);
  if (!decision.allowed && policy.admits_name(request.host, *request.port)) {
    return name_verdict(policy, request);
  }
  return verdict_of(decision);
}

}  // namespace

RecordedVerdict judge(const AgentPolicy& policy, const RecordedRequest& request) {
  if (request.denied && request.layer == "service") {
    RecordedVerdict same;
    same.layer = request.layer;
    same.rule = request.rule;
    same.reason = request.reason;
    return same;
  }
  if (!request.port) return name_verdict(policy, request);
  if (request.method.empty()) return connection_verdict(policy, request);
  if (policy.catalogue().find_host(request.host) != nullptr) {
    const auto by_rule = policy.decide_by_rule(request.rule, request.host);
    if (by_rule) return verdict_of(*by_rule);
  }
  RequestFacts facts{.host = request.host,
                     .port = *request.port,
                     .tls = request.tls,
                     .method = request.method,
                     .path = request.path.empty() ? std::string_view("/") : request.path};
  facts.websocket = request.websocket;
  auto verdict = verdict_of(policy.decide(facts));
  // Without a body there is no saying; it stays as it was.
  if (!verdict.allowed && verdict.layer.empty()) {
    verdict.allowed = !request.denied;
    verdict.layer = request.denied ? "service" : "";
  }
  return verdict;
}

void read_target(std::string_view target, RecordedRequest& into) {
  const auto authority = http::parse_authority(target, http::Addresses::kAccept);
  if (!authority) {
    into.host = target.substr(0, 253);
    return;
  }
  into.host = authority->host;
  if (authority->port) into.port = authority->port;
}

std::string describe(const RecordedRequest& request) {
  const std::uint16_t port = request.port.value_or(0);
  std::string out;
  if (request.method.empty()) {
    out = port == 0 ? request.host : fmt::format("{}:{}", request.host, port);
  } else {
    const bool usual = port == (request.tls ? 443 : 80);
    out = fmt::format("{} {}://{}{}{}", request.method, request.tls ? "https" : "http",
                      request.host, usual ? "" : fmt::format(":{}", port), request.path);
  }
  if (out.size() > kLongestDescription) {
    out.resize(kLongestDescription);
    // Never half a character.
    while (!out.empty() && (static_cast<unsigned char>(out.back()) & 0xC0U) == 0x80U) {
      out.pop_back();
    }
    if (!out.empty() && (static_cast<unsigned char>(out.back()) & 0x80U) != 0) out.pop_back();
  }
  return out;
}

}  // namespace deployclaw::services
