#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>

#include "base/ids.hpp"
#include "base/task.hpp"
#include "crypto/sha256.hpp"
#include "db/database.hpp"
#include "db/transaction.hpp"

// Answers kept for repeated requests.
namespace deployclaw::store {

// What came of claiming a key.
struct IdempotencyClaim {
  enum class Kind {
    kClaimed,  // ours: run the request, then store its answer under `claim`
    kRunning,  // the same request is running
    kOther,    // the key was used for another request
    kStored,   // answer it from status, headers, body
  };
  Kind kind = Kind::kClaimed;
  std::string claim = {};  // says which claim of the key this is
  int status = 0;
  boost::json::object headers = {};
  std::string body = {};
};

// Claims `key` for a request with `hash`. Keys of this user older than 24 h are dropped first; a
// claim whose request never came to an end may be taken over after two minutes.
Task<Result<IdempotencyClaim>> claim_idempotency_key(db::Database& db, ClientId client, UserId user,
                                                     std::string key, crypto::Sha256Digest hash);

struct StoredAnswer {
  UserId user;
  std::string key;
  std::string claim;
  int status = 0;
  boost::json::object headers;
  std::string body;
};
// Keeps the answer. False when the claim is no longer ours or already has one.
Task<Result<bool>> store_answer(db::Database& db, ClientId client, StoredAnswer answer);
Task<Result<bool>> store_answer(db::Transaction& tx, StoredAnswer answer);

// Gives the key back, unanswered.
Task<Status> release_idempotency_key(db::Database& db, ClientId client, UserId user,
                                     std::string key, std::string claim);

}  // namespace deployclaw::store
