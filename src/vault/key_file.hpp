#pragma once

#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "vault/keyring.hpp"

namespace deployclaw::vault {

// The key file on disk. All calls block on the disk. Errors name the path and the way out.

// Reads `path`. Refused (kForbidden): a symbolic link, not a regular file, readable or writable by
// group or others, owned by someone else than this uid or root, a directory that others may write.
// kNotFound when there is no such file.
Result<Keyring> load_key_file(const std::string& path);

// load_key_file, or where there is none yet a new file (0600, durable) with one key. `created` says
// which.
Result<Keyring> load_or_create_key_file(const std::string& path, Time now, bool& created);

// Adds a version: reads the file again, refuses (kConflict) unless it holds exactly `expected`,
// writes a new file beside it, syncs and renames, so that a crash leaves the old or the new one.
Result<Keyring> rotate_key_file(const std::string& path,
                                const std::vector<Keyring::Version>& expected, Time now);

}  // namespace deployclaw::vault
