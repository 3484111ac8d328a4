#include "linux/cgroup.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <utility>
#include <vector>

#include "linux/file.hpp"

namespace deployclaw::linux {

namespace {

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

bool lists(std::string_view comma_separated, std::string_view word) {
  const auto words = split(comma_separated, ',');
  return std::ranges::find(words, word) != words.end();
}

// A cgroup hierarchy's mount: which subtree is seen where.
struct HierarchyMount {
  std::string_view root;
  std::string_view point;
  bool v2 = false;
  std::string_view options;  // v1: the controllers are among them
};

// mountinfo (proc_pid_mountinfo(5)): id parent dev ROOT POINT options [tags] - TYPE source OPTIONS
std::vector<HierarchyMount> parse_mounts(std::string_view mountinfo) {
  std::vector<HierarchyMount> mounts;
  for (const auto line : split(mountinfo, '\n')) {
    const auto dash = line.find(" - ");
    if (dash == std::string_view::npos) continue;
    const auto before = split(line.substr(0, dash), ' ');
    const auto after = split(line.substr(dash + 3), ' ');
    if (before.size() < 5 || after.size() < 3) continue;
    if (after[0] != "cgroup" && after[0] != "cgroup2") continue;
    mounts.push_back({before[3], before[4], after[0] == "cgroup2", after[2]});
  }
  return mounts;
}

// The directory of cgroup `path` below a mount, or "" when the mount does not show it.
std::string directory_of(const HierarchyMount& mount, std::string_view path) {
  if (mount.root != "/") {
    const bool below = path.starts_with(mount.root) &&
                       (path.size() == mount.root.size() || path[mount.root.size()] == '/');
    if (!below) return {};
    path.remove_prefix(mount.root.size());
  }
  return std::string(mount.point) + std::string(path == "/" ? "" : path);
}

std::string find_v1(const std::vector<HierarchyMount>& mounts, std::string_view controller,
                    std::string_view path) {
  for (const auto& mount : mounts) {
    if (mount.v2 || !lists(mount.options, controller)) continue;
    if (auto directory = directory_of(mount, path); !directory.empty()) return directory;
  }
  return {};
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end == text.data()) return std::nullopt;
  return number;
}

// The value behind `key` in a file of "key value" lines.
std::uint64_t value_of(std::string_view text, std::string_view key) {
  for (const auto line : split(text, '\n')) {
    if (!line.starts_with(key) || line.size() <= key.size() || line[key.size()] != ' ') continue;
    return parse_number(line.substr(key.size() + 1)).value_or(0);
  }
  return 0;
}

Result<std::string> read_membership(pid_t pid) {
  return read_small_file("/proc/" + std::to_string(pid) + "/cgroup");
}

// "No limit" in v1 is a number near the end of the range.
constexpr std::uint64_t kUnlimitedV1 = std::uint64_t{1} << 60;

}  // namespace

Result<CgroupPaths> resolve_cgroup(std::string_view process_cgroup, std::string_view mountinfo) {
  const auto mounts = parse_mounts(mountinfo);
  CgroupPaths paths;
  std::string unified;
  bool any = false;
  for (const auto line : split(process_cgroup, '\n')) {
    if (line.empty()) continue;
    // "hierarchy:controllers:path"; the path may hold colons.
    const auto first = line.find(':');
    const auto second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos || line.size() <= second + 1 || line[second + 1] != '/') {
      return fail(Code::kMalformed, "not a cgroup membership: " + std::string(line));
    }
    any = true;
    const auto controllers = line.substr(first + 1, second - first - 1);
    const auto path = line.substr(second + 1);
    if (controllers.empty()) {
      for (const auto& mount : mounts) {
        if (mount.v2 && unified.empty()) unified = directory_of(mount, path);
      }
      continue;
    }
    if (lists(controllers, "cpuacct")) paths.cpu = find_v1(mounts, "cpuacct", path);
    if (lists(controllers, "memory")) paths.memory = find_v1(mounts, "memory", path);
    if (lists(controllers, "pids")) paths.pids = find_v1(mounts, "pids", path);
  }
  if (!any) return fail(Code::kMalformed, "the process has no cgroup membership");
  if (!paths.cpu.empty() || !paths.memory.empty() || !paths.pids.empty()) return paths;
  // In the hybrid layout the unified hierarchy has no controllers: it only counts alone.
  if (unified.empty()) return fail(Code::kNotFound, "no cgroup controller is mounted");
  return CgroupPaths{.v2 = true, .cpu = unified, .memory = unified, .pids = unified};
}

Result<CgroupReader> CgroupReader::open(pid_t pid) {
  const auto membership = read_membership(pid);
  if (!membership) return fail(membership.error());
  return open_membership(*membership);
}

Result<CgroupReader> CgroupReader::open_container(pid_t pid, std::string_view container) {
  const auto membership = read_membership(pid);
  if (!membership) return fail(membership.error());
  if (container.empty() || !membership->contains(container)) {
    return fail(Code::kNotFound, "the process is not the container's");
  }
  auto reader = open_membership(*membership);
  if (reader && (reader->files_[kCpu] < 0 || reader->files_[kMemory] < 0)) {
    return fail(Code::kNotFound, "the host does not count the container's CPU and memory");
  }
  return reader;
}

Result<CgroupReader> CgroupReader::open_membership(std::string_view process_cgroup) {
  const auto mountinfo = read_small_file("/proc/self/mountinfo");
  if (!mountinfo) return fail(mountinfo.error());
  const auto paths = resolve_cgroup(process_cgroup, *mountinfo);
  if (!paths) return fail(paths.error());
  return open(*paths);
}

Result<CgroupReader> CgroupReader::open(const CgroupPaths& paths) {
  CgroupReader reader;
  reader.v2_ = paths.v2;
  const auto open_in = [&](File file, const std::string& directory, const char* name) {
    if (directory.empty()) return;
    reader.files_[file] = ::open((directory + "/" + name).c_str(), O_RDONLY | O_CLOEXEC);
  };
  const bool v2 = paths.v2;
  open_in(kCpu, paths.cpu, v2 ? "cpu.stat" : "cpuacct.usage");
  open_in(kMemory, paths.memory, v2 ? "memory.current" : "memory.usage_in_bytes");
  open_in(kMemoryStat, paths.memory, "memory.stat");
  open_in(kMemoryLimit, paths.memory, v2 ? "memory.max" : "memory.limit_in_bytes");
  open_in(kOom, paths.memory, v2 ? "memory.events" : "memory.oom_control");
  open_in(kPids, paths.pids, "pids.current");
  if (reader.files_[kCpu] < 0 && reader.files_[kMemory] < 0) {
    return fail(Code::kNotFound, "the cgroup is gone: " + paths.memory);
  }
  return reader;
}

Result<CgroupSample> CgroupReader::read() const {
  std::array<std::string, kFiles> texts;
  for (std::size_t i = 0; i < kFiles; ++i) {
    if (files_[i] < 0) continue;
    char buffer[8192];
    const auto n = ::pread(files_[i], buffer, sizeof buffer, 0);
    if (n < 0 && errno == ENODEV) return fail(Code::kNotFound, "the cgroup is gone");
    if (n < 0) return fail_errno("read cgroup file", errno);
    texts[i].assign(buffer, static_cast<std::size_t>(n));
  }
  CgroupSample sample;
  sample.cpu_microseconds =
      v2_ ? value_of(texts[kCpu], "usage_usec") : parse_number(texts[kCpu]).value_or(0) / 1000;
  sample.memory_current = parse_number(texts[kMemory]).value_or(0);
  // The two files are read one after the other: the cache may have grown past the first by then.
  const auto cache = value_of(texts[kMemoryStat], v2_ ? "inactive_file" : "total_inactive_file");
  sample.memory_used = sample.memory_current - std::min(cache, sample.memory_current);
  sample.memory_limit = parse_number(texts[kMemoryLimit]);
  if (sample.memory_limit && *sample.memory_limit > kUnlimitedV1) sample.memory_limit.reset();
  sample.oom_kills = value_of(texts[kOom], "oom_kill");
  sample.pids = parse_number(texts[kPids]).value_or(0);
  return sample;
}

CgroupReader::CgroupReader(CgroupReader&& other) noexcept : v2_(other.v2_), files_(other.files_) {
  other.files_.fill(-1);
}

CgroupReader& CgroupReader::operator=(CgroupReader&& other) noexcept {
  std::swap(v2_, other.v2_);
  std::swap(files_, other.files_);
  return *this;
}

CgroupReader::~CgroupReader() {
  for (const int file : files_) {
    if (file >= 0) ::close(file);
  }
}

}  // namespace deployclaw::linux
