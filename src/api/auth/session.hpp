#pragma once

#include <optional>
#include <string>

#include "api/context.hpp"
#include "api/services.hpp"
#include "base/task.hpp"
#include "db/transaction.hpp"
#include "http/message.hpp"

// From a request to whose it is, and from a proven factor to a session.
namespace deployclaw::api {

// The session token a request presents. kMalformed (ambiguous_credentials) when it carries a
// session cookie and an Authorization field; kUnauthenticated when it has neither.
Result<std::string> presented_token(const http::Request& request);

struct Authenticated {
  Principal principal;
  Time last_seen_at;
};
// Who holds the session of `token` now; kUnauthenticated when there is none, it ended, or it was
// idle too long. One round trip.
Task<Result<Authenticated>> authenticate(Services& services, std::string token, std::string ip,
                                         std::string request_id);

struct SessionSeed {
  ClientId client;
  UserId user;
  Level level = Level::kPassword;
  std::optional<Time> second_factor_at = {};
  std::string ip;
  std::string user_agent;
  Time now;
  // Set when the session follows another one at step-up: the absolute end does not move.
  std::optional<Time> created_at = {};
  std::optional<Time> expires_at = {};
};
// Inserts a session with a fresh token into `tx` and answers its Set-Cookie value.
Task<Result<std::string>> issue_session(db::Transaction& tx, SessionSeed seed);

// The User-Agent as it may be stored and shown: visible ASCII, at most 256 characters.
std::string clean_user_agent(const http::Request& request);

}  // namespace deployclaw::api
