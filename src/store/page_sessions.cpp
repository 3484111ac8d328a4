#include "store/page_sessions.hpp"

namespace deployclaw::store {

constexpr db::Statement kDropOldPages{
    "drop_old_pages", "DELETE FROM page_sessions WHERE created_at < now() - interval '12 hours'"};
constexpr db::Statement kInsertPageTicket{
    "insert_page_ticket",
    "INSERT INTO page_sessions (client_id, agent_id, user_id, session_created_at, token_hash) "
    "VALUES ($1, $2, $3, $4, $5)"};

Task<Status> insert_page_ticket(db::Transaction& tx, NewPageTicket ticket) {
  const auto dropped = co_await tx.query(kDropOldPages);
  if (!dropped) co_return context("drop old pages", dropped.error());
  auto params = db::Params::of(ticket.client, ticket.agent, ticket.user, ticket.session_created_at,
                               std::span<const unsigned char>(ticket.hash));
  const auto rows = co_await tx.query(kInsertPageTicket, std::move(params));
  if (!rows) co_return context("insert page ticket", rows.error());
  co_return Status{};
}

constexpr db::Statement kRedeemPageTicket{"redeem_page_ticket",
                                          "SELECT auth.redeem_page_ticket($1, $2, $3)"};

Task<Result<bool>> redeem_page_ticket(db::Database& db, crypto::Sha256Digest ticket,
                                      crypto::Sha256Digest cookie, AgentId agent) {
  auto params = db::Params::of(std::span<const unsigned char>(ticket),
                               std::span<const unsigned char>(cookie), agent);
  const auto rows = co_await db.query(kRedeemPageTicket, std::move(params));
  if (!rows) co_return context("redeem page ticket", rows.error());
  co_return rows->front().boolean(0);
}

constexpr db::Statement kFindPage{
    "find_page",
    "SELECT client_id, email, vault_salt, runtime, desired_state, address "
    "FROM auth.find_page($1, $2, interval '30 minutes')"};

Task<Result<std::optional<FoundPage>>> find_page(db::Database& db, crypto::Sha256Digest cookie,
                                                 AgentId agent) {
  auto params = db::Params::of(std::span<const unsigned char>(cookie), agent);
  const auto rows = co_await db.query(kFindPage, std::move(params));
  if (!rows) co_return context("find page", rows.error());
  if (rows->empty()) co_return std::nullopt;
  const auto row = rows->front();
  co_return FoundPage{.client = row.id<ClientTag>(0),
                      .email = row.string(1),
                      .client_salt = row.bytes(2),
                      .runtime = row.string(3),
                      .desired_state = row.string(4),
                      .address = row.maybe_string(5)};
}

}  // namespace deployclaw::store
