#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "base/encoding.hpp"
#include "base/ids.hpp"
#include "base/task.hpp"
#include "db/database.hpp"
#include "db/transaction.hpp"

// Clients and their users. Addresses are normalised (lower case) by the caller.
namespace deployclaw::store {

// What signing in needs, before the tenant is known.
struct LoginUser {
  UserId id;
  ClientId client;
  std::string password_hash;
  bool totp_enabled = false;
};

// nullopt when nobody has this address.
Task<Result<std::optional<LoginUser>>> find_login(db::Database& db, std::string email);

struct NewAccount {
  ClientId client;
  UserId user;
  std::string client_name;
  std::string email;
  std::string password_hash;
  Bytes vault_salt;  // 32 random bytes
  Time at;
};
// The client and its owner. kConflict with constraint users_email_key or clients_email_key when the
// address is taken. `tx` has the new client as its tenant.
Task<Status> insert_account(db::Transaction& tx, NewAccount account);

// A user's second factor. Sealed values are as the vault made them, name = user id, purpose totp.
struct SecondFactor {
  std::optional<boost::json::object> secret;   // not proven until enabled
  std::optional<boost::json::object> pending;  // a new secret during re-enrolment
  bool enabled = false;
  std::int64_t last_step = 0;
  Bytes client_salt;
};
Task<Result<std::optional<SecondFactor>>> find_second_factor(db::Database& db, ClientId client,
                                                             UserId user);

// Stores a secret that is yet to be proven: the first one while two-factor is off, else the pending
// one. False when two-factor was meanwhile turned on (first) or off (pending).
Task<Result<bool>> store_first_secret(db::Transaction& tx, UserId user, boost::json::object sealed);
Task<Result<bool>> store_pending_secret(db::Transaction& tx, UserId user,
                                        boost::json::object sealed);

// The three ways a code is accepted. Each is one atomic UPDATE that also records the step, so that
// of any number of requests with one code exactly one gets true (RFC 6238 §5.2: a code works once).
// `sealed` is the secret the code was checked against: false when it is no longer that one.
Task<Result<bool>> accept_step(db::Transaction& tx, UserId user, boost::json::object sealed,
                               std::int64_t step);
Task<Result<bool>> enable_two_factor(db::Transaction& tx, UserId user, boost::json::object sealed,
                                     std::int64_t step);
Task<Result<bool>> replace_two_factor(db::Transaction& tx, UserId user, boost::json::object pending,
                                      std::int64_t step);

Task<Result<std::optional<std::string>>> find_password_hash(db::Database& db, ClientId client,
                                                            UserId user);
// False when the stored hash is no longer `current`.
Task<Result<bool>> replace_password_hash(db::Transaction& tx, UserId user, std::string current,
                                         std::string next);

// Half of what the vault derives the client's key from; kNotFound without such a client.
Task<Result<Bytes>> find_client_salt(db::Database& db, ClientId client);

}  // namespace deployclaw::store
