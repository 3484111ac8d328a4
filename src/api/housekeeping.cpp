#include "api/housekeeping.hpp"

#include <boost/json/array.hpp>

#include "base/log.hpp"
#include "store/sessions.hpp"
#include "store/vault_keys.hpp"

namespace deployclaw::api {
namespace json = boost::json;
namespace {

// {version, check} of one entry; the check is a fingerprint of the key, not the key.
Task<Status> record_one(Services& services, const json::value& entry) {
  const auto* object = entry.if_object();
  const auto* version = object ? object->if_contains("version") : nullptr;
  const auto* check = object ? object->if_contains("check") : nullptr;
  if (!version || !version->is_int64() || !check || !check->is_string()) {
    co_return fail(Code::kInternal, "the vault's status has an unknown form");
  }
  std::string fingerprint(check->get_string());
  auto recorded =
      co_await store::record_key_version(services.db, version->get_int64(), std::move(fingerprint));
  co_return recorded;
}

Task<void> run(Services& services, VaultStatus vault_status) {
  while (true) {
    auto expired = co_await expire_sessions(services);
    if (!expired) log::warn("sessions not expired", {{"cause", expired.error().message}});
    auto recorded = co_await record_vault_keys(services, vault_status);
    if (!recorded) log::warn("vault keys not noted", {{"cause", recorded.error().message}});
    const bool good = expired && recorded;
    const std::chrono::nanoseconds wait = good ? std::chrono::nanoseconds(std::chrono::hours(1))
                                               : std::chrono::nanoseconds(std::chrono::minutes(1));
    const bool slept = co_await sleep_for(wait);
    if (!slept) co_return;
  }
}

}  // namespace

void start_housekeeping(Services& services, VaultStatus vault_status) {
  services.background.spawn("housekeeping", run(services, std::move(vault_status)));
}

Task<Status> expire_sessions(Services& services) {
  auto expired = co_await store::expire_auth(services.db);
  co_return expired;
}

Task<Status> record_vault_keys(Services& services, VaultStatus vault_status) {
  if (!vault_status) co_return Status{};
  const auto status = co_await vault_status();
  if (!status) co_return fail(status.error());
  const auto* versions = status->if_contains("versions");
  if (!versions || !versions->is_array()) {
    co_return fail(Code::kInternal, "the vault's status has an unknown form");
  }
  for (const auto& entry : versions->get_array()) {
    const auto recorded = co_await record_one(services, entry);
    if (!recorded) co_return fail(recorded.error());
  }
  co_return Status{};
}

}  // namespace deployclaw::api
