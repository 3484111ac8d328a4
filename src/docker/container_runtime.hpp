#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/task.hpp"
#include "docker/container.hpp"

namespace deployclaw::docker {

// Streams end with nullopt (container or engine went away): the caller opens a new one. Destroying
// a stream closes it.
class LogStream {
 public:
  virtual ~LogStream() = default;
  virtual Task<Result<std::optional<LogLine>>> next() = 0;
};
class EventStream {
 public:
  virtual ~EventStream() = default;
  virtual Task<Result<std::optional<RuntimeEvent>>> next() = 0;
};

struct ExecResult {
  std::int64_t exit_code = 0;
  std::string output;  // stdout and stderr as they came, at most `most_bytes`
};

// Runs agents' containers; nothing above knows which engine does. Calls from one thread (the
// executor's). Every call has a deadline of its own. Errors: kUnavailable when the engine does not
// answer, kNotFound for a container or image that is not there, kConflict for a name in use.
class ContainerRuntime {
 public:
  virtual ~ContainerRuntime() = default;

  virtual Task<Status> ping() = 0;
  virtual Task<Result<bool>> image_exists(std::string reference) = 0;

  // kConflict when the agent has a container already; kNotFound when the image is missing.
  virtual Task<Result<ContainerId>> create(ContainerSpec spec) = 0;
  virtual Task<Status> start(ContainerId id) = 0;  // running already is fine
  // SIGTERM, then SIGKILL after the spec's stop_timeout. Stopped already is fine.
  virtual Task<Status> stop(ContainerId id) = 0;
  virtual Task<Status> kill(ContainerId id) = 0;    // SIGKILL; stopped already is fine
  virtual Task<Status> remove(ContainerId id) = 0;  // kills first; absent is fine

  virtual Task<Result<ObservedContainer>> inspect(ContainerId id) = 0;
  // Every container of the platform `instance`, whatever its state, fully observed.
  virtual Task<Result<std::vector<ObservedContainer>>> list(std::string instance) = 0;
  // The last `lines` lines, oldest first; the whole at most 64 KiB.
  virtual Task<Result<std::vector<LogLine>>> tail_logs(ContainerId id, std::size_t lines) = 0;
  // The last `lines` lines and then what comes.
  virtual Task<Result<std::unique_ptr<LogStream>>> follow_logs(ContainerId id,
                                                               std::size_t lines) = 0;
  virtual Task<Result<std::unique_ptr<EventStream>>> events(std::string instance,
                                                            std::optional<Time> since) = 0;
  // Runs a command in a running container as its user; for tests and diagnosis.
  virtual Task<Result<ExecResult>> exec(ContainerId id, std::vector<std::string> command,
                                        std::size_t most_bytes) = 0;
};

}  // namespace deployclaw::docker
