#include "api/agents/sealing.hpp"

namespace deployclaw::api::agents {

Task<Result<boost::json::object>> seal_config(Services& services, ClientId client, Bytes salt,
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

}  // namespace deployclaw::api::agents
