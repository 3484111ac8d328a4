#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "egress/testing/tls_origin.hpp"
#include "egress/testing/worker_rig.hpp"

namespace deployclaw::egress::testing {

// One kind "granted" without hosts of its own, renewed at https://<token_authority>/v2/token.
services::Catalogue renewal_catalogue(const std::string& token_authority);

// A worker whose agent has one credential that is renewed, a service that it is for and its token
// endpoint, both under TLS. The supervisor keeps what is renewed, as the real one does.
class RenewalRig {
 public:
  // `trusted`: the token endpoint's certificate verifies.
  explicit RenewalRig(bool trusted = true);
  ~RenewalRig();
  RenewalRig(const RenewalRig&) = delete;
  RenewalRig& operator=(const RenewalRig&) = delete;

  // The credential as the next configure() gives it to the worker.
  std::string value;  // empty: none yet
  std::optional<Time> expires_at;
  std::string grant_name = "grant-1";
  std::string refresh_token = "1//the-refresh-token";
  std::string previous_token;
  void configure();

  // What the agent gets for a request through the proxy to the service, its whole answer.
  Task<std::string> ask(std::string request);
  std::string get(std::string path = "/mail", std::string fields = with_placeholder());
  static std::string with_placeholder();
  [[nodiscard]] std::string request(std::string_view path, std::string_view fields) const;

  // The records of the audit log about renewals, intents and outcomes.
  [[nodiscard]] std::vector<boost::json::object> told() const;

  static constexpr const char* kPlaceholder = "grnt_0123456789abcdefghijklmnopqrstuvwxyzABCD";
  static constexpr const char* kClientSecret = "client-secret-0123456789";

  std::unique_ptr<WorkerRig> rig;
  std::unique_ptr<TlsOrigin> tokens;
  std::unique_ptr<TlsOrigin> mail;
  std::vector<RenewedMessage> renewed;
  bool keeps = true;  // the supervisor answers with a configuration

 private:
  void keep(RenewedMessage message);

  std::uint64_t version_ = 0;
  crypto::Authority client_authority_;
  std::optional<net::TlsClientContext> agent_trust_;
};

}  // namespace deployclaw::egress::testing
