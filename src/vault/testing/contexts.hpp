#pragma once

#include "vault/sealing.hpp"
#include "vault/vault.hpp"

namespace deployclaw::vault {

// A fresh context with everything filled in, for tests.
inline SealContext some_context(std::string purpose = kCredential) {
  Bytes salt(kClientSaltSize, 0x5a);
  return {.client = ClientId::random(),
          .client_salt = std::move(salt),
          .agent = AgentId::random(),
          .name = "OPENAI_API_KEY",
          .purpose = std::move(purpose)};
}

}  // namespace deployclaw::vault
