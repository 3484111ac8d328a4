#include <fmt/format.h>

#include <cstdlib>

#include "app/roles.hpp"
#include "base/secret.hpp"
#include "vault/policy.hpp"
#include "vault/server.hpp"

namespace deployclaw::app {

int run_vault(Settings settings) {
  const auto uid = [&](std::string_view key) { return static_cast<uid_t>(settings.integer(key)); };
  const vault::RoleUids uids{.api = uid("vault.api_uid"),
                             .orchestrator = uid("vault.orchestrator_uid"),
                             .egress = uid("vault.egress_uid")};
  vault::ServerOptions options{.socket_path = settings.text("vault.socket"),
                               .key_file = settings.text("vault.keys_dir") + "/master.keys",
                               .policy = {}};
  if (!vault::make_policy(uids, options.policy)) {
    fmt::print(stderr,
               "deployclaw vault: vault.api_uid, vault.orchestrator_uid and vault.egress_uid "
               "must be three different users, none of them root\n");
    return 1;
  }
  if (options.socket_path.empty() || settings.text("vault.keys_dir").empty()) {
    fmt::print(stderr, "deployclaw vault: set vault.socket and vault.keys_dir\n");
    return 1;
  }
  if (char* keys = std::getenv("DEPLOYCLAW_MASTER_KEYS"); keys != nullptr) {
    options.environment_keys = Secret::copy_of(std::string_view(keys));
    wipe_memory(keys, std::string_view(keys).size());
  }
  if (auto ran = vault::run_server(std::move(options)); !ran) {
    fmt::print(stderr, "deployclaw vault: {}\n", ran.error().message);
    return 1;
  }
  return 0;
}

}  // namespace deployclaw::app
