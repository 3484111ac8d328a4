#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace deployclaw::linux {

// What a container uses now. Sizes in bytes.
struct CgroupSample {
  std::uint64_t cpu_microseconds = 0;  // since the container started, all cores
  std::uint64_t memory_current = 0;    // with page cache
  std::uint64_t memory_used = 0;       // without inactive page cache: the figure to show
  std::optional<std::uint64_t> memory_limit;
  std::uint64_t oom_kills = 0;
  std::uint64_t pids = 0;
};

// Where one process's cgroup files are; absolute paths, empty where the controller is absent.
struct CgroupPaths {
  bool v2 = false;
  std::string cpu;  // v2: the one directory, the same in all three
  std::string memory;
  std::string pids;
};

// Pure: from the texts of /proc/<pid>/cgroup and /proc/self/mountinfo. Understands v1, v2 and the
// hybrid layout, cgroupfs and systemd drivers, and mounts of a subtree. kNotFound when no
// controller is mounted, kMalformed for text that is not such a file.
Result<CgroupPaths> resolve_cgroup(std::string_view process_cgroup, std::string_view mountinfo);

// Reads one container's cgroup files, which it keeps open: a sample costs six small reads. Made per
// container start; a stopped container's reads give kNotFound.
class CgroupReader {
 public:
  // `pid` is the container's first process. kNotFound when it is gone.
  static Result<CgroupReader> open(pid_t pid);
  static Result<CgroupReader> open(const CgroupPaths& paths);
  // As the first, but kNotFound also when the process is not in the cgroup of `container` (the
  // engine's id; a pid is given to others once its process ended) or CPU or memory is not counted.
  static Result<CgroupReader> open_container(pid_t pid, std::string_view container);

  Result<CgroupSample> read() const;

  CgroupReader(CgroupReader&& other) noexcept;
  CgroupReader& operator=(CgroupReader&& other) noexcept;
  CgroupReader(const CgroupReader&) = delete;
  CgroupReader& operator=(const CgroupReader&) = delete;
  ~CgroupReader();

 private:
  enum File { kCpu, kMemory, kMemoryStat, kMemoryLimit, kOom, kPids, kFiles };
  CgroupReader() { files_.fill(-1); }
  static Result<CgroupReader> open_membership(std::string_view process_cgroup);
  bool v2_ = false;
  std::array<int, kFiles> files_;
};

}  // namespace deployclaw::linux
