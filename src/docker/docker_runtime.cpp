#include "docker/docker_runtime.hpp"

#include <boost/json/array.hpp>

#include "docker/container_json.hpp"
#include "docker/json_values.hpp"
#include "docker/line_streams.hpp"

namespace deployclaw::docker {

namespace {

constexpr std::size_t kMostTailBytes = 64 * 1024;
constexpr std::chrono::seconds kExecDeadline{60};
constexpr std::chrono::seconds kAsTheContainerSays{-1};

class DockerRuntime final : public ContainerRuntime {
 public:
  explicit DockerRuntime(Engine& engine) : engine_(engine) {}

  Task<Status> ping() override {
    auto answered = co_await engine_.ping();
    co_return answered;
  }

  Task<Result<bool>> image_exists(std::string reference) override {
    const auto image = co_await engine_.inspect_image(std::move(reference));
    if (image) co_return true;
    if (image.error().code == Code::kNotFound) co_return false;
    co_return fail(image.error());
  }

  Task<Result<ContainerId>> create(ContainerSpec spec) override {
    auto body = to_create_body(spec);
    if (!body) co_return fail(body.error());
    boost::json::value value = std::move(*body);
    auto name = container_name(spec.agent);
    auto id = co_await engine_.create_container(std::move(name), std::move(value));
    if (!id) co_return context("create container", id.error());
    co_return id;
  }

  Task<Status> start(ContainerId id) override {
    const auto started = co_await engine_.start_container(std::move(id));
    if (!started) co_return context("start container", started.error());
    co_return Status{};
  }

  Task<Status> stop(ContainerId id) override {
    const auto stopped = co_await engine_.stop_container(std::move(id), kAsTheContainerSays);
    if (!stopped) co_return context("stop container", stopped.error());
    co_return Status{};
  }

  Task<Status> kill(ContainerId id) override {
    std::string signal = "KILL";
    const auto killed = co_await engine_.kill_container(std::move(id), std::move(signal));
    if (!killed) co_return context("kill container", killed.error());
    co_return Status{};
  }

  Task<Status> remove(ContainerId id) override {
    const auto removed = co_await engine_.remove_container(std::move(id));
    if (!removed) co_return context("remove container", removed.error());
    co_return Status{};
  }

  Task<Result<ObservedContainer>> inspect(ContainerId id) override {
    const auto inspected = co_await engine_.inspect_container(std::move(id));
    if (!inspected) co_return fail(inspected.error());
    co_return to_observed(*inspected);
  }

  // The list call tells neither pid nor exit code nor times, so each container is inspected too.
  Task<Result<std::vector<ObservedContainer>>> list(std::string instance) override {
    auto label = std::string(kInstanceLabel) + "=" + instance;
    const auto listed = co_await engine_.list_containers(std::move(label));
    if (!listed) co_return fail(listed.error());
    std::vector<ObservedContainer> all;
    for (const auto& item : listed->get_array()) {
      auto id = string_at(item, "Id");
      auto seen = co_await inspect(std::move(id));
      if (!seen && seen.error().code == Code::kNotFound) continue;  // removed since
      if (!seen) co_return fail(seen.error());
      all.push_back(std::move(*seen));
    }
    co_return all;
  }

  Task<Result<std::vector<LogLine>>> tail_logs(ContainerId id, std::size_t lines) override {
    Engine::LogOptions options;
    options.tail = lines;
    auto opened = co_await engine_.container_logs(std::move(id), options);
    if (!opened) co_return fail(opened.error());
    const auto stream = make_log_stream(std::move(*opened));
    std::vector<LogLine> tail;
    for (;;) {
      auto line = co_await stream->next();
      if (!line) co_return fail(line.error());
      if (!*line) break;
      tail.push_back(std::move(**line));
    }
    std::size_t bytes = 0;
    std::size_t first = tail.size();
    while (first > 0 && bytes + tail[first - 1].text.size() <= kMostTailBytes) {
      bytes += tail[--first].text.size();
    }
    tail.erase(tail.begin(), tail.begin() + static_cast<std::ptrdiff_t>(first));
    co_return tail;
  }

  Task<Result<std::unique_ptr<LogStream>>> follow_logs(ContainerId id, std::size_t lines) override {
    Engine::LogOptions options;
    options.tail = lines;
    options.follow = true;
    auto opened = co_await engine_.container_logs(std::move(id), options);
    if (!opened) co_return fail(opened.error());
    co_return make_log_stream(std::move(*opened));
  }

  Task<Result<std::unique_ptr<EventStream>>> events(std::string instance,
                                                    std::optional<Time> since) override {
    auto label = std::string(kInstanceLabel) + "=" + instance;
    auto from = since ? format_engine_time(*since) : std::string();
    auto opened = co_await engine_.events(std::move(label), std::move(from));
    if (!opened) co_return fail(opened.error());
    co_return make_event_stream(std::move(*opened));
  }

  Task<Result<ExecResult>> exec(ContainerId id, std::vector<std::string> command,
                                std::size_t most_bytes) override {
    auto outcome =
        co_await engine_.exec(std::move(id), std::move(command), most_bytes, kExecDeadline);
    if (!outcome) co_return context("run command in container", outcome.error());
    ExecResult result;
    result.exit_code = outcome->exit_code;
    result.output = std::move(outcome->output);
    co_return result;
  }

 private:
  Engine& engine_;
};

}  // namespace

std::unique_ptr<ContainerRuntime> make_docker_runtime(Engine& engine) {
  return std::make_unique<DockerRuntime>(engine);
}

}  // namespace deployclaw::docker
