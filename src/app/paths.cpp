#include "app/paths.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include "base/encoding.hpp"
#include "crypto/sha256.hpp"

namespace deployclaw::app {
namespace {

namespace fs = std::filesystem;

std::unexpected<Error> system_failure(std::string_view what, std::string_view path) {
  return fail(Code::kUnavailable, fmt::format("{} {}: {}", what, path, strerrordesc_np(errno)));
}

bool all_parents_open(const std::string& path) {
  for (fs::path at = path; at.has_relative_path(); at = at.parent_path()) {
    struct stat info{};
    if (stat(at.c_str(), &info) != 0 || (info.st_mode & S_IXOTH) == 0) return false;
  }
  return true;
}

}  // namespace

Result<Paths> locate(const std::string& home) {
  std::error_code error;
  fs::create_directories(home, error);
  if (error) return fail(Code::kUnavailable, fmt::format("create {}: {}", home, error.message()));
  const auto absolute = fs::canonical(home, error);
  if (error) return fail(Code::kUnavailable, fmt::format("resolve {}: {}", home, error.message()));
  Paths paths;
  paths.home = absolute.string();
  const auto digest = crypto::sha256(bytes_of(paths.home));
  paths.run = "/run/deployclaw-" + hex_encode(std::span(digest).first(4));
  paths.shared_home = paths.home;
  return paths;
}

Status make_directory(const std::string& path, uid_t owner, gid_t group, mode_t mode) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return fail(Code::kUnavailable, fmt::format("create {}: {}", path, error.message()));
  if (chown(path.c_str(), owner, group) != 0) return system_failure("chown", path);
  if (chmod(path.c_str(), mode) != 0) return system_failure("chmod", path);
  return {};
}

Status write_file(const std::string& path, std::string_view content, uid_t owner, gid_t group,
                  mode_t mode) {
  const std::string temporary = path + ".new";
  const int fd =
      open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
  if (fd < 0) return system_failure("create", temporary);
  bool good = fchown(fd, owner, group) == 0 && fchmod(fd, mode) == 0;
  while (good && !content.empty()) {
    const ssize_t n = write(fd, content.data(), content.size());
    good = n > 0;
    if (good) content.remove_prefix(static_cast<std::size_t>(n));
  }
  good = good && fsync(fd) == 0;
  close(fd);
  if (!good || rename(temporary.c_str(), path.c_str()) != 0) return system_failure("write", path);
  return {};
}

Result<std::string> read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return fail(Code::kNotFound, fmt::format("read {}: {}", path, strerrordesc_np(errno)));
  std::ostringstream content;
  content << in.rdbuf();
  return content.str();
}

Status share_home(Paths& paths) {
  paths.shared_home = paths.home;
  unshare_home(paths);
  if (all_parents_open(paths.home)) return {};
  const std::string target = paths.run + "/home";
  if (auto made = make_directory(target, 0, 0, 0755); !made) return made;
  if (mount(paths.home.c_str(), target.c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0) {
    return system_failure("bind mount", target);
  }
  paths.shared_home = target;
  return {};
}

void unshare_home(const Paths& paths) {
  const std::string target = paths.run + "/home";
  // A platform that was killed leaves its mount behind, possibly more than once.
  while (umount2(target.c_str(), MNT_DETACH) == 0) {
  }
}

void unmount_below(const std::string& folder) {
  std::ifstream mounts("/proc/self/mounts");
  std::vector<std::string> found;
  std::string device;
  std::string path;
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream(line) >> device >> path;
    if (path.starts_with(folder + "/")) found.push_back(path);
  }
  // The innermost first.
  for (auto it = found.rbegin(); it != found.rend(); ++it) umount2(it->c_str(), 0);
}

}  // namespace deployclaw::app
