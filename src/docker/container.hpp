#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"

namespace deployclaw::docker {

// The engine's own id of a container; opaque.
using ContainerId = std::string;

struct Resources {
  double cpus = 1.0;
  std::uint64_t memory_bytes = 0;  // memory and swap together: no swap
  std::int64_t pids = 256;
  std::uint64_t open_files = 65536;
};

struct Tmpfs {
  std::string target;
  std::uint64_t size_bytes = 0;
  bool executable = false;  // mounted noexec unless set; always nosuid, nodev, mode 1777
};

struct Mount {
  std::string source;  // an absolute path of the host
  std::string target;
  bool read_only = false;
};

// A container for one agent. What is not here is not negotiable and the same for all: no network
// (the orchestrator wires one in), no capability, no new privileges, default seccomp profile, an
// init as process 1, no restart by the engine, core dumps off, IPv6 off, bounded json-file log.
struct ContainerSpec {
  AgentId agent;
  ClientId client;
  std::string instance;  // the platform's id: two platforms on one engine do not see each other
  std::int64_t generation = 0;

  std::string image;                 // reference or image id; it must be there, nothing is pulled
  std::vector<std::string> command;  // empty: the image's own
  std::vector<std::pair<std::string, std::string>> environment;  // no secrets
  std::string working_directory;                                 // empty: the image's own
  std::string hostname;                                          // stable per agent
  std::uint32_t uid = 10001;
  std::uint32_t gid = 10001;
  Resources resources;
  bool read_only_root = true;
  std::vector<Tmpfs> tmpfs;
  std::vector<Mount> mounts;
  std::chrono::seconds stop_timeout{10};
  std::map<std::string, std::string> labels;  // besides the four of the platform
};

enum class ContainerState : std::uint8_t { kCreated, kRunning, kPaused, kExited, kDead };
std::string_view to_string(ContainerState state);

struct ObservedContainer {
  ContainerId id;
  AgentId agent;
  ClientId client;
  std::string instance;
  std::int64_t generation = 0;
  ContainerState state = ContainerState::kCreated;
  std::int32_t pid = 0;  // in the host's pid namespace; 0 unless running
  std::string image;     // as the spec named it
  std::string image_id;
  std::optional<Time> created_at;
  std::optional<Time> started_at;   // of the last start
  std::optional<Time> finished_at;  // of the last exit
  std::int32_t exit_code = 0;
  bool oom_killed = false;
  std::string error;  // the engine's words when it could not start
};

struct LogLine {
  Time at{};
  bool is_stderr = false;
  std::string
      text;  // out of sanitize_line (frames.hpp): valid UTF-8, at most 8 KiB, may be coloured
};

enum class EventKind : std::uint8_t { kCreated, kStarted, kExited, kOutOfMemory, kRemoved, kOther };

struct RuntimeEvent {
  EventKind kind = EventKind::kOther;
  ContainerId id;
  AgentId agent;
  std::int32_t exit_code = 0;  // of kExited
  Time at{};
};

}  // namespace deployclaw::docker
