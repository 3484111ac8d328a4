#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "domain/permissions.hpp"
#include "http/message.hpp"
#include "services/catalogue.hpp"
#include "services/target_naming.hpp"

// What an agent may reach: a pure decision over an immutable policy.
namespace deployclaw::services {

// A credential of the agent, without its value.
struct AgentCredential {
  std::string name;
  std::string kind;
  std::vector<std::string> hosts;  // canonical, as the customer bound it
  std::string placeholder;
};

// What is known of a request before its body. Views; the caller owns them.
struct RequestFacts {
  std::string_view host;                     // canonical: http::Authority::host
  std::uint16_t port = 443;                  // where the agent wanted to go
  bool tls = true;                           // inside intercepted TLS
  std::string_view method;                   // as sent
  std::string_view path;                     // canonical: http::CanonicalTarget::path
  std::string_view query = {};               // http::CanonicalTarget::query, or ""
  bool websocket = false;                    // a WebSocket handshake
  const boost::json::value* body = nullptr;  // when it was read because a decision asked for it
};

// Which check of the chain refused. The order is that of the chain; rate limits and spend follow.
enum class Layer : std::uint8_t { kNone, kClient, kDomain, kService, kScope, kPort };
std::string_view to_string(Layer layer);  // "" for kNone

// One placeholder that may be replaced, at one place. Points into the policy and the catalogue.
struct Injection {
  const AgentCredential* credential;
  const Place* place;
};

// The views point into the policy and the catalogue: keep the AgentPolicy as long as the decision.
struct Decision {
  bool allowed = false;
  // No verdict yet: a rule depends on the body. Read it (JSON, at most 1 MiB), decide again with
  // RequestFacts::body; a body that cannot be read that way is a null value.
  bool needs_body = false;
  Layer layer = Layer::kNone;      // who refused
  std::string_view rule;           // "gmail/send", "domain:api.example.com", "" when none matched
  std::string_view service;        // "" for a host outside the catalogue
  std::string_view scope;          // that the rule asks for: a scope, or "model"
  std::string_view action_type;    // of the audit record
  std::string_view missing_scope;  // set when granting it would allow the request
  std::string reason;              // for people; set when refused
  std::string target;              // of the audit record, at most 512 bytes
  std::vector<Injection> injections;  // empty unless allowed and over TLS
};

// Compiled permissions of one agent. Immutable, cheap to copy (one pointer), safe from any thread.
class AgentPolicy {
 public:
  // kInvalid for a credential of an unknown kind or without a placeholder, for two with one
  // placeholder, and for a domain that names.hpp refuses. `version` is handed back only.
  static Result<AgentPolicy> compile(Catalogue catalogue, const domain::Permissions& permissions,
                                     std::vector<AgentCredential> credentials, bool client_active,
                                     std::uint64_t version);

  // Could any request to `host` be allowed, on `port` (0: on any port)? For DNS answers, CONNECT
  // and SNI. `host` is canonical.
  [[nodiscard]] bool admits_name(std::string_view host, std::uint16_t port = 0) const;

  // As admits_name(), and by which pattern: a host of the catalogue or an allowed domain, exact or
  // with a leading "*.". For budgets of names below a wildcard.
  [[nodiscard]] std::optional<std::string> admitting_pattern(std::string_view host,
                                                             std::uint16_t port = 0) const;

  // The verdict on one HTTP request. Deterministic; O(rules of the host).
  [[nodiscard]] Decision decide(const RequestFacts& facts) const;

  // The decision's target once the body is known, which decide() does not look into for this. The
  // same as decision.target where the rule takes nothing from the body.
  [[nodiscard]] std::string name_target(const Decision& decision, const RequestFacts& facts,
                                        const BodyFacts& body) const;

  // The verdict on a connection that is not read (mail, or a port named in the allowed domains):
  // never 80 or 443, never a host of the catalogue.
  [[nodiscard]] Decision decide_tunnel(std::string_view host, std::uint16_t port) const;

  // The verdict on a request to `host` that the catalogue's rule `rule_id` is known to decide, for
  // what is not known of it any more (the audit log has no bodies). nullopt when there is no such
  // rule. Without injections; `target` is the host.
  [[nodiscard]] std::optional<Decision> decide_by_rule(std::string_view rule_id,
                                                       std::string_view host) const;
  // Whether every request of that scope waits for a person.
  [[nodiscard]] bool needs_approval(std::string_view scope) const;

  [[nodiscard]] std::span<const AgentCredential> credentials() const;
  [[nodiscard]] std::uint64_t version() const;
  [[nodiscard]] bool client_active() const;
  [[nodiscard]] const Catalogue& catalogue() const;

  struct State;  // policy_state.hpp

 private:
  explicit AgentPolicy(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

// 403 application/problem+json for a refusal, code "egress_denied", with the members layer, host,
// port, method, path (cut at 1 KiB), rule and missingScope where they apply.
http::Response to_problem(const Decision& decision, const RequestFacts& facts,
                          std::string_view request_id);

}  // namespace deployclaw::services
