#pragma once

#include <boost/json/array.hpp>
#include <optional>
#include <set>
#include <string>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/task.hpp"
#include "db/database.hpp"
#include "domain/backoff.hpp"

// What the orchestrator saw of an agent, and what it must remember of it.
namespace deployclaw::store {

struct Observation {
  AgentId agent;
  ClientId client;
  std::string container_id;  // empty: none
  std::int64_t generation = 0;
  std::string container_state;
  std::string interface;
  std::string health;  // healthy, unhealthy, starting, stopped
  boost::json::array checks = {};
  std::optional<std::int64_t> last_exit_code = {};
  std::optional<Time> started_at = {};

  bool operator==(const Observation&) const = default;
};
Task<Status> save_observation(db::Database& db, Observation observation);

Task<Status> save_restarts(db::Database& db, AgentId agent, ClientId client,
                           domain::RestartMemory memory);

// Fixes an agent's address before it is used.
Task<Status> save_address(db::Database& db, AgentId agent, ClientId client, std::string address);
// Addresses of every agent of `host`.
Task<Result<std::set<std::string>>> list_addresses(db::Database& db, std::string host);

}  // namespace deployclaw::store
