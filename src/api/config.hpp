#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "api/branding/settings.hpp"

namespace deployclaw::api {

// What an operator can set about the api process (section [api] of the configuration file).
struct ApiConfig {
  std::string listen_address = "127.0.0.1";
  std::uint16_t listen_port = 8080;  // 0 picks a free one
  // Metrics and readiness; never give this one to the world.
  std::string internal_address = "127.0.0.1";
  std::uint16_t internal_port = 9081;

  // "https://console.example.com". When set, Origin must be exactly this; when empty, Origin's host
  // and port must be those of the Host field.
  std::string public_origin;
  // Addresses or networks (CIDR) of reverse proxies whose X-Forwarded-For is believed. Empty: the
  // socket's peer is the caller, whatever a header says.
  std::vector<std::string> trusted_proxies;

  int bcrypt_cost = 12;
  std::size_t hashing_threads = 2;
  // Password checks that may wait; one more is answered 503.
  std::size_t max_queued_hashes = 32;

  std::string issuer = "DeployClaw";  // the name an authenticator app shows
  // The built pages (web/dist); empty: none, the API alone is served.
  std::string web_root;
  Branding branding;
  // Agents' own pages are at <agent id>.<agents_host>; a port may follow, else it is that of
  // public_origin.
  std::string agents_host = "agents.localhost";
  // Runtimes marked as test-only in the catalogue may be deployed.
  bool allow_test_runtimes = false;
  std::chrono::milliseconds stop_grace{10'000};
};

// The contract's limits; not configurable, because clients and the security argument rely on them.
namespace limits {
inline constexpr std::chrono::minutes kIdle{30};
inline constexpr std::chrono::hours kAbsolute{12};
inline constexpr std::chrono::minutes kPasswordLevel{15};  // a half-finished login
inline constexpr std::chrono::minutes kFresh{10};
inline constexpr int kAttempts = 5;
inline constexpr std::chrono::minutes kAttemptWindow{15};
inline constexpr std::chrono::hours kIdempotency{24};
}  // namespace limits

}  // namespace deployclaw::api
