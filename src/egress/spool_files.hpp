#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

// The spool's calls of the system.
namespace deployclaw::egress {

inline constexpr std::string_view kSegmentSuffix = ".spool";
inline constexpr std::string_view kAsideSuffix = ".corrupt";

Status write_fully(int fd, std::string_view bytes, std::uint64_t offset);
Status write_zeros(int fd, std::uint64_t from, std::uint64_t to);
Status sync_folder(const std::string& path);

// Up to `most` bytes; fewer at the end of the file, or where the disk cannot read it (EIO): what
// cannot be read today will not be read tomorrow, and must not stop who reads on.
Result<std::string> read_from(int fd, std::uint64_t offset, std::size_t most);

}  // namespace deployclaw::egress
