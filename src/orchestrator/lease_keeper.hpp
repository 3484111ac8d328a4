#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "base/task.hpp"
#include "db/database.hpp"
#include "orchestrator/config.hpp"

namespace deployclaw::orchestrator {

// Who this process is, so that another one on the same kernel can tell when it has died:
// "<boot id>/<pid namespace>/<pid>/<start time>/<random>".
std::string process_identity();
// True only when `identity` was a process of this kernel and namespace that is no more.
bool is_dead(const std::string& identity);

// Holds the lease "host:<name>", so that one orchestrator per host works, and renews the leases of
// the deployments we work on. A lease whose holder has provably died is taken over at once; any
// other one must lapse first.
class LeaseKeeper {
 public:
  LeaseKeeper(db::Database& db, const Config& config);

  // Takes, then renews, until cancelled. `taken` is called each time we become the holder.
  Task<void> run(std::function<void()> taken);
  // True while the lease is surely ours; before every effect this is asked again.
  [[nodiscard]] bool held() const { return std::chrono::steady_clock::now() < held_until_; }
  [[nodiscard]] const std::string& owner() const { return owner_; }
  // Gives everything up.
  Task<void> release();

 private:
  Task<bool> take();

  db::Database& db_;
  const Config& config_;
  const std::string name_;
  const std::string owner_;
  std::chrono::steady_clock::time_point held_until_{};
};

}  // namespace deployclaw::orchestrator
