#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/encoding.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "base/task.hpp"

namespace deployclaw::vault {

// The purposes that exist. A value sealed for one cannot be opened for another.
inline constexpr const char* kCredential = "credential";
// What an access token is renewed with, and that token: services::OAuthGrant.
inline constexpr const char* kOAuthGrant = "oauth-grant";
inline constexpr const char* kConfig = "config";  // a sensitive field of agents.config
inline constexpr const char* kTotp = "totp";
inline constexpr const char* kGatewayToken = "gateway-token";  // derived, never sealed
inline constexpr const char* kClientCa = "client-ca";  // the private key of a client's authority
inline constexpr const char* kClientCaName = "client-ca";

// What a sealed value belongs to. All of it is authenticated: a row moved to another client, agent,
// name or purpose does not open.
struct SealContext {
  ClientId client;
  Bytes client_salt;    // clients.vault_salt, exactly 32 bytes; destroying it shreds the client
  AgentId agent;        // nil when the value belongs to no agent
  std::string name;     // UTF-8, 1 to 255 bytes: credential name, config JSON pointer, user id, …
  std::string purpose;  // one of the constants above
};

// Where the key of a client's authority belongs: to no agent.
inline SealContext client_ca_context(ClientId client, Bytes client_salt) {
  return {.client = client,
          .client_salt = std::move(client_salt),
          .agent = {},
          .name = kClientCaName,
          .purpose = kClientCa};
}

// A client's certificate authority, whose key was never outside the vault. The certificate (PEM)
// may be shown; `sealed` opens with client_ca_context() to the private key (PEM, PKCS #8).
struct SealedAuthority {
  std::string certificate;
  boost::json::object sealed;
};

// Whose token is derived. key_version 0 means the oldest key the vault holds: the same token before
// and after a rotation, until an operator retires that key.
struct TokenContext {
  ClientId client;
  Bytes client_salt;
  AgentId agent;
  std::string purpose = kGatewayToken;
  std::uint32_t key_version = 0;
};

struct DerivedToken {
  Secret token;  // 43 characters of base64url (256 bits)
  std::uint32_t key_version = 0;
};

// The vault as its callers see it. Sealed values are the JSON objects
// {iv, ciphertext, tag, keyVersion} of docs/security/vault-format.md.
//
// Errors: kForbidden when the caller's uid may not do this with this purpose; kCorrupt when the
// sealed value does not verify in this context; kUnavailable when the vault (or the key version a
// row names) cannot be had: fail closed; kInvalid for a context or value out of bounds.
class Vault {
 public:
  virtual ~Vault() = default;

  // Seals up to 64 KiB under the newest key version.
  virtual Task<Result<boost::json::object>> seal(SealContext context, Secret value) = 0;
  virtual Task<Result<Secret>> open(SealContext context, boost::json::object sealed) = 0;
  // The same value under the newest key version; the plaintext never leaves the vault. Answers
  // `sealed` itself when it is already there.
  virtual Task<Result<boost::json::object>> reseal(SealContext context,
                                                   boost::json::object sealed) = 0;
  virtual Task<Result<DerivedToken>> derive_token(TokenContext context) = 0;
  // Makes a new authority each time; nothing of it is kept. kInvalid unless `context` is a
  // client_ca_context().
  virtual Task<Result<SealedAuthority>> create_authority(SealContext context) = 0;
};

}  // namespace deployclaw::vault
