#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/encoding.hpp"
#include "base/ids.hpp"
#include "base/task.hpp"
#include "db/database.hpp"
#include "vault/vault.hpp"

// What a client's agents must believe so that egress may stand in for the hosts they talk to.
namespace deployclaw::orchestrator {

// Where an agent finds the bundle, and how the usual tools are told of it.
inline constexpr const char* kBundleInContainer = "/etc/deployclaw/ca-bundle.pem";

// The certificate (PEM) of the client's authority; one is made in the vault the first time. Safe to
// call at once for many agents: all get the same.
Task<Result<std::string>> ensure_client_authority(db::Database& db, vault::Vault& vault,
                                                  ClientId client, Bytes client_salt);

// Writes `file`: the roots this host believes in and the client's certificate. Atomic, owned by
// this process, readable by all, writable by none else. kNotFound, with what to do, when
// `host_roots` is missing. Blocks.
Status write_ca_bundle(const std::filesystem::path& file, const std::filesystem::path& host_roots,
                       std::string_view client_certificate);

}  // namespace deployclaw::orchestrator
