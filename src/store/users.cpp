#include "store/users.hpp"

#include <boost/json/value.hpp>

namespace deployclaw::store {
namespace json = boost::json;

constexpr db::Statement kFindLogin{
    "find_login", "SELECT id, client_id, password_hash, totp_enabled FROM auth.find_user($1)"};

Task<Result<std::optional<LoginUser>>> find_login(db::Database& db, std::string email) {
  auto params = db::Params::of(email);
  const auto rows = co_await db.query(kFindLogin, std::move(params));
  if (!rows) co_return context("find login", rows.error());
  if (rows->empty()) co_return std::nullopt;
  const auto row = rows->front();
  co_return LoginUser{.id = row.id<UserTag>(0),
                      .client = row.id<ClientTag>(1),
                      .password_hash = row.string(2),
                      .totp_enabled = row.boolean(3)};
}

constexpr db::Statement kInsertClient{
    "insert_client",
    "INSERT INTO clients (id, name, email, vault_salt, created_at) VALUES ($1, $2, $3, $4, $5)"};
constexpr db::Statement kInsertUser{
    "insert_user",
    "INSERT INTO users (id, client_id, email, password_hash, role, created_at) "
    "VALUES ($1, $2, $3, $4, 'owner', $5)"};

Task<Status> insert_account(db::Transaction& tx, NewAccount account) {
  auto client = db::Params::of(account.client, account.client_name, account.email,
                               account.vault_salt, account.at);
  const auto inserted = co_await tx.query(kInsertClient, std::move(client));
  if (!inserted) co_return context("insert client", inserted.error());
  auto user = db::Params::of(account.user, account.client, account.email, account.password_hash,
                             account.at);
  const auto rows = co_await tx.query(kInsertUser, std::move(user));
  if (!rows) co_return context("insert user", rows.error());
  co_return Status{};
}

constexpr db::Statement kFindSecondFactor{
    "find_second_factor",
    "SELECT u.totp_secret, u.totp_pending_secret, u.totp_enabled, u.totp_last_step, c.vault_salt "
    "FROM users u JOIN clients c ON c.id = u.client_id WHERE u.id = $1"};

namespace {

std::optional<json::object> maybe_object(const db::Row& row, int column) {
  auto value = row.maybe_json(column);
  if (!value || !value->is_object()) return std::nullopt;
  return std::move(value->get_object());
}

}  // namespace

Task<Result<std::optional<SecondFactor>>> find_second_factor(db::Database& db, ClientId client,
                                                             UserId user) {
  auto params = db::Params::of(user);
  const auto rows = co_await db.query(client, kFindSecondFactor, std::move(params));
  if (!rows) co_return context("find second factor", rows.error());
  if (rows->empty()) co_return std::nullopt;
  const auto row = rows->front();
  co_return SecondFactor{.secret = maybe_object(row, 0),
                         .pending = maybe_object(row, 1),
                         .enabled = row.boolean(2),
                         .last_step = row.int64(3),
                         .client_salt = row.bytes(4)};
}

namespace {

// Runs an UPDATE … RETURNING; true when it hit a row.
Task<Result<bool>> hits(db::Transaction& tx, db::Statement statement, db::Params params) {
  const auto rows = co_await tx.query(statement, std::move(params));
  if (!rows) co_return context(statement.name, rows.error());
  co_return !rows->empty();
}

}  // namespace

constexpr db::Statement kStoreFirstSecret{
    "store_first_totp_secret",
    "UPDATE users SET totp_secret = $2 WHERE id = $1 AND NOT totp_enabled RETURNING id"};

Task<Result<bool>> store_first_secret(db::Transaction& tx, UserId user, json::object sealed) {
  auto params = db::Params::of(user, json::value(std::move(sealed)));
  return hits(tx, kStoreFirstSecret, std::move(params));
}

constexpr db::Statement kStorePendingSecret{
    "store_pending_totp_secret",
    "UPDATE users SET totp_pending_secret = $2 WHERE id = $1 AND totp_enabled RETURNING id"};

Task<Result<bool>> store_pending_secret(db::Transaction& tx, UserId user, json::object sealed) {
  auto params = db::Params::of(user, json::value(std::move(sealed)));
  return hits(tx, kStorePendingSecret, std::move(params));
}

constexpr db::Statement kAcceptStep{
    "accept_totp_step",
    "UPDATE users SET totp_last_step = $3 "
    "WHERE id = $1 AND totp_enabled AND totp_secret = $2 AND totp_last_step < $3 RETURNING id"};

Task<Result<bool>> accept_step(db::Transaction& tx, UserId user, json::object sealed,
                               std::int64_t step) {
  auto params = db::Params::of(user, json::value(std::move(sealed)), step);
  return hits(tx, kAcceptStep, std::move(params));
}

constexpr db::Statement kEnableTwoFactor{
    "enable_two_factor",
    "UPDATE users SET totp_enabled = true, totp_last_step = $3, totp_pending_secret = NULL "
    "WHERE id = $1 AND NOT totp_enabled AND totp_secret = $2 AND totp_last_step < $3 "
    "RETURNING id"};

Task<Result<bool>> enable_two_factor(db::Transaction& tx, UserId user, json::object sealed,
                                     std::int64_t step) {
  auto params = db::Params::of(user, json::value(std::move(sealed)), step);
  return hits(tx, kEnableTwoFactor, std::move(params));
}

// The step is not compared: the last one belongs to the old secret. The new secret leaves the
// pending column with this update, so its code cannot pass here again, and accept_step then refuses
// the step.
constexpr db::Statement kReplaceTwoFactor{
    "replace_two_factor",
    "UPDATE users SET totp_secret = totp_pending_secret, totp_pending_secret = NULL, "
    "totp_last_step = $3 WHERE id = $1 AND totp_enabled AND totp_pending_secret = $2 "
    "RETURNING id"};

Task<Result<bool>> replace_two_factor(db::Transaction& tx, UserId user, json::object pending,
                                      std::int64_t step) {
  auto params = db::Params::of(user, json::value(std::move(pending)), step);
  return hits(tx, kReplaceTwoFactor, std::move(params));
}

constexpr db::Statement kFindPasswordHash{"find_password_hash",
                                          "SELECT password_hash FROM users WHERE id = $1"};

Task<Result<std::optional<std::string>>> find_password_hash(db::Database& db, ClientId client,
                                                            UserId user) {
  auto params = db::Params::of(user);
  const auto rows = co_await db.query(client, kFindPasswordHash, std::move(params));
  if (!rows) co_return context("find password", rows.error());
  if (rows->empty()) co_return std::nullopt;
  co_return rows->front().string(0);
}

constexpr db::Statement kReplacePasswordHash{
    "replace_password_hash",
    "UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash = $2 RETURNING id"};

Task<Result<bool>> replace_password_hash(db::Transaction& tx, UserId user, std::string current,
                                         std::string next) {
  auto params = db::Params::of(user, current, next);
  return hits(tx, kReplacePasswordHash, std::move(params));
}

constexpr db::Statement kFindClientSalt{"find_client_salt",
                                        "SELECT vault_salt FROM clients WHERE id = $1"};

Task<Result<Bytes>> find_client_salt(db::Database& db, ClientId client) {
  auto params = db::Params::of(client);
  const auto rows = co_await db.query(client, kFindClientSalt, std::move(params));
  if (!rows) co_return context("find client salt", rows.error());
  if (rows->empty()) co_return fail(Code::kNotFound, "no such client");
  co_return rows->front().bytes(0);
}

}  // namespace deployclaw::store
