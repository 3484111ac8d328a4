#include "api/agents/sealing.hpp"

#include <algorithm>

#include "http/fields.hpp"

namespace deployclaw::api::agents {
namespace {

namespace json = boost::json;

// The vault says kUnavailable both when it is away and when it lacks the key that a row names. To
// seal takes the newest key alone: a vault that does is there. The second try is for one that came
// back meanwhile, so that nobody is told to replace a value because the vault was restarted.
Task<Result<json::object>> reseal_unless_key_gone(vault::Vault& vault, vault::SealContext context,
                                                  json::object sealed) {
  auto first = co_await vault.reseal(context, sealed);
  if (first || first.error().code != Code::kUnavailable) co_return first;
  auto anything = Secret::random(16);
  const auto there = co_await vault.seal(context, std::move(anything));
  if (!there) co_return fail(there.error());
  auto second = co_await vault.reseal(std::move(context), std::move(sealed));
  if (!second && second.error().code == Code::kUnavailable) second.error().code = Code::kCorrupt;
  co_return second;
}

}  // namespace

Task<Result<json::object>> seal_config(Services& services, ClientId client, Bytes salt,
                                       AgentId agent, CheckedConfig checked) {
  for (auto& secret : checked.secrets) {
    vault::SealContext context{.client = client,
                               .client_salt = salt,
                               .agent = agent,
                               .name = secret.pointer,
                               .purpose = vault::kConfig};
    auto value = Secret::take(std::move(secret.value));
    auto sealed = co_await services.vault.seal(std::move(context), std::move(value));
    if (!sealed) co_return deployclaw::context("seal config", std::move(sealed.error()));
    domain::place_sealed(checked.config, secret.pointer, std::move(*sealed));
  }
  co_return std::move(checked.config);
}

Task<Result<json::object>> reseal_config(Services& services, ClientId client, Bytes salt,
                                         AgentId agent, json::object config,
                                         const json::object& present) {
  const auto same = domain::same_sealed(config, present);
  const json::object no_input;
  http::Fields in(no_input);
  const auto held = domain::sealed_values(config);
  for (const auto& [pointer, sealed] : held) {
    vault::SealContext context{.client = client,
                               .client_salt = salt,
                               .agent = agent,
                               .name = pointer,
                               .purpose = vault::kConfig};
    auto resealed = co_await reseal_unless_key_gone(services.vault, std::move(context), sealed);
    if (!resealed && resealed.error().code == Code::kCorrupt) {
      in.error_at("/config" + pointer, "can no longer be opened; give it anew in Settings");
    } else if (!resealed) {
      co_return deployclaw::context("reseal config", std::move(resealed.error()));
    } else if (!std::ranges::binary_search(same, pointer)) {
      domain::place_sealed(config, pointer, std::move(*resealed));
    }
  }
  auto good = in.finish();
  if (!good) co_return fail(std::move(good.error()));
  co_return config;
}

}  // namespace deployclaw::api::agents
