#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/task.hpp"
#include "db/database.hpp"
#include "db/transaction.hpp"
#include "domain/approval_id.hpp"

// Requests that wait for a person, as their client sees them and decides.
namespace deployclaw::store {

// The columns that the functions here answer, in this order. Times are RFC 3339 text.
struct ApprovalColumn {
  enum : int {
    kId,
    kAgentId,
    kAgentName,
    kScope,
    kTarget,
    kDigest,  // hex
    kState,   // what is over but not marked so yet is "expired"
    kCreatedAt,
    kExpiresAt,
    kDecidedAt,  // null
    kDecidedBy,  // a user's id; null
    kDecider,    // that user's address; null when there is none any more
    kUsedAt,     // null
    kRequestBytes,
    kRequest,   // jsonb as it was rendered; in a list null when it is larger than kListedRequest
    kSortTime,  // microseconds since 1970, for the cursor
  };
};
inline constexpr std::int64_t kListedRequest = 16L * 1024;

struct ApprovalFilter {
  std::optional<AgentId> agent;
  std::optional<std::string> state;  // as in kState
};

// Where a page begins: after this one.
struct ApprovalPageStart {
  Time time;
  ApprovalId id;
};

// At most `limit`, newest first.
Task<Result<db::Rows>> list_approvals(db::Database& db, ClientId client, ApprovalFilter filter,
                                      std::int64_t limit, std::optional<ApprovalPageStart> after);
// How many wait, of one agent or of all.
Task<Result<std::int64_t>> count_pending_approvals(db::Database& db, ClientId client,
                                                   std::optional<AgentId> agent);
// One row with all of the request, or none.
Task<Result<db::Rows>> find_approval(db::Database& db, ClientId client, AgentId agent,
                                     ApprovalId id);
// The same as it stands in a list.
Task<Result<db::Rows>> read_approval(db::Transaction& tx, AgentId agent, ApprovalId id);

// Grants or denies one that waits: one atomic statement, so that of two people one is first. False
// when it does not wait (any more), or is not there.
Task<Result<bool>> decide_approval(db::Transaction& tx, AgentId agent, ApprovalId id,
                                   std::string state, UserId user);

}  // namespace deployclaw::store
