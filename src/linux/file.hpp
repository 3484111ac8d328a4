#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/result.hpp"

namespace deployclaw::linux {

// A file descriptor that closes itself.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd();

  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool valid() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// An Error from errno: "<what>: No such file or directory". ENOENT and ESRCH are kNotFound, EEXIST
// and EBUSY kConflict, EPERM and EACCES kForbidden, ENOSPC kUnavailable ("disk full"), else
// kInternal.
std::unexpected<Error> fail_errno(std::string_view what, int error);

// The whole of a small file (/proc, /sys), at most 4 MiB.
Result<std::string> read_small_file(const std::string& path);

// Writes `text` to an existing file (/proc/sys).
Status write_small_file(const std::string& path, std::string_view text);

}  // namespace deployclaw::linux
