#pragma once

#include "base/ids.hpp"
#include "base/task.hpp"
#include "db/database.hpp"
#include "domain/metric_window.hpp"

// What an agent used and spent over time, for its owner.
namespace deployclaw::store {

// The columns of an agent's latest use, null where there is none: see agents.hpp.
struct UsageColumn {
  enum : int { kCpuPercent, kMemoryBytes, kMemoryLimitBytes };
};
// One row, or none when there is no such agent.
Task<Result<db::Rows>> find_usage(db::Database& db, ClientId client, AgentId agent);

// One row for each step that was measured, in order. Numbers as JSON has them.
struct MetricColumn {
  enum : int { kStep, kCpuCores, kMemoryBytes, kReceivedBytes, kSentBytes };
};
Task<Result<db::Rows>> list_metrics(db::Database& db, ClientId client, AgentId agent,
                                    domain::MetricWindow window);

// One row for each step in which a call of a model ended, in order.
struct ModelCallColumn {
  enum : int { kStep, kTokensIn, kTokensOut, kSpendUsd };
};
Task<Result<db::Rows>> list_model_calls(db::Database& db, ClientId client, AgentId agent,
                                        domain::MetricWindow window);

}  // namespace deployclaw::store
