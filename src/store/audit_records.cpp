#include "store/audit_records.hpp"

namespace deployclaw::store {
namespace {

// seq is a client's own gapless count, so it is the order, the cursor and the id at once; and it
// rises with created_at. There is no index by actor: to look through half a million records for one
// that is not there takes less than 0.1 s, and every request of an agent would have to write it.
#define DEPLOYCLAW_AUDIT_SELECT                                                               \
  "SELECT seq, to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), " \
  "agent_id, actor_type, actor_id, action_type, target, outcome, metadata, "                  \
  "host(ip_address), encode(prev_hash, 'hex'), encode(hash, 'hex') FROM audit_logs "          \
  "WHERE ($3::uuid IS NULL OR agent_id = $3) AND ($4::text IS NULL OR action_type = $4) "     \
  "AND ($5::text IS NULL OR outcome = $5) AND ($6::text IS NULL OR target = $6) "             \
  "AND ($7::timestamptz IS NULL OR created_at >= $7) "                                        \
  "AND ($8::timestamptz IS NULL OR created_at < $8) "                                         \
  "AND ($9::text IS NULL OR action_type ILIKE $9 OR target ILIKE $9 "                         \
  "OR metadata::text ILIKE $9) "                                                              \
  "AND ($10::text IS NULL OR actor_type = $10) "

constexpr db::Statement kListAudit{"list_audit", DEPLOYCLAW_AUDIT_SELECT
                                   "AND ($2::bigint IS NULL OR seq < $2) "
                                   "ORDER BY seq DESC LIMIT $1"};
constexpr db::Statement kExportAudit{"export_audit",
                                     DEPLOYCLAW_AUDIT_SELECT "AND seq > $2 ORDER BY seq LIMIT $1"};

// The text with LIKE's own characters escaped.
std::optional<std::string> like_pattern(const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  std::string pattern = "%";
  for (const char c : *text) {
    if (c == '%' || c == '_' || c == '\\') pattern += '\\';
    pattern += c;
  }
  return pattern + "%";
}

db::Params params_of(const AuditFilter& filter, std::int64_t limit,
                     std::optional<std::int64_t> seq) {
  return db::Params::of(limit, seq, filter.agent, filter.action_type, filter.outcome, filter.target,
                        filter.from, filter.to, like_pattern(filter.text), filter.actor_type);
}

}  // namespace

Task<Result<db::Rows>> list_audit(db::Database& db, ClientId client, AuditFilter filter,
                                  std::int64_t limit, std::optional<std::int64_t> before) {
  auto params = params_of(filter, limit, before);
  auto rows = co_await db.query(client, kListAudit, std::move(params));
  co_return rows;
}

Task<Result<db::Rows>> export_audit(db::Database& db, ClientId client, AuditFilter filter,
                                    std::int64_t limit, std::int64_t after) {
  auto params = params_of(filter, limit, after);
  auto rows = co_await db.query(client, kExportAudit, std::move(params));
  co_return rows;
}

}  // namespace deployclaw::store
