#include "egress/spool_files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "linux/file.hpp"

namespace deployclaw::egress {

Status write_fully(int fd, std::string_view bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const auto count = pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return linux::fail_errno("write the spool", errno);
    bytes.remove_prefix(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
  return {};
}

Status write_zeros(int fd, std::uint64_t from, std::uint64_t to) {
  static constexpr std::array<char, 64UL * 1024> kZeros{};
  while (from < to) {
    const auto count = std::min<std::uint64_t>(to - from, kZeros.size());
    if (auto written = write_fully(fd, {kZeros.data(), count}, from); !written) return written;
    from += count;
  }
  return {};
}

Status sync_folder(const std::string& path) {
  const linux::UniqueFd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.valid() && fsync(folder.get()) == 0) return {};
  return linux::fail_errno("sync the spool's folder", errno);
}

Result<std::string> read_from(int fd, std::uint64_t offset, std::size_t most) {
  std::string bytes(most, '\0');
  std::size_t got = 0;
  while (got < most) {
    const auto count = pread(fd, bytes.data() + got, most - got, static_cast<off_t>(offset + got));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno != EIO) return linux::fail_errno("read the spool", errno);
    if (count <= 0) break;
    got += static_cast<std::size_t>(count);
  }
  bytes.resize(got);
  return bytes;
}

}  // namespace deployclaw::egress
