#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/task.hpp"
#include "db/database.hpp"

// Which versions of the vault's master key the platform has seen.
namespace deployclaw::store {

// Notes a version with its fingerprint at its first sight. kCorrupt when this version was seen with
// another fingerprint: somebody replaced the key, and what it sealed can no longer be opened.
Task<Status> record_key_version(db::Database& db, std::int64_t version, std::string fingerprint);

// Every version seen so far with its fingerprint, oldest first.
struct KeyVersionRow {
  std::int64_t version = 0;
  std::string fingerprint;
};
Task<Result<std::vector<KeyVersionRow>>> list_key_versions(db::Database& db);

}  // namespace deployclaw::store
