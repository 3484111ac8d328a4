#include "orchestrator/state_files.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "base/random.hpp"

namespace deployclaw::orchestrator {
namespace {

class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() {
    if (fd_ >= 0) close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_;
};

Error trouble(std::string_view what, std::string_view path) {
  const int code = errno;
  Error error{.message = std::string(what) + " " + std::string(path) + ": " + std::strerror(code)};
  if (code == ENOSPC || code == EDQUOT || code == EIO) error.code = Code::kUnavailable;
  if (code == ENOENT) error.code = Code::kNotFound;
  return error;
}

Fd open_below(int directory, const std::string& name, int flags, mode_t mode = 0) {
  open_how how{};
  how.flags = static_cast<__u64>(flags) | O_CLOEXEC | O_NOFOLLOW;
  how.mode = mode;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return Fd(static_cast<int>(syscall(SYS_openat2, directory, name.c_str(), &how, sizeof how)));
}

Result<std::vector<std::string>> components(std::string_view path) {
  std::vector<std::string> parts;
  for (const auto& part : std::filesystem::path(path).relative_path()) {
    if (part == "." || part == ".." || part.empty()) {
      return fail(Code::kInvalid, "not a plain path: " + std::string(path));
    }
    parts.push_back(part.string());
  }
  if (parts.empty()) return fail(Code::kInvalid, "an empty path");
  return parts;
}

// The folder, made or freed from what stands in its place.
Result<Fd> enter(int parent, const std::string& name, FileOwner owner) {
  // The agent may put something back between our steps; it gets three tries and no more.
  for (int attempt = 0; attempt < 3; ++attempt) {
    Fd directory = open_below(parent, name, O_RDONLY | O_DIRECTORY);
    if (directory) return directory;
    if (errno != ENOENT && unlinkat(parent, name.c_str(), 0) != 0 && errno != ENOENT) {
      return std::unexpected(trouble("clear the way for folder", name));
    }
    if (mkdirat(parent, name.c_str(), 0700) != 0 && errno != EEXIST) {
      return std::unexpected(trouble("make folder", name));
    }
    directory = open_below(parent, name, O_RDONLY | O_DIRECTORY);
    if (directory && fchown(directory.get(), owner.uid, owner.gid) != 0) {
      return std::unexpected(trouble("give folder to the agent:", name));
    }
    if (directory) return directory;
  }
  return fail(Code::kConflict, "the agent keeps changing " + name);
}

Status write_all(int fd, std::string_view content) {
  while (!content.empty()) {
    const auto count = write(fd, content.data(), content.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return std::unexpected(trouble("write", "file"));
    content.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

Status write_temporary(int directory, const std::string& name, std::string_view content,
                       FileOwner owner) {
  Fd file = open_below(directory, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
  if (!file) return std::unexpected(trouble("create", name));
  if (auto written = write_all(file.get(), content); !written) return written;
  if (fchmod(file.get(), 0600) != 0 || fchown(file.get(), owner.uid, owner.gid) != 0) {
    return std::unexpected(trouble("give to the agent:", name));
  }
  if (fsync(file.get()) != 0) return std::unexpected(trouble("sync", name));
  return {};
}

}  // namespace

Result<std::string> read_state_file(const std::filesystem::path& root, std::string_view path,
                                    std::size_t most_bytes) {
  const auto parts = components(path);
  if (!parts) return std::unexpected(parts.error());
  Fd directory(open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return std::unexpected(trouble("open", root.string()));
  const std::string inside = std::filesystem::path(path).relative_path().string();
  // Without O_NONBLOCK a planted pipe would hold us for ever.
  Fd file = open_below(directory.get(), inside, O_RDONLY | O_NONBLOCK);
  struct stat info{};
  if (!file || fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) {
    return fail(Code::kNotFound, "no such file: " + inside);
  }
  std::string content;
  std::vector<char> buffer(64 * 1024);
  for (;;) {
    const auto count = read(file.get(), buffer.data(), buffer.size());
    if (count < 0) return std::unexpected(trouble("read", inside));
    if (count == 0) return content;
    content.append(buffer.data(), static_cast<std::size_t>(count));
    if (content.size() > most_bytes) return fail(Code::kTooLarge, "too large: " + inside);
  }
}

Status write_state_file(const std::filesystem::path& root, std::string_view path,
                        std::string_view content, FileOwner owner) {
  auto parts = components(path);
  if (!parts) return std::unexpected(parts.error());
  const std::string name = std::move(parts->back());
  parts->pop_back();
  Fd directory(open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return std::unexpected(trouble("open", root.string()));
  for (const auto& part : *parts) {
    auto next = enter(directory.get(), part, owner);
    if (!next) return std::unexpected(next.error());
    directory = std::move(*next);
  }
  const std::string temporary = "." + name + "." + random_token(9);
  auto written = write_temporary(directory.get(), temporary, content, owner);
  if (written && renameat(directory.get(), temporary.c_str(), directory.get(), name.c_str()) != 0) {
    const std::string aside = name + ".moved." + random_token(6);
    const bool moved = (errno == EISDIR || errno == ENOTEMPTY) &&
                       renameat(directory.get(), name.c_str(), directory.get(), aside.c_str()) == 0;
    if (!moved ||
        renameat(directory.get(), temporary.c_str(), directory.get(), name.c_str()) != 0) {
      written = std::unexpected(trouble("replace", name));
    }
  }
  if (!written) {
    unlinkat(directory.get(), temporary.c_str(), 0);
    return context("state volume", written.error());
  }
  fsync(directory.get());
  return {};
}

}  // namespace deployclaw::orchestrator
