#pragma once

#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.hpp"

// Files inside a volume whose owner is hostile: any name in it may be a link, a pipe or a device,
// and may change while we look. Every component is opened below the volume's root with
// openat2(RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS). These calls block.
namespace deployclaw::orchestrator {

// The content of a regular file below `root`; kNotFound when there is none (also when the name is
// anything but a regular file), kTooLarge above `most_bytes`.
Result<std::string> read_state_file(const std::filesystem::path& root, std::string_view path,
                                    std::size_t most_bytes);

struct FileOwner {
  uid_t uid = 0;
  gid_t gid = 0;
};

// Puts a file there at once (written beside, synced, renamed), mode 0600; folders on the way are
// made with mode 0700. A link or file where a folder must be is removed; a folder where the file
// must be is renamed out of the way.
Status write_state_file(const std::filesystem::path& root, std::string_view path,
                        std::string_view content, FileOwner owner);

}  // namespace deployclaw::orchestrator
