#pragma once

#include <optional>
#include <string>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/task.hpp"
#include "crypto/sha256.hpp"
#include "db/database.hpp"
#include "db/transaction.hpp"

// Who has an agent's own page open. Rows hold the SHA-256 of a ticket or cookie, never the token.
namespace deployclaw::store {

struct NewPageTicket {
  ClientId client;
  AgentId agent;
  UserId user;
  Time session_created_at;  // which sign-in it belongs to
  crypto::Sha256Digest hash;
};
// Also drops the client's tickets and cookies of more than 12 hours ago.
Task<Status> insert_page_ticket(db::Transaction& tx, NewPageTicket ticket);

// Turns a ticket of this agent, at most 60 s old and not used yet, into a cookie. False otherwise.
Task<Result<bool>> redeem_page_ticket(db::Database& db, crypto::Sha256Digest ticket,
                                      crypto::Sha256Digest cookie, AgentId agent);

struct FoundPage {
  ClientId client;
  std::string email;
  Bytes client_salt;
  std::string runtime;
  std::string desired_state;
  std::optional<std::string> address;  // of the agent's container
};
// What the cookie opens now; nullopt when it opens nothing (any more).
Task<Result<std::optional<FoundPage>>> find_page(db::Database& db, crypto::Sha256Digest cookie,
                                                 AgentId agent);

}  // namespace deployclaw::store
