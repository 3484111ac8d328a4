#pragma once

#include <cstdint>
#include <string>

#include "base/task.hpp"
#include "db/database.hpp"

// Which versions of the vault's master key the platform has seen.
namespace deployclaw::store {

// Notes a version with its fingerprint at its first sight. kCorrupt when this version was seen with
// another fingerprint: somebody replaced the key, and what it sealed can no longer be opened.
Task<Status> record_key_version(db::Database& db, std::int64_t version, std::string fingerprint);

}  // namespace deployclaw::store
