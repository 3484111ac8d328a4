#pragma once

#include <array>
#include <chrono>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/task.hpp"
#include "db/database.hpp"
#include "domain/approval_id.hpp"

// Requests that wait for a person, as egress sees them: it may ask and use, and nothing else.
namespace deployclaw::store {

struct ApprovalQuestion {
  ClientId client;
  AgentId agent;
  std::array<unsigned char, 32> digest{};
  std::string scope;
  std::string target;
  std::string rendered;  // JSON text, passed on as bytes
  std::chrono::seconds lifetime{600};
};

struct ApprovalReply {
  // used (by this very question), pending, denied, full, stranger, unreadable
  std::string verdict;
  std::optional<ApprovalId> id;
  std::optional<Time> expires_at;
};

// How many requests of one agent may wait at once.
inline constexpr int kMostPendingApprovals = 20;

// approval.ask(): durable once it is answered.
Task<Result<ApprovalReply>> ask_approval(db::Database& db, ApprovalQuestion question);

// approval.take(): used (by this very call, once), pending, denied, expired, gone.
Task<Result<std::string>> take_approval(db::Database& db, ClientId client, AgentId agent,
                                        ApprovalId id);

// approval.tidy(): ends some that are over and drops old ones; how many ended. To be called again
// while it is more than 0.
Task<Result<std::int64_t>> tidy_approvals(db::Database& db);

}  // namespace deployclaw::store
