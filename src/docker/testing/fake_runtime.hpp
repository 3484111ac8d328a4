#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "docker/container_runtime.hpp"

namespace deployclaw::docker::testing {

// ContainerRuntime in memory, for tests above this module. Keeps the real one's contract
// (runtime_contract_test.cpp runs against both) and lets a test bring trouble.
class FakeRuntime final : public ContainerRuntime {
 public:
  explicit FakeRuntime(const Clock& clock);
  ~FakeRuntime() override;

  // What a test turns.
  void add_image(std::string reference);
  void remove_image(const std::string& reference);
  // While set every call fails with it.
  void break_with(std::optional<Error> error);
  // The next call of `method` ("create", "start", "stop", "remove", …) fails with `error`, once.
  void fail_next(std::string method, Error error);
  // The container's main process ends by itself.
  void exit(const ContainerId& id, std::int32_t exit_code, bool oom_killed = false);
  void write_log(const ContainerId& id, std::string text, bool is_stderr = false);
  void set_exec(std::function<ExecResult(const ContainerId&, const std::vector<std::string>&)> fn);
  // Called after each successful start, to play the container's main process: it may exit(), write
  // logs, or do nothing (a process that just runs).
  void set_on_start(std::function<void(const ContainerId&, const ContainerSpec&)> fn);
  // Ends all event streams, as a restarting engine would.
  void close_streams();
  // What a test asks.
  [[nodiscard]] std::vector<std::string> calls() const;  // "create <agent>", "start <id>", …
  [[nodiscard]] std::optional<ContainerSpec> spec_of(const ContainerId& id) const;
  [[nodiscard]] std::size_t size() const;

  Task<Status> ping() override;
  Task<Result<bool>> image_exists(std::string reference) override;
  Task<Result<ContainerId>> create(ContainerSpec spec) override;
  Task<Status> start(ContainerId id) override;
  Task<Status> stop(ContainerId id) override;
  Task<Status> kill(ContainerId id) override;
  Task<Status> remove(ContainerId id) override;
  Task<Result<ObservedContainer>> inspect(ContainerId id) override;
  Task<Result<std::vector<ObservedContainer>>> list(std::string instance) override;
  Task<Result<std::vector<LogLine>>> tail_logs(ContainerId id, std::size_t lines) override;
  Task<Result<std::unique_ptr<LogStream>>> follow_logs(ContainerId id, std::size_t lines) override;
  Task<Result<std::unique_ptr<EventStream>>> events(std::string instance,
                                                    std::optional<Time> since) override;
  Task<Result<ExecResult>> exec(ContainerId id, std::vector<std::string> command,
                                std::size_t most_bytes) override;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace deployclaw::docker::testing
