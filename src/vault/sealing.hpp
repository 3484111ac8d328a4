#pragma once

#include <boost/json/object.hpp>
#include <cstdint>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "vault/keyring.hpp"
#include "vault/vault.hpp"

namespace deployclaw::vault {

inline constexpr std::size_t kClientSaltSize = 32;
inline constexpr std::size_t kMaxNameSize = 255;
inline constexpr std::size_t kMaxValueSize = 64UL * 1024;

// The pure core: what docs/security/vault-format.md describes, given the keys. Error codes as in
// vault.hpp; messages never hold a value.

// AES-256-GCM under the newest version's client key.
Result<boost::json::object> seal(const Keyring& keyring, const SealContext& context,
                                 const Secret& value);
Result<Secret> open(const Keyring& keyring, const SealContext& context,
                    const boost::json::object& sealed);
Result<boost::json::object> reseal(const Keyring& keyring, const SealContext& context,
                                   const boost::json::object& sealed);
// base64url of HKDF-SHA-256(client key, info = "deployclaw/gateway-token/v1" ‖ agent id).
Result<DerivedToken> derive_token(const Keyring& keyring, const TokenContext& context);

// A new authority named after the client, its key sealed at once. Valid for ten years from `now`.
Result<SealedAuthority> create_authority(const Keyring& keyring, const SealContext& context,
                                         Time now);

// HKDF-SHA-256(master key, salt = client id ‖ client_salt, info = "deployclaw/client/v1").
Result<Secret> client_key(Keyring::Key master, ClientId client, const Bytes& client_salt);

// What is authenticated beside the ciphertext: each field as u32 big-endian length ‖ bytes, in the
// order client id (16), agent id (16, or length 0 for none), name, purpose, key version (u32
// big-endian). Length prefixes make it injective: no two contexts share an encoding.
Bytes associated_data(const SealContext& context, std::uint32_t key_version);

}  // namespace deployclaw::vault
