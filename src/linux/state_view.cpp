#include "linux/state_view.hpp"

#include <fmt/format.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "linux/file.hpp"

namespace deployclaw::linux {
namespace {

namespace fs = std::filesystem;

constexpr unsigned long kFlags = MS_NOSUID | MS_NODEV | MS_NOATIME;
constexpr int kTries = 20;
constexpr mode_t kRootMode = 0755;
constexpr std::uint64_t kBytesPerFile = 4096;

Status make_folder(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return fail_errno("make " + path.string(), error.value());
  return {};
}

// Whatever is mounted there, one on top of another; a path that is no mount point says EINVAL.
Status unmount_all(const fs::path& path) {
  for (int i = 0; i < kTries; ++i) {
    if (::umount2(path.c_str(), UMOUNT_NOFOLLOW) == 0) continue;
    if (errno == EINVAL || errno == ENOENT) return {};
    // A dying container's process may hold it for a moment more.
    if (errno != EBUSY) return fail_errno("unmount " + path.string(), errno);
    ::usleep(100'000);
  }
  return fail(Code::kConflict, "the view of a state volume is in use: " + path.string());
}

Status mount_memory(const StateView& view, const fs::path& at) {
  const auto options = fmt::format("size={},nr_inodes={},uid={},gid={},mode=0755", view.size_bytes,
                                   view.size_bytes / kBytesPerFile + 64, view.owner, view.group);
  if (::mount("tmpfs", at.c_str(), "tmpfs", kFlags, options.c_str()) != 0) {
    return fail_errno("mount memory at " + at.string(), errno);
  }
  return {};
}

// The view's root has the owner and mode of the upper layer's.
Status make_layer(const StateView& view, const fs::path& path) {
  if (::mkdir(path.c_str(), kRootMode) != 0 || ::chmod(path.c_str(), kRootMode) != 0 ||
      ::chown(path.c_str(), view.owner, view.group) != 0) {
    return fail_errno("make " + path.string(), errno);
  }
  return {};
}

Status mount_overlay(const StateView& view) {
  const auto upper = view.memory / "upper";
  const auto work = view.memory / "work";
  for (const auto& path : {upper, work}) {
    if (auto made = make_layer(view, path); !made) return made;
  }
  // The paths are ours: a home folder, an id. A ':' or ',' in them would be another layer.
  for (const auto& path : {view.lower, view.memory}) {
    if (path.string().find_first_of(":,\\") != std::string::npos) {
      return fail(Code::kInvalid, "no overlay below " + path.string());
    }
  }
  const auto options = fmt::format("lowerdir={},upperdir={},workdir={}", view.lower.string(),
                                   upper.string(), work.string());
  if (::mount("overlay", view.mountpoint.c_str(), "overlay", kFlags, options.c_str()) != 0) {
    return fail_errno("mount the view " + view.mountpoint.string(), errno);
  }
  return {};
}

}  // namespace

Status mount_fresh_view(const StateView& view) {
  if (!view.mountpoint.is_absolute() || !view.memory.is_absolute() || view.size_bytes == 0) {
    return fail(Code::kInvalid, "a view needs absolute paths and a size");
  }
  if (auto gone = unmount_view(view); !gone) return gone;
  for (const auto& path : {view.mountpoint, view.memory}) {
    if (auto made = make_folder(path); !made) return made;
  }
  if (view.lower.empty()) return mount_memory(view, view.mountpoint);
  if (auto done = mount_memory(view, view.memory); !done) return done;
  return mount_overlay(view);
}

Status unmount_view(const StateView& view) {
  if (auto done = unmount_all(view.mountpoint); !done) return done;
  return unmount_all(view.memory);
}

Status remove_view(const StateView& view) {
  if (auto done = unmount_view(view); !done) return done;
  for (const auto& path : {view.mountpoint, view.memory}) {
    std::error_code error;
    fs::remove(path, error);  // an empty directory by now
    if (error) return fail_errno("remove " + path.string(), error.value());
  }
  return {};
}

}  // namespace deployclaw::linux
