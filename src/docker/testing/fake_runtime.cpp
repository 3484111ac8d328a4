#include "docker/testing/fake_runtime.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "docker/frames.hpp"
#include "docker/testing/channel.hpp"

namespace deployclaw::docker::testing {

namespace {

constexpr std::size_t kMostLineBytes = 8192;

struct FakeContainer {
  ContainerSpec spec;
  ObservedContainer seen;
  std::vector<LogLine> log;
  std::vector<std::shared_ptr<Channel<LogLine>>> followers;
};

class FakeLogStream final : public LogStream {
 public:
  explicit FakeLogStream(std::shared_ptr<Channel<LogLine>> channel) : channel_(channel) {}
  ~FakeLogStream() override { channel_->close(); }
  Task<Result<std::optional<LogLine>>> next() override { return receive(channel_); }

 private:
  std::shared_ptr<Channel<LogLine>> channel_;
};

class FakeEventStream final : public EventStream {
 public:
  explicit FakeEventStream(std::shared_ptr<Channel<RuntimeEvent>> channel) : channel_(channel) {}
  ~FakeEventStream() override { channel_->close(); }
  Task<Result<std::optional<RuntimeEvent>>> next() override { return receive(channel_); }

 private:
  std::shared_ptr<Channel<RuntimeEvent>> channel_;
};

struct Subscriber {
  std::string instance;
  std::shared_ptr<Channel<RuntimeEvent>> channel;
};

struct PastEvent {
  std::string instance;
  RuntimeEvent event;
};

}  // namespace

struct FakeRuntime::State {
  explicit State(const Clock& c) : clock(c) {}

  const Clock& clock;
  std::map<ContainerId, FakeContainer> containers;
  std::set<std::string> images;
  std::optional<Error> broken;
  std::multimap<std::string, Error> next_failures;
  std::vector<std::string> calls;
  std::vector<Subscriber> subscribers;
  std::vector<PastEvent> history;
  std::function<ExecResult(const ContainerId&, const std::vector<std::string>&)> exec;
  std::function<void(const ContainerId&, const ContainerSpec&)> on_start;
  std::uint64_t last_number = 0;

  Status enter(const std::string& method, const std::string& subject) {
    calls.push_back(subject.empty() ? method : method + " " + subject);
    if (broken) return fail(*broken);
    const auto planned = next_failures.find(method);
    if (planned == next_failures.end()) return {};
    auto error = std::move(planned->second);
    next_failures.erase(planned);
    return fail(std::move(error));
  }
  Result<FakeContainer*> find(const ContainerId& id) {
    const auto found = containers.find(id);
    if (found == containers.end()) return fail(Code::kNotFound, "no such container: " + id);
    return &found->second;
  }
  void tell(EventKind kind, const FakeContainer& container) {
    const RuntimeEvent event{.kind = kind,
                             .id = container.seen.id,
                             .agent = container.seen.agent,
                             .exit_code = container.seen.exit_code,
                             .at = clock.now()};
    history.push_back({container.seen.instance, event});
    for (const auto& [instance, channel] : subscribers) {
      if (instance == container.seen.instance) channel->send(event);
    }
  }
  void end(FakeContainer& container, std::int32_t exit_code, bool oom_killed) {
    if (container.seen.state != ContainerState::kRunning) return;
    container.seen.state = ContainerState::kExited;
    container.seen.pid = 0;
    container.seen.exit_code = exit_code;
    container.seen.oom_killed = oom_killed;
    container.seen.finished_at = clock.now();
    for (const auto& follower : container.followers) follower->close();
    container.followers.clear();
    if (oom_killed) tell(EventKind::kOutOfMemory, container);
    tell(EventKind::kExited, container);
  }
};

FakeRuntime::FakeRuntime(const Clock& clock) : state_(std::make_shared<State>(clock)) {}
FakeRuntime::~FakeRuntime() { close_streams(); }

void FakeRuntime::add_image(std::string reference) { state_->images.insert(std::move(reference)); }
void FakeRuntime::remove_image(const std::string& reference) { state_->images.erase(reference); }
void FakeRuntime::break_with(std::optional<Error> error) { state_->broken = std::move(error); }
void FakeRuntime::fail_next(std::string method, Error error) {
  state_->next_failures.emplace(std::move(method), std::move(error));
}

void FakeRuntime::exit(const ContainerId& id, std::int32_t exit_code, bool oom_killed) {
  if (const auto found = state_->find(id)) state_->end(**found, exit_code, oom_killed);
}

void FakeRuntime::write_log(const ContainerId& id, std::string text, bool is_stderr) {
  const auto found = state_->find(id);
  if (!found) return;
  LogLine line{state_->clock.now(), is_stderr, sanitize_line(text, kMostLineBytes)};
  for (const auto& follower : (*found)->followers) follower->send(line);
  (*found)->log.push_back(std::move(line));
}

void FakeRuntime::set_exec(
    std::function<ExecResult(const ContainerId&, const std::vector<std::string>&)> fn) {
  state_->exec = std::move(fn);
}
void FakeRuntime::set_on_start(std::function<void(const ContainerId&, const ContainerSpec&)> fn) {
  state_->on_start = std::move(fn);
}

void FakeRuntime::close_streams() {
  for (const auto& [instance, channel] : state_->subscribers) channel->close();
  state_->subscribers.clear();
}

std::vector<std::string> FakeRuntime::calls() const { return state_->calls; }
std::optional<ContainerSpec> FakeRuntime::spec_of(const ContainerId& id) const {
  const auto found = state_->find(id);
  return found ? std::optional((*found)->spec) : std::nullopt;
}
std::size_t FakeRuntime::size() const { return state_->containers.size(); }

Task<Status> FakeRuntime::ping() { co_return state_->enter("ping", ""); }

Task<Result<bool>> FakeRuntime::image_exists(std::string reference) {
  if (auto entered = state_->enter("image_exists", reference); !entered) {
    co_return fail(entered.error());
  }
  co_return state_->images.contains(reference);
}

Task<Result<ContainerId>> FakeRuntime::create(ContainerSpec spec) {
  if (auto entered = state_->enter("create", spec.agent.to_string()); !entered) {
    co_return fail(entered.error());
  }
  if (!state_->images.contains(spec.image)) {
    co_return fail(Code::kNotFound, "create container: no such image: " + spec.image);
  }
  for (const auto& [id, other] : state_->containers) {
    if (other.seen.agent == spec.agent) {
      co_return fail(Code::kConflict, "create container: the name is in use by " + id);
    }
  }
  const auto id = "fake" + std::to_string(++state_->last_number);
  FakeContainer container;
  container.seen.id = id;
  container.seen.agent = spec.agent;
  container.seen.client = spec.client;
  container.seen.instance = spec.instance;
  container.seen.generation = spec.generation;
  container.seen.image = spec.image;
  container.seen.image_id = "sha256:" + spec.image;
  container.seen.created_at = state_->clock.now();
  container.spec = std::move(spec);
  state_->tell(EventKind::kCreated, container);
  state_->containers.emplace(id, std::move(container));
  co_return id;
}

Task<Status> FakeRuntime::start(ContainerId id) {
  if (auto entered = state_->enter("start", id); !entered) co_return entered;
  const auto found = state_->find(id);
  if (!found) co_return fail(found.error());
  auto& seen = (*found)->seen;
  if (seen.state == ContainerState::kRunning) co_return Status{};
  seen.state = ContainerState::kRunning;
  seen.pid = static_cast<std::int32_t>(100'000 + ++state_->last_number);
  seen.started_at = state_->clock.now();
  seen.finished_at.reset();
  seen.exit_code = 0;
  seen.oom_killed = false;
  state_->tell(EventKind::kStarted, **found);
  if (state_->on_start) state_->on_start(id, (*found)->spec);
  co_return Status{};
}

Task<Status> FakeRuntime::stop(ContainerId id) {
  if (auto entered = state_->enter("stop", id); !entered) co_return entered;
  const auto found = state_->find(id);
  if (!found) co_return fail(found.error());
  state_->end(**found, 143, false);
  co_return Status{};
}

Task<Status> FakeRuntime::kill(ContainerId id) {
  if (auto entered = state_->enter("kill", id); !entered) co_return entered;
  const auto found = state_->find(id);
  if (!found) co_return fail(found.error());
  state_->end(**found, 137, false);
  co_return Status{};
}

Task<Status> FakeRuntime::remove(ContainerId id) {
  if (auto entered = state_->enter("remove", id); !entered) co_return entered;
  const auto found = state_->find(id);
  if (!found) co_return Status{};
  state_->end(**found, 137, false);
  state_->tell(EventKind::kRemoved, **found);
  state_->containers.erase(id);
  co_return Status{};
}

Task<Result<ObservedContainer>> FakeRuntime::inspect(ContainerId id) {
  if (auto entered = state_->enter("inspect", id); !entered) co_return fail(entered.error());
  const auto found = state_->find(id);
  if (!found) co_return fail(found.error());
  co_return (*found)->seen;
}

Task<Result<std::vector<ObservedContainer>>> FakeRuntime::list(std::string instance) {
  if (auto entered = state_->enter("list", instance); !entered) co_return fail(entered.error());
  std::vector<ObservedContainer> all;
  for (const auto& [id, container] : state_->containers) {
    if (container.seen.instance == instance) all.push_back(container.seen);
  }
  co_return all;
}

Task<Result<std::vector<LogLine>>> FakeRuntime::tail_logs(ContainerId id, std::size_t lines) {
  if (auto entered = state_->enter("tail_logs", id); !entered) co_return fail(entered.error());
  const auto found = state_->find(id);
  if (!found) co_return fail(found.error());
  const auto& log = (*found)->log;
  const auto first = log.size() - std::min(lines, log.size());
  co_return std::vector<LogLine>(log.begin() + static_cast<std::ptrdiff_t>(first), log.end());
}

Task<Result<std::unique_ptr<LogStream>>> FakeRuntime::follow_logs(ContainerId id,
                                                                  std::size_t lines) {
  if (auto entered = state_->enter("follow_logs", id); !entered) co_return fail(entered.error());
  const auto found = state_->find(id);
  if (!found) co_return fail(found.error());
  auto channel = std::make_shared<Channel<LogLine>>();
  const auto& log = (*found)->log;
  for (auto i = log.size() - std::min(lines, log.size()); i < log.size(); ++i) {
    channel->send(log[i]);
  }
  if ((*found)->seen.state == ContainerState::kRunning) {
    (*found)->followers.push_back(channel);
  } else {
    channel->close();
  }
  co_return std::make_unique<FakeLogStream>(channel);
}

Task<Result<std::unique_ptr<EventStream>>> FakeRuntime::events(std::string instance,
                                                               std::optional<Time> since) {
  if (auto entered = state_->enter("events", instance); !entered) co_return fail(entered.error());
  auto channel = std::make_shared<Channel<RuntimeEvent>>();
  for (const auto& [of, event] : state_->history) {
    if (since && of == instance && event.at >= *since) channel->send(event);
  }
  state_->subscribers.push_back({instance, channel});
  co_return std::make_unique<FakeEventStream>(channel);
}

Task<Result<ExecResult>> FakeRuntime::exec(ContainerId id, std::vector<std::string> command,
                                           std::size_t most_bytes) {
  if (auto entered = state_->enter("exec", id); !entered) co_return fail(entered.error());
  const auto found = state_->find(id);
  if (!found) co_return fail(found.error());
  if ((*found)->seen.state != ContainerState::kRunning) {
    co_return fail(Code::kConflict, "container is not running");
  }
  auto result = state_->exec ? state_->exec(id, command) : ExecResult{};
  result.output.resize(std::min(result.output.size(), most_bytes));
  co_return result;
}

}  // namespace deployclaw::docker::testing
