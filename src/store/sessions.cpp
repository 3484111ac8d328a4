#include "store/sessions.hpp"

namespace deployclaw::store {

constexpr db::Statement kFindSession{
    "find_session",
    "SELECT session_id, level, second_factor_at, session_created_at, last_seen_at, expires_at, "
    "user_id, email, role, totp_enabled, user_created_at, client_id, client_name, plan, "
    "client_status, client_created_at FROM auth.find_session($1, interval '30 minutes')"};

Task<Result<std::optional<FoundSession>>> find_session(db::Database& db,
                                                       crypto::Sha256Digest token_hash) {
  auto params = db::Params::of(std::span<const unsigned char>(token_hash));
  const auto rows = co_await db.query(kFindSession, std::move(params));
  if (!rows) co_return context("find session", rows.error());
  if (rows->empty()) co_return std::nullopt;
  const auto row = rows->front();
  co_return FoundSession{.id = row.id<SessionTag>(0),
                         .level = row.string(1),
                         .second_factor_at = row.maybe_time(2),
                         .created_at = row.time(3),
                         .last_seen_at = row.time(4),
                         .expires_at = row.time(5),
                         .user = row.id<UserTag>(6),
                         .email = row.string(7),
                         .role = row.string(8),
                         .totp_enabled = row.boolean(9),
                         .user_created_at = row.time(10),
                         .client = row.id<ClientTag>(11),
                         .client_name = row.string(12),
                         .plan = row.string(13),
                         .client_status = row.string(14),
                         .client_created_at = row.time(15)};
}

constexpr db::Statement kInsertSession{
    "insert_session",
    "INSERT INTO sessions (client_id, user_id, token_hash, level, second_factor_at, ip_address, "
    "user_agent, created_at, last_seen_at, expires_at) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id"};

Task<Result<SessionId>> insert_session(db::Transaction& tx, NewSession session) {
  auto ip = session.ip.empty() ? std::optional<std::string>() : session.ip;
  auto params = db::Params::of(session.client, session.user,
                               std::span<const unsigned char>(session.token_hash), session.level,
                               session.second_factor_at, ip, session.user_agent, session.created_at,
                               session.now, session.expires_at);
  const auto rows = co_await tx.query(kInsertSession, std::move(params));
  if (!rows) co_return context("insert session", rows.error());
  co_return rows->front().id<SessionTag>(0);
}

constexpr db::Statement kEndSession{
    "end_session", "DELETE FROM sessions WHERE id = $1 AND user_id = $2 RETURNING id"};

Task<Result<bool>> end_session(db::Transaction& tx, UserId user, SessionId session) {
  auto params = db::Params::of(session, user);
  const auto rows = co_await tx.query(kEndSession, std::move(params));
  if (!rows) co_return context("end session", rows.error());
  co_return !rows->empty();
}

constexpr db::Statement kEndOtherSessions{"end_other_sessions",
                                          "DELETE FROM sessions WHERE user_id = $1 AND id <> $2"};

Task<Result<std::int64_t>> end_other_sessions(db::Transaction& tx, UserId user, SessionId kept) {
  auto params = db::Params::of(user, kept);
  const auto rows = co_await tx.query(kEndOtherSessions, std::move(params));
  if (!rows) co_return context("end other sessions", rows.error());
  co_return rows->affected();
}

constexpr db::Statement kListSessions{
    "list_sessions",
    "SELECT id, level, host(ip_address), user_agent, created_at, last_seen_at, expires_at "
    "FROM sessions WHERE user_id = $1 AND expires_at > $2 "
    "AND last_seen_at > $2::timestamptz - interval '30 minutes' "
    "ORDER BY last_seen_at DESC, id LIMIT 200"};

Task<Result<std::vector<ListedSession>>> list_sessions(db::Database& db, ClientId client,
                                                       UserId user, Time now) {
  auto params = db::Params::of(user, now);
  const auto rows = co_await db.query(client, kListSessions, std::move(params));
  if (!rows) co_return context("list sessions", rows.error());
  std::vector<ListedSession> sessions;
  for (const auto row : *rows) {
    sessions.push_back({.id = row.id<SessionTag>(0),
                        .level = row.string(1),
                        .ip = row.maybe_string(2).value_or(""),
                        .user_agent = row.string(3),
                        .created_at = row.time(4),
                        .last_seen_at = row.time(5),
                        .expires_at = row.time(6)});
  }
  co_return sessions;
}

constexpr db::Statement kTouchSession{"touch_session",
                                      "UPDATE sessions SET last_seen_at = $2 WHERE id = $1 "
                                      "AND last_seen_at < $2::timestamptz - interval '30 seconds'"};

Task<Status> touch_session(db::Database& db, ClientId client, SessionId session, Time now) {
  auto params = db::Params::of(session, now);
  const auto rows = co_await db.query(client, kTouchSession, std::move(params));
  if (!rows) co_return context("touch session", rows.error());
  co_return Status{};
}

constexpr db::Statement kExpireAuth{"expire_auth", "SELECT auth.expire()"};

Task<Status> expire_auth(db::Database& db) {
  const auto rows = co_await db.query(kExpireAuth);
  if (!rows) co_return context("expire sessions", rows.error());
  co_return Status{};
}

}  // namespace deployclaw::store
