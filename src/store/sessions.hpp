#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/task.hpp"
#include "crypto/sha256.hpp"
#include "db/database.hpp"
#include "db/transaction.hpp"

// Sessions. Rows hold the SHA-256 of the token, never the token.
namespace deployclaw::store {

// A live session with whose it is: one row, one round trip.
struct FoundSession {
  SessionId id;
  std::string level;
  std::optional<Time> second_factor_at;
  Time created_at;
  Time last_seen_at;
  Time expires_at;
  UserId user;
  std::string email;
  std::string role;
  bool totp_enabled = false;
  Time user_created_at;
  ClientId client;
  std::string client_name;
  std::string plan;
  std::string client_status;
  Time client_created_at;
};

// The session of a token, unless it ended or was idle for 30 minutes by the database's clock.
Task<Result<std::optional<FoundSession>>> find_session(db::Database& db,
                                                       crypto::Sha256Digest token_hash);

struct NewSession {
  ClientId client;
  UserId user;
  crypto::Sha256Digest token_hash;
  std::string level;
  std::optional<Time> second_factor_at;
  std::string ip;  // empty: unknown
  std::string user_agent;
  Time created_at;  // a rotated session keeps that of the one it follows
  Time now;
  Time expires_at;
};
Task<Result<SessionId>> insert_session(db::Transaction& tx, NewSession session);

// False when there was none such (any more).
Task<Result<bool>> end_session(db::Transaction& tx, UserId user, SessionId session);
// Ends all sessions of the user but `kept`; how many.
Task<Result<std::int64_t>> end_other_sessions(db::Transaction& tx, UserId user, SessionId kept);

struct ListedSession {
  SessionId id;
  std::string level;
  std::string ip;
  std::string user_agent;
  Time created_at;
  Time last_seen_at;
  Time expires_at;
};
// The user's sessions that have not ended, latest seen first, at most 200.
Task<Result<std::vector<ListedSession>>> list_sessions(db::Database& db, ClientId client,
                                                       UserId user, Time now);

// Moves last_seen_at forward.
Task<Status> touch_session(db::Database& db, ClientId client, SessionId session, Time now);

// Deletes sessions past their end and old attempts, of all clients.
Task<Status> expire_auth(db::Database& db);

}  // namespace deployclaw::store
