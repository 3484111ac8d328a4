#include "linux/file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace deployclaw::linux {

UniqueFd::~UniqueFd() {
  if (fd_ >= 0) ::close(fd_);
}

std::unexpected<Error> fail_errno(std::string_view what, int error) {
  auto code = Code::kInternal;
  std::string text = std::generic_category().message(error);
  switch (error) {
    case ENOENT:
    case ESRCH:
    case ENODEV:
      code = Code::kNotFound;
      break;
    case EEXIST:
    case EBUSY:
      code = Code::kConflict;
      break;
    case EPERM:
    case EACCES:
      code = Code::kForbidden;
      break;
    case ENOSPC:
    case EDQUOT:
      code = Code::kUnavailable;
      text = "disk full (" + text + ")";
      break;
    default:
      break;
  }
  return fail(code, std::string(what) + ": " + text);
}

Result<std::string> read_small_file(const std::string& path) {
  constexpr std::size_t kMost = std::size_t{4} << 20;
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return fail_errno("open " + path, errno);
  std::string text;
  char buffer[8192];
  while (text.size() < kMost) {
    const auto n = ::read(fd.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("read " + path, errno);
    if (n == 0) return text;
    text.append(buffer, static_cast<std::size_t>(n));
  }
  return fail(Code::kTooLarge, path + " is too large");
}

Status write_small_file(const std::string& path, std::string_view text) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd.valid()) return fail_errno("open " + path, errno);
  const auto n = ::write(fd.get(), text.data(), text.size());
  if (n != static_cast<ssize_t>(text.size())) return fail_errno("write " + path, errno);
  return {};
}

}  // namespace deployclaw::linux
