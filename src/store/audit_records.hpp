#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/task.hpp"
#include "db/database.hpp"

// The audit log as its client reads it.
namespace deployclaw::store {

// What a record must have to be shown; what is absent narrows nothing.
struct AuditFilter {
  std::optional<AgentId> agent;
  std::optional<std::string> actor_type;  // who did it: user, api_key, agent, system, operator
  std::optional<std::string> action_type;
  std::optional<std::string> outcome;
  std::optional<std::string> target;
  std::optional<Time> from;         // inclusive
  std::optional<Time> to;           // exclusive
  std::optional<std::string> text;  // anywhere in action, target or metadata, case-insensitive
};

struct AuditColumn {
  enum : int {
    kSeq,
    kAt,       // RFC 3339 with microseconds: what the hash covers
    kAgentId,  // null
    kActorType,
    kActorId,  // null
    kActionType,
    kTarget,  // null
    kOutcome,
    kMetadata,  // jsonb text: what the hash covers
    kIp,        // null
    kPrevHash,  // hex
    kHash,      // hex
  };
};

// Newest first, records with a smaller seq than `before`.
Task<Result<db::Rows>> list_audit(db::Database& db, ClientId client, AuditFilter filter,
                                  std::int64_t limit, std::optional<std::int64_t> before);
// Oldest first, records with a larger seq than `after`.
Task<Result<db::Rows>> export_audit(db::Database& db, ClientId client, AuditFilter filter,
                                    std::int64_t limit, std::int64_t after);

}  // namespace deployclaw::store
