#pragma once

#include <boost/json/array.hpp>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "base/clock.hpp"
#include "db/database.hpp"
#include "docker/container_runtime.hpp"
#include "domain/agent_state.hpp"
#include "orchestrator/drop_reporter.hpp"
#include "orchestrator/network.hpp"
#include "orchestrator/prober.hpp"
#include "orchestrator/steps.hpp"
#include "orchestrator/usage_reader.hpp"
#include "orchestrator/volumes.hpp"
#include "runtimes/catalogue.hpp"
#include "vault/vault.hpp"

namespace deployclaw::orchestrator {

// What the orchestrator works with; all outlive it.
struct Parts {
  db::Database& db;
  docker::ContainerRuntime& runtime;
  Network& network;
  Volumes& volumes;
  vault::Vault& vault;
  const runtimes::Catalogue& catalogue;
  Prober& prober;
  const Clock& clock;
  linux::AddressPool pool;
  UsageReader* usage = nullptr;  // none: what agents use is not measured
  DropSource* drops = nullptr;   // none: what the firewall drops is counted, but not audited
};

// What this process knows of an agent beside the database; lost with it, and no harm done.
struct AgentMemory {
  bool busy = false;
  // As it was when the rows were read: rows that a run has since moved on must not be planned from.
  bool busy_at_look = false;
  std::optional<domain::Failure> failure = {};
  // What it was met for: a failure must not count against a later deployment. Nil: none was active.
  DeploymentId failure_of = {};
  DeploymentId steps_of = {};
  Steps steps = {};
  std::optional<Ipv4> address = {};
  // The container whose wiring was verified, and the start it was verified for.
  std::string wired = {};
  std::optional<Time> wired_start = {};
  // A failed deployment is repeated when its cause has gone, ever less often.
  Time hold_until = {};  // nothing is planned before: somebody else must act first
  Time repeat_at = {};
  std::chrono::seconds repeat_pause{30};
};
using AgentMemories = std::map<AgentId, AgentMemory>;

}  // namespace deployclaw::orchestrator
