#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/task.hpp"
#include "db/database.hpp"
#include "db/transaction.hpp"

// Agents as their owners want them. Every function works inside one client's row-level security: an
// agent of another client is not there.
namespace deployclaw::store {

// The columns that list_agents and find_agent answer, in this order. Times are RFC 3339 text, so
// that an answer is built by appending; `kVersion` changes with whatever the owner can change.
struct AgentColumn {
  enum : int {
    kId,
    kName,
    kRuntime,
    kRuntimeVersion,
    kStatus,
    kDesiredState,
    kStatusReason,  // null
    kConfig,        // jsonb, sealed values inside
    kPermissions,   // jsonb
    kResources,     // jsonb
    kHost,          // null
    kEndpoint,      // null
    kGeneration,
    kCreatedAt,
    kUpdatedAt,
    kDeploymentId,  // null: never deployed; the deployment columns are the latest deployment's
    kDeploymentKind,
    kDeploymentState,
    kDeploymentGeneration,
    kDeploymentSteps,  // jsonb
    kDeploymentExitCode,
    kDeploymentLastOutput,
    kDeploymentReason,
    kDeploymentCreatedAt,
    kDeploymentEndedAt,
    kSpentToday,  // on models this UTC day, as far as settled, in micro-dollars
    kPlan,        // of the client
    kRestarts,    // null: never observed
    kCpuPercent,  // null, as the next two: not running, or not measured in the last minute
    kMemoryBytes,
    kMemoryLimitBytes,  // also null without a limit
    kLastActionAt,      // null, as the next: nothing in the audit log
    kLastAction,
    kSortTime,             // list_agents: created_at in microseconds since 1970, for the cursor
    kVersion = kSortTime,  // find_agent: hex
  };
};

// Where a page of a list that is sorted by (time, id), newest first, begins.
struct PageStart {
  Time time;
  AgentId id;
};

// At most `limit` agents, newest first.
Task<Result<db::Rows>> list_agents(db::Database& db, ClientId client, std::int64_t limit,
                                   std::optional<PageStart> after);
// One row, or none.
Task<Result<db::Rows>> find_agent(db::Database& db, ClientId client, AgentId agent);
Task<Result<db::Rows>> find_agent(db::Transaction& tx, AgentId agent);

// What a change starts from.
struct LockedAgent {
  AgentId id;
  std::string name;
  std::string runtime;
  std::string runtime_version;
  std::string status;
  std::string desired_state;
  std::int64_t generation = 1;
  boost::json::object config;
  boost::json::object permissions;
  boost::json::object resources;
  std::string version;
};
// Locks the agent until the transaction ends. nullopt when there is none.
Task<Result<std::optional<LockedAgent>>> lock_agent(db::Transaction& tx, AgentId agent);

struct ClientUsage {
  std::string plan;
  std::int64_t agents = 0;  // those being removed not counted
};
// Locks the client until the transaction ends, so that parallel deploys are counted one by one.
Task<Result<ClientUsage>> lock_client_usage(db::Transaction& tx, ClientId client);

struct NewAgent {
  AgentId id;
  ClientId client;
  std::string name;
  std::string runtime;
  std::string runtime_version;
  std::string desired_state;  // running, stopped
  boost::json::object config;
  boost::json::object permissions;
  boost::json::object resources;
  UserId created_by;
};
// kConflict with constraint "agents_name" when the client has an agent of that name.
Task<Status> insert_agent(db::Transaction& tx, NewAgent agent);

// Stores the locked agent's name, runtime_version, config, permissions, resources and generation.
Task<Status> update_agent(db::Transaction& tx, LockedAgent agent);

// Sets desired_state and, unless nullopt, status (its reason is then cleared).
Task<Status> set_desired_state(db::Transaction& tx, AgentId agent, std::string state,
                               std::optional<std::string> status);

// A new container is wanted: generation + 1.
Task<Status> bump_generation(db::Transaction& tx, AgentId agent);

}  // namespace deployclaw::store
