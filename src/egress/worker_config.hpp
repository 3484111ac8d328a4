#pragma once

#include <boost/json/value.hpp>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "egress/deadlines.hpp"
#include "linux/file.hpp"
#include "services/oauth_grant.hpp"

namespace deployclaw::egress {

struct WorkerCredential {
  std::string name;
  std::string kind;
  std::vector<std::string> hosts;
  std::string placeholder;
  Secret value;  // empty: an access token that is still to be fetched
  std::optional<Time> expires_at = {};
  // With these the value is an access token that is renewed; an empty name of the grant: it is not.
  // A renewed grant has another name.
  std::string grant_name = {};
  services::OAuthGrant grant = {};  // its access token is `value`
};

struct WorkerAgent {
  AgentId id;
  boost::json::value permissions;
  std::vector<WorkerCredential> credentials;
  // Synthetic addresses given out by an earlier worker: address → name.
  std::map<std::uint32_t, std::string> addresses;
};

// All that a worker knows: one client's policy and secrets. A newer one replaces it whole.
struct WorkerConfig {
  std::uint64_t version = 0;
  ClientId client;
  bool active = false;
  std::vector<WorkerAgent> agents;
  std::string authority_certificate;  // PEM; empty: TLS cannot be intercepted, so it is refused
  Secret authority_key;               // PEM
  Deadlines deadlines;
  std::vector<std::string> nameservers;                  // "192.0.2.1" or "192.0.2.1:53"
  std::map<std::string, std::vector<std::string>> pins;  // the operator's name → addresses
};

// The configuration as sealed anonymous memory (memfd), which travels to the worker as a file
// descriptor and is gone when both have closed it. kUnavailable when it cannot be had.
Result<linux::UniqueFd> seal_config(const WorkerConfig& config);
// Takes it out again; the text is wiped. kMalformed when it is none.
Result<WorkerConfig> open_config(const linux::UniqueFd& memory);

}  // namespace deployclaw::egress
