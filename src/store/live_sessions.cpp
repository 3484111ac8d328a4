#include "store/live_sessions.hpp"

namespace deployclaw::store {

constexpr db::Statement kSessionLives{
    "session_lives",
    "SELECT EXISTS (SELECT FROM sessions WHERE id = $1 AND level = 'full' AND expires_at > now() "
    "AND last_seen_at > now() - interval '30 minutes')"};

Task<Result<bool>> session_lives(db::Database& db, ClientId client, SessionId session) {
  auto params = db::Params::of(session);
  const auto rows = co_await db.query(client, kSessionLives, std::move(params));
  if (!rows) co_return context("look whether a session lives", rows.error());
  co_return rows->front().boolean(0);
}

}  // namespace deployclaw::store
