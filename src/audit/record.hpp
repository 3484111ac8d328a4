#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"
#include "db/rows.hpp"

namespace deployclaw::audit {

using Hash = std::array<unsigned char, 32>;

// A stored audit record, as it is hashed.
struct Record {
  ClientId client;
  std::int64_t seq = 0;  // 1, 2, 3, … within its client
  Time created_at;
  std::optional<AgentId> agent = {};
  std::string actor_type;
  std::optional<std::string> actor_id = {};
  std::string action_type;
  std::optional<std::string> target = {};
  std::string outcome;
  std::string metadata;                // PostgreSQL's own text of the jsonb value, byte for byte
  std::optional<std::string> ip = {};  // host(inet): without a prefix length
  Hash prev_hash = {};                 // hash of record seq - 1; 32 zero bytes for the first
  Hash hash = {};
};

// The hash chain, version 1. hash = SHA-256 of these fields one after another:
//   "deployclaw/audit/v1", prev_hash (32 raw bytes), client id, seq, created_at, agent id,
//   actor_type, actor_id, action_type, target, outcome, metadata, ip
// Each field is its length in bytes as a 32-bit big-endian integer and then its bytes; a null is
// the length -1 (ff ff ff ff) and nothing more. Text is UTF-8. Ids are lower-case with hyphens, seq
// is decimal, created_at is microseconds since 1970-01-01 UTC in decimal. The same definition is
// audit.append_events in migrations/0021_egress_sets.sql and testing/verify_export.mjs.
Hash record_hash(const Record& record);

// The columns record_of() reads, for a SELECT from audit_logs.
inline constexpr std::string_view kRecordColumns =
    "client_id, seq, created_at, agent_id, actor_type, actor_id, action_type, target, outcome, "
    "metadata::text, host(ip_address), prev_hash, hash";

// Reads kRecordColumns, which start at column `first`. Throws db::BadColumn on anything else.
Record record_of(const db::Row& row, int first = 0);

// One line of an export (JSON Lines, without the newline): an object with the members clientId,
// seq, createdAt (RFC 3339, microseconds), agentId, actorType, actorId, actionType, target,
// outcome, metadata, ip, prevHash, hash (hex). metadata is a string that holds the exact jsonb
// text, because parsing and printing JSON does not keep every byte. Absent values are null.
std::string format_line(const Record& record);
// kMalformed with the reason for anything that format_line would not write.
Result<Record> parse_line(std::string_view line);

}  // namespace deployclaw::audit
