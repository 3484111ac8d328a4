#pragma once

#include <map>
#include <set>
#include <vector>

#include "base/clock.hpp"
#include "db/database.hpp"
#include "egress/audit_intake.hpp"

namespace deployclaw::egress {

// Tells the intake's ledger what agents used before this process knew them: what the database has,
// and what lies in the spool behind that. An agent is loaded once; until then nothing of it that
// has a limit is admitted, so nothing can be counted twice. One thread.
class UsesLoader {
 public:
  UsesLoader(db::Database& db, AuditIntake& intake, const Clock& clock)
      : db_(db), intake_(intake), clock_(clock) {}

  // Agents that are needed; those that are loaded or wanted already are nothing new. True when one
  // is.
  bool want(const std::vector<AgentId>& agents);
  // Another process may have admitted more: all have to be loaded again, and nothing is admitted
  // until they are.
  void forget_all();
  // Agents that are none of these are gone; one that comes back is loaded again.
  void forget_others(const std::set<AgentId>& kept);
  // Loads those that are wanted. `position` is where the database is in the spool, and it must not
  // move meanwhile. On an error the rest stays wanted.
  Task<Status> load(std::uint64_t position);

 private:
  Result<std::map<AgentId, std::vector<SpoolRecord>>> read_spool(std::uint64_t position);
  Task<Status> load_some(std::vector<AgentId> agents,
                         const std::map<AgentId, std::vector<SpoolRecord>>& spooled);

  db::Database& db_;
  AuditIntake& intake_;
  const Clock& clock_;
  std::set<AgentId> wanted_;
  std::set<AgentId> loaded_;
};

}  // namespace deployclaw::egress
