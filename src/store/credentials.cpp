#include "store/credentials.hpp"

namespace deployclaw::store {
namespace {

StoredCredential read(const db::Row& row) {
  return {.name = row.string(0),
          .kind = row.string(1),
          .hosts = row.texts(2),
          .key_version = row.int64(3),
          .renews = row.boolean(7),
          .expires_at = row.maybe_string(8),
          .created_at = row.string(4),
          .updated_at = row.string(5),
          .last_used_at = row.maybe_string(6)};
}

std::optional<boost::json::value> as_value(std::optional<boost::json::object> object) {
  if (!object) return std::nullopt;
  return boost::json::value(std::move(*object));
}

#define DEPLOYCLAW_CREDENTIAL_COLUMNS                                                 \
  "SELECT name, kind, hosts, (coalesce(encrypted, oauth) ->> 'keyVersion')::bigint, " \
  "to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), "     \
  "to_char(updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), "     \
  "to_char(last_used_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), "   \
  "oauth IS NOT NULL, "                                                               \
  "to_char(expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') "      \
  "FROM agent_credentials WHERE agent_id = $1 "

}  // namespace

constexpr db::Statement kInsertCredential{"insert_credential",
                                          "INSERT INTO agent_credentials (client_id, agent_id, "
                                          "name, kind, hosts, placeholder, encrypted, "
                                          "oauth, expires_at) "
                                          "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"};

Task<Status> insert_credential(db::Transaction& tx, NewCredential credential) {
  auto params = db::Params::of(credential.client, credential.agent, credential.name,
                               credential.kind, credential.hosts, credential.placeholder,
                               as_value(std::move(credential.sealed)),
                               as_value(std::move(credential.sealed_grant)), credential.expires_at);
  const auto rows = co_await tx.query(kInsertCredential, std::move(params));
  if (!rows) co_return context("insert credential", rows.error());
  co_return Status{};
}

constexpr db::Statement kListCredentials{"list_credentials",
                                         DEPLOYCLAW_CREDENTIAL_COLUMNS "ORDER BY name"};

Task<Result<std::vector<StoredCredential>>> list_credentials(db::Database& db, ClientId client,
                                                             AgentId agent) {
  auto params = db::Params::of(agent);
  const auto rows = co_await db.query(client, kListCredentials, std::move(params));
  if (!rows) co_return context("list credentials", rows.error());
  std::vector<StoredCredential> credentials;
  for (const auto row : *rows) credentials.push_back(read(row));
  co_return credentials;
}

constexpr db::Statement kFindCredential{"find_credential",
                                        DEPLOYCLAW_CREDENTIAL_COLUMNS "AND name = $2 FOR UPDATE"};

Task<Result<std::optional<StoredCredential>>> find_credential(db::Transaction& tx, AgentId agent,
                                                              std::string name) {
  auto params = db::Params::of(agent, name);
  const auto rows = co_await tx.query(kFindCredential, std::move(params));
  if (!rows) co_return context("find credential", rows.error());
  if (rows->empty()) co_return std::nullopt;
  co_return read(rows->front());
}

constexpr db::Statement kReplaceCredential{
    "replace_credential",
    "UPDATE agent_credentials SET hosts = $3, encrypted = $4, oauth = $5, expires_at = $6, "
    "updated_at = now() WHERE agent_id = $1 AND name = $2"};

Task<Status> replace_credential(db::Transaction& tx, NewCredential replacement) {
  auto params =
      db::Params::of(replacement.agent, replacement.name, replacement.hosts,
                     as_value(std::move(replacement.sealed)),
                     as_value(std::move(replacement.sealed_grant)), replacement.expires_at);
  const auto rows = co_await tx.query(kReplaceCredential, std::move(params));
  if (!rows) co_return context("replace credential", rows.error());
  co_return Status{};
}

constexpr db::Statement kDeleteCredential{
    "delete_credential", "DELETE FROM agent_credentials WHERE agent_id = $1 AND name = $2"};

Task<Result<bool>> delete_credential(db::Transaction& tx, AgentId agent, std::string name) {
  auto params = db::Params::of(agent, name);
  const auto rows = co_await tx.query(kDeleteCredential, std::move(params));
  if (!rows) co_return context("delete credential", rows.error());
  co_return rows->affected() > 0;
}

constexpr db::Statement kDeleteAllCredentials{"delete_all_credentials",
                                              "DELETE FROM agent_credentials WHERE agent_id = $1"};

Task<Result<std::int64_t>> delete_all_credentials(db::Transaction& tx, AgentId agent) {
  auto params = db::Params::of(agent);
  const auto rows = co_await tx.query(kDeleteAllCredentials, std::move(params));
  if (!rows) co_return context("delete credentials", rows.error());
  co_return rows->affected();
}

constexpr db::Statement kCountCredentials{
    "count_credentials", "SELECT count(*) FROM agent_credentials WHERE agent_id = $1"};

Task<Result<std::int64_t>> count_credentials(db::Transaction& tx, AgentId agent) {
  auto params = db::Params::of(agent);
  const auto rows = co_await tx.query(kCountCredentials, std::move(params));
  if (!rows) co_return context("count credentials", rows.error());
  co_return rows->front().int64(0);
}

}  // namespace deployclaw::store
