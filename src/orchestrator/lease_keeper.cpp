#include "orchestrator/lease_keeper.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <sstream>
#include <vector>

#include "base/log.hpp"
#include "base/random.hpp"
#include "store/orchestrator_deployments.hpp"
#include "store/orchestrator_leases.hpp"

namespace deployclaw::orchestrator {
namespace {

std::string boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string text;
  file >> text;
  return text;
}

std::string pid_namespace() {
  std::array<char, 64> buffer{};
  const auto size = readlink("/proc/self/ns/pid", buffer.data(), buffer.size());
  return size > 0 ? std::string(buffer.data(), static_cast<std::size_t>(size)) : "";
}

// Field 22 of /proc/<pid>/stat (proc(5)); the second field may hold spaces and parentheses.
std::string start_time(const std::string& pid) {
  std::ifstream file("/proc/" + pid + "/stat");
  std::string text;
  std::getline(file, text);
  const auto end = text.rfind(')');
  if (end == std::string::npos) return "";
  std::istringstream rest(text.substr(end + 1));
  std::string field;
  for (int number = 3; number <= 22; ++number) rest >> field;
  return field;
}

}  // namespace

std::string process_identity() {
  const std::string pid = std::to_string(getpid());
  return fmt::format("{}/{}/{}/{}/{}", boot_id(), pid_namespace(), pid, start_time(pid),
                     random_token(6));
}

bool is_dead(const std::string& identity) {
  std::vector<std::string> parts;
  std::istringstream text(identity);
  for (std::string part; std::getline(text, part, '/');) parts.push_back(part);
  if (parts.size() != 5 || parts[0].empty() || parts[1].empty()) return false;
  if (parts[0] != boot_id() || parts[1] != pid_namespace()) return false;
  return start_time(parts[2]) != parts[3];
}

LeaseKeeper::LeaseKeeper(db::Database& db, const Config& config)
    : db_(db), config_(config), name_("host:" + config.host_name), owner_(process_identity()) {}

Task<bool> LeaseKeeper::take() {
  // Counted from before the request: the server's own clock starts later.
  const auto asked = std::chrono::steady_clock::now();
  auto taken = co_await store::take_lease(db_, name_, owner_, config_.lease);
  if (taken && !*taken) {
    const auto holder = co_await store::lease_owner(db_, name_);
    if (holder && *holder && is_dead(**holder)) {
      const std::string dead = **holder;
      taken = co_await store::inherit_lease(db_, name_, owner_, dead, config_.lease);
      if (taken && *taken) {
        const auto freed = co_await store::release_deployments(db_, dead);
        if (!freed) log::warn("deployments not inherited", {{"error", freed.error().message}});
      }
    }
  }
  if (!taken || !*taken) co_return false;
  held_until_ = asked + config_.lease;
  co_return true;
}

Task<void> LeaseKeeper::run(std::function<void()> taken) {
  bool was_held = false;
  for (;;) {
    const bool now_held = co_await take();
    if (now_held) {
      const auto renewed = co_await store::renew_deployments(db_, owner_, config_.lease);
      if (!renewed) log::warn("deployments not renewed", {{"error", renewed.error().message}});
    }
    if (now_held != was_held) {
      log::info(now_held ? "host lease taken" : "host lease not held", {{"lease", name_}});
      was_held = now_held;
      if (now_held) taken();
    }
    const auto pause = now_held ? config_.renew_every : config_.renew_every / 5;
    const bool slept = co_await sleep_for(pause);
    if (!slept) co_return;
  }
}

Task<void> LeaseKeeper::release() {
  held_until_ = {};
  const auto deployments = co_await store::release_deployments(db_, owner_);
  const auto host = co_await store::release_lease(db_, name_, owner_);
  if (!deployments || !host) log::warn("leases left to lapse", {{"lease", name_}});
}

}  // namespace deployclaw::orchestrator
