#include "linux/loop_volume.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <sstream>
#include <string>

#include "linux/file.hpp"
#include "linux/loop_device.hpp"
#include "linux/process.hpp"

namespace deployclaw::linux {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kLeastSize = 8U << 20;
constexpr std::uint64_t kReserve = 64U << 20;  // what the host must keep for itself
constexpr int kUnmountTries = 20;

std::string unescape(std::string_view text) {  // mountinfo writes blanks as \040
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      plain += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 +
                                 (text[i + 3] - '0'));
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

struct LoopMount {
  fs::path point;
  std::string device;  // "loop3"
};

Result<std::vector<LoopMount>> loop_mounts() {
  const auto mountinfo = read_small_file("/proc/thread-self/mountinfo");
  if (!mountinfo) return fail(mountinfo.error());
  std::vector<LoopMount> mounts;
  std::istringstream lines(*mountinfo);
  for (std::string line; std::getline(lines, line);) {
    const auto dash = line.find(" - ");
    if (dash == std::string::npos) continue;
    std::istringstream before(line.substr(0, dash));
    std::istringstream after(line.substr(dash + 3));
    std::string skip;
    std::string root;
    std::string point;
    std::string type;
    std::string source;
    before >> skip >> skip >> skip >> root >> point;
    after >> type >> source;
    if (source.starts_with("/dev/loop") && root == "/") {
      mounts.push_back({unescape(point), source.substr(5)});
    }
  }
  return mounts;
}

Result<bool> is_mounted(const StateVolume& volume) {
  const auto mounts = loop_mounts();
  if (!mounts) return fail(mounts.error());
  return std::ranges::any_of(
      *mounts, [&](const LoopMount& mount) { return mount.point == volume.mountpoint; });
}

Status check(const StateVolume& volume) {
  if (!volume.image.is_absolute() || !volume.mountpoint.is_absolute()) {
    return fail(Code::kInvalid, "a state volume needs absolute paths");
  }
  return {};
}

// A sparse file takes room only as it fills, so this does not promise that all volumes fit at once;
// it keeps an agent from starting on a disk that could not even hold its own.
Status check_room(const fs::path& directory, std::uint64_t size) {
  struct statvfs room{};
  if (::statvfs(directory.c_str(), &room) != 0) {
    return fail_errno("look at the room in " + directory.string(), errno);
  }
  const auto free = static_cast<std::uint64_t>(room.f_bavail) * room.f_frsize;
  if (free >= size + kReserve) return {};
  return fail(Code::kUnavailable,
              fmt::format("disk full: {} has {} MiB free, the volume needs {} MiB",
                          directory.string(), free >> 20, (size + kReserve) >> 20));
}

// Makes the file under another name first: what bears the right name is always whole.
Status make_image(const StateVolume& volume) {
  if (volume.size_bytes < kLeastSize) {
    return fail(Code::kInvalid, "a state volume has at least 8 MiB");
  }
  std::error_code error;
  fs::create_directories(volume.image.parent_path(), error);
  if (error) return fail_errno("make " + volume.image.parent_path().string(), error.value());
  if (auto room = check_room(volume.image.parent_path(), volume.size_bytes); !room) return room;
  const auto draft = volume.image.string() + ".new";
  {
    const UniqueFd file(::open(draft.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!file.valid()) return fail_errno("make " + draft, errno);
    if (::ftruncate(file.get(), static_cast<off_t>(volume.size_bytes)) != 0) {
      return fail_errno("size " + draft, errno);
    }
  }
  // No blocks kept for root; inode tables count as zeroed, which a sparse file's are.
  const auto options = fmt::format("root_owner={}:{},lazy_itable_init=0,lazy_journal_init=0",
                                   volume.owner, volume.group);
  const auto made = run_program({"/sbin/mkfs.ext4", "-q", "-F", "-m", "0", "-E", options, draft});
  if (!made) return fail(made.error());
  fs::rename(draft, volume.image, error);
  if (error) return fail_errno("name " + volume.image.string(), error.value());
  return {};
}

Status attach_and_mount(const StateVolume& volume) {
  std::error_code error;
  fs::create_directories(volume.mountpoint, error);
  if (error) return fail_errno("make " + volume.mountpoint.string(), error.value());
  const auto device = attach_loop(volume.image);
  if (!device) return fail(device.error());
  // An agent decides what is in there: no set-user-id programs, no devices.
  if (::mount(device->path.c_str(), volume.mountpoint.c_str(), "ext4",
              MS_NOSUID | MS_NODEV | MS_NOATIME, "") != 0) {
    return fail_errno("mount " + volume.mountpoint.string(), errno);
  }
  return {};
}

}  // namespace

Status ensure_state_volume(const StateVolume& volume) {
  if (auto checked = check(volume); !checked) return checked;
  const auto mounted = is_mounted(volume);
  if (!mounted) return fail(mounted.error());
  if (*mounted) return {};
  if (!fs::exists(volume.image)) {
    if (auto made = make_image(volume); !made) return context("state volume", made.error());
  }
  if (auto done = attach_and_mount(volume); !done) return context("state volume", done.error());
  return {};
}

Status unmount_state_volume(const StateVolume& volume) {
  if (auto checked = check(volume); !checked) return checked;
  // More than one mount may lie on the point after a race; each call takes the top one.
  for (int i = 0; i < kUnmountTries; ++i) {
    const auto mounted = is_mounted(volume);
    if (!mounted) return fail(mounted.error());
    if (!*mounted) return {};
    if (::umount2(volume.mountpoint.c_str(), UMOUNT_NOFOLLOW) == 0) continue;
    // A dying container's process may hold it for a moment more.
    if (errno != EBUSY) return fail_errno("unmount " + volume.mountpoint.string(), errno);
    ::usleep(100'000);
  }
  return fail(Code::kConflict, "state volume is in use: " + volume.mountpoint.string());
}

Status remove_state_volume(const StateVolume& volume) {
  if (auto done = unmount_state_volume(volume); !done) return done;
  std::error_code error;
  for (const auto& path :
       {volume.image, fs::path(volume.image.string() + ".new"), volume.mountpoint}) {
    fs::remove(path, error);  // the mount point is an empty directory by now
    if (error) return fail_errno("remove " + path.string(), error.value());
  }
  return {};
}

Status grow_state_volume(const StateVolume& volume, std::uint64_t size_bytes) {
  if (auto checked = check(volume); !checked) return checked;
  const auto mounted = is_mounted(volume);
  if (!mounted) return fail(mounted.error());
  if (*mounted) return fail(Code::kConflict, "unmount the state volume before growing it");
  struct stat present{};
  if (::stat(volume.image.c_str(), &present) != 0) {
    return fail_errno("state volume " + volume.image.string(), errno);
  }
  if (static_cast<std::uint64_t>(present.st_size) >= size_bytes) return {};
  const auto more = size_bytes - static_cast<std::uint64_t>(present.st_size);
  if (auto room = check_room(volume.image.parent_path(), more); !room) return room;
  // Status 1 of e2fsck: errors were found and corrected.
  const auto sound = run_program({"/sbin/e2fsck", "-f", "-p", volume.image.string()}, 1);
  if (!sound) return context("check state volume", sound.error());
  if (::truncate(volume.image.c_str(), static_cast<off_t>(size_bytes)) != 0) {
    return fail_errno("size " + volume.image.string(), errno);
  }
  const auto grown = run_program({"/sbin/resize2fs", volume.image.string()});
  if (!grown) return context("grow state volume", grown.error());
  return {};
}

Result<VolumeUsage> state_volume_usage(const StateVolume& volume) {
  const auto mounted = is_mounted(volume);
  if (!mounted) return fail(mounted.error());
  if (!*mounted) return fail(Code::kNotFound, "state volume is not mounted");
  struct statvfs room{};
  if (::statvfs(volume.mountpoint.c_str(), &room) != 0) {
    return fail_errno("look at " + volume.mountpoint.string(), errno);
  }
  const std::uint64_t block = room.f_frsize;
  return VolumeUsage{.used_bytes = (room.f_blocks - room.f_bfree) * block,
                     .total_bytes = room.f_blocks * block};
}

Result<std::vector<MountedVolume>> list_state_volumes(const fs::path& directory) {
  const auto mounts = loop_mounts();
  if (!mounts) return fail(mounts.error());
  const auto prefix = directory.string() + "/";
  std::vector<MountedVolume> volumes;
  for (const auto& [point, device] : *mounts) {
    if (!point.string().starts_with(prefix)) continue;
    volumes.push_back({point, file_behind(device).value_or(fs::path())});
  }
  return volumes;
}

}  // namespace deployclaw::linux
