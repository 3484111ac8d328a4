#include <gmock/gmock.h>

#include <boost/asio/io_context.hpp>

#include "docker/container_json.hpp"
#include "docker/docker_runtime.hpp"
#include "docker/testing/daemon.hpp"
#include "docker/testing/fake_runtime.hpp"
#include "docker/testing/run.hpp"
#include "docker/testing/tiny_image.hpp"

// What every ContainerRuntime must do, held against Docker and against the fake, so that tests with
// the fake prove something.
namespace deployclaw::docker {
namespace {

using testing::Daemon;
using ::testing::ElementsAre;
using testing::FakeRuntime;
using ::testing::IsEmpty;
using testing::kTinyReference;
using testing::run;

// One implementation on trial, with its container's main process in our hand.
class Subject {
 public:
  virtual ~Subject() = default;
  virtual ContainerRuntime& runtime() = 0;
  // The container's main process exits 3 by itself.
  virtual void make_fall(const ContainerId& id) = 0;
};

class DockerSubject final : public Subject {
 public:
  DockerSubject(boost::asio::io_context& io, std::filesystem::path socket)
      : io_(io), engine_(io.get_executor(), std::move(socket)) {
    runtime_ = make_docker_runtime(engine_);
  }
  Status prepare() {
    const auto imported = run(io_, testing::import_tiny_image(engine_, DEPLOYCLAW_TINY_AGENT));
    if (!imported) return fail(imported.error());
    return {};
  }
  ContainerRuntime& runtime() override { return *runtime_; }
  void make_fall(const ContainerId& id) override {
    const auto done = run(io_, runtime_->exec(id, {"/tiny", "fall"}, 100));
    ASSERT_TRUE(done) << done.error().message;
  }

 private:
  boost::asio::io_context& io_;
  Engine engine_;
  std::unique_ptr<ContainerRuntime> runtime_;
};

class FakeSubject final : public Subject {
 public:
  FakeSubject() {
    fake_.add_image(kTinyReference);
    fake_.set_on_start(
        [this](const ContainerId& id, const ContainerSpec& spec) { play(id, spec); });
    fake_.set_exec([](const ContainerId&, const std::vector<std::string>& command) {
      return command.back() == "id" ? ExecResult{0, "uid 10001 gid 10001 root read-only\n"}
                                    : ExecResult{std::stol(command.back()), ""};
    });
  }
  ContainerRuntime& runtime() override { return fake_; }
  void make_fall(const ContainerId& id) override { fake_.exit(id, 3); }

 private:
  // What the tiny agent does.
  void play(const ContainerId& id, const ContainerSpec& spec) {
    const auto& words = spec.command;
    if (words.size() < 2) return;
    if (words[1] == "exit") fake_.exit(id, std::stoi(words[2]));
    if (words[1] == "say") {
      fake_.write_log(id, words[2]);
      fake_.write_log(id, words[3], true);
    }
    if (words[1] == "flood") {
      for (int i = 0; i < std::stoi(words[2]); ++i) {
        fake_.write_log(id, "line " + std::to_string(i));
      }
      fake_.exit(id, 0);
    }
  }

  SystemClock clock_;
  FakeRuntime fake_{clock_};
};

class RuntimeContract : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (std::string_view(GetParam()) == "Fake") {
      subject_ = std::make_unique<FakeSubject>();
      return;
    }
    const auto socket = Daemon::shared_socket();
    if (!socket) GTEST_SKIP() << "no Docker: " << socket.error().message;
    auto docker = std::make_unique<DockerSubject>(io_, *socket);
    const auto prepared = docker->prepare();
    ASSERT_TRUE(prepared) << prepared.error().message;
    subject_ = std::move(docker);
  }
  void TearDown() override {
    if (!subject_) return;
    const auto left = run(io_, runtime().list(instance_));
    ASSERT_TRUE(left);
    for (const auto& container : *left) EXPECT_TRUE(run(io_, runtime().remove(container.id)));
  }

  ContainerRuntime& runtime() { return subject_->runtime(); }
  ContainerSpec spec(std::vector<std::string> command) const {
    ContainerSpec spec;
    spec.agent = AgentId::random();
    spec.client = ClientId::random();
    spec.instance = instance_;
    spec.generation = 7;
    spec.image = kTinyReference;
    spec.command = std::move(command);
    spec.hostname = "agent-test";
    spec.resources.memory_bytes = 64 << 20;
    spec.tmpfs = {{"/tmp", 1 << 20, false}};
    spec.stop_timeout = std::chrono::seconds(1);
    return spec;
  }
  ContainerId start(const ContainerSpec& spec) {
    auto id = run(io_, runtime().create(spec));
    EXPECT_TRUE(id) << id.error().message;
    const auto started = run(io_, runtime().start(*id));
    EXPECT_TRUE(started) << started.error().message;
    return *id;
  }
  ObservedContainer inspect(const ContainerId& id) {
    auto seen = run(io_, runtime().inspect(id));
    EXPECT_TRUE(seen) << seen.error().message;
    return seen ? *seen : ObservedContainer{};
  }
  ObservedContainer await_exit(const ContainerId& id) {
    for (int i = 0; i < 200; ++i) {
      auto seen = inspect(id);
      if (seen.state == ContainerState::kExited) return seen;
      run(io_, sleep_for(std::chrono::milliseconds(50)));
    }
    ADD_FAILURE() << "it never exited";
    return {};
  }

  boost::asio::io_context io_;
  const std::string instance_ = "test-" + AgentId::random().to_string();
  std::unique_ptr<Subject> subject_;
};

INSTANTIATE_TEST_SUITE_P(Of, RuntimeContract, ::testing::Values("Docker", "Fake"),
                         [](const auto& tested) { return std::string(tested.param); });

TEST_P(RuntimeContract, AnswersAndKnowsItsImages) {
  EXPECT_TRUE(run(io_, runtime().ping()));
  EXPECT_TRUE(run(io_, runtime().image_exists(kTinyReference)).value());
  EXPECT_FALSE(run(io_, runtime().image_exists("deployclaw/absent:1")).value());
}

TEST_P(RuntimeContract, TellsWhatItCreated) {
  const auto wanted = spec({"/tiny", "run"});
  const auto id = run(io_, runtime().create(wanted));
  ASSERT_TRUE(id) << id.error().message;
  auto seen = inspect(*id);
  EXPECT_EQ(seen.id, *id);
  EXPECT_EQ(seen.agent, wanted.agent);
  EXPECT_EQ(seen.client, wanted.client);
  EXPECT_EQ(seen.instance, instance_);
  EXPECT_EQ(seen.generation, 7);
  EXPECT_EQ(seen.image, kTinyReference);
  EXPECT_EQ(seen.state, ContainerState::kCreated);
  EXPECT_EQ(seen.pid, 0);
  EXPECT_TRUE(seen.created_at);
  EXPECT_FALSE(seen.started_at);
  ASSERT_TRUE(run(io_, runtime().start(*id)));
  seen = inspect(*id);
  EXPECT_EQ(seen.state, ContainerState::kRunning);
  EXPECT_GT(seen.pid, 0);
  EXPECT_TRUE(seen.started_at);
  EXPECT_FALSE(seen.finished_at);
}

TEST_P(RuntimeContract, NeverGivesOneAgentTwoContainers) {
  const auto wanted = spec({"/tiny", "run"});
  ASSERT_TRUE(run(io_, runtime().create(wanted)));
  const auto again = run(io_, runtime().create(wanted));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Code::kConflict);
}

TEST_P(RuntimeContract, RefusesAnImageThatIsNotThere) {
  auto wanted = spec({"/tiny", "run"});
  wanted.image = "deployclaw/absent:1";
  const auto created = run(io_, runtime().create(wanted));
  ASSERT_FALSE(created);
  EXPECT_EQ(created.error().code, Code::kNotFound);
  EXPECT_THAT(run(io_, runtime().list(instance_)).value(), IsEmpty());
}

TEST_P(RuntimeContract, StopsAndStartsAgainAndDoingSoTwiceIsFine) {
  const auto id = start(spec({"/tiny", "run"}));
  EXPECT_TRUE(run(io_, runtime().start(id)));
  const auto first_pid = inspect(id).pid;
  EXPECT_TRUE(run(io_, runtime().stop(id)));
  auto seen = inspect(id);
  EXPECT_EQ(seen.state, ContainerState::kExited);
  EXPECT_EQ(seen.exit_code, 143);
  EXPECT_EQ(seen.pid, 0);
  EXPECT_TRUE(seen.finished_at);
  EXPECT_TRUE(run(io_, runtime().stop(id)));
  EXPECT_TRUE(run(io_, runtime().kill(id)));
  ASSERT_TRUE(run(io_, runtime().start(id)));
  seen = inspect(id);
  EXPECT_EQ(seen.state, ContainerState::kRunning);
  EXPECT_NE(seen.pid, first_pid);
  EXPECT_TRUE(run(io_, runtime().kill(id)));
  seen = await_exit(id);
  EXPECT_EQ(seen.exit_code, 137);
  EXPECT_FALSE(seen.oom_killed);
}

TEST_P(RuntimeContract, ReportsAnExitOfItsOwn) {
  const auto id = start(spec({"/tiny", "exit", "42"}));
  EXPECT_EQ(await_exit(id).exit_code, 42);
}

TEST_P(RuntimeContract, RemovesWhateverTheStateAndAbsentIsFine) {
  const auto id = start(spec({"/tiny", "run"}));
  EXPECT_TRUE(run(io_, runtime().remove(id)));
  EXPECT_TRUE(run(io_, runtime().remove(id)));
  const auto gone = run(io_, runtime().inspect(id));
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, Code::kNotFound);
  for (const auto call :
       {&ContainerRuntime::start, &ContainerRuntime::stop, &ContainerRuntime::kill}) {
    const auto done = run(io_, (runtime().*call)(id));
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, Code::kNotFound);
  }
}

TEST_P(RuntimeContract, ListsOnlyItsOwnInstance) {
  const auto mine = start(spec({"/tiny", "run"}));
  auto foreign = spec({"/tiny", "run"});
  foreign.instance = instance_ + "-other";
  const auto theirs = run(io_, runtime().create(foreign));
  ASSERT_TRUE(theirs);
  const auto listed = run(io_, runtime().list(instance_)).value();
  ASSERT_EQ(listed.size(), 1U);
  EXPECT_EQ(listed[0].id, mine);
  EXPECT_EQ(listed[0].state, ContainerState::kRunning);
  EXPECT_GT(listed[0].pid, 0);
  EXPECT_TRUE(run(io_, runtime().remove(*theirs)));
}

TEST_P(RuntimeContract, GivesTheEndOfTheOutputInOrder) {
  const auto id = start(spec({"/tiny", "flood", "200"}));
  await_exit(id);
  const auto tail = run(io_, runtime().tail_logs(id, 50));
  ASSERT_TRUE(tail) << tail.error().message;
  ASSERT_EQ(tail->size(), 50U);
  EXPECT_EQ(tail->front().text, "line 150");
  EXPECT_EQ(tail->back().text, "line 199");
  EXPECT_FALSE(tail->back().is_stderr);
  EXPECT_GT(tail->back().at, Time{});
}

TEST_P(RuntimeContract, CleansTheOutputAndKeepsTheStreamsApart) {
  const auto id = start(spec({"/tiny", "say", "\x1B[31mred\x1B[2J \xFF", "trouble"}));
  auto stream = run(io_, runtime().follow_logs(id, 50));
  ASSERT_TRUE(stream) << stream.error().message;
  std::string out;
  std::string err;
  while (out.empty() || err.empty()) {
    const auto line = run(io_, (*stream)->next());
    ASSERT_TRUE(line);
    ASSERT_TRUE(*line);
    ((*line)->is_stderr ? err : out) = (*line)->text;
  }
  // The engine itself replaces bytes that are not UTF-8 when it stores them.
  EXPECT_EQ(out, "\x1B[31mred \uFFFD");
  EXPECT_EQ(err, "trouble");
  ASSERT_TRUE(run(io_, runtime().stop(id)));
  const auto end = run(io_, (*stream)->next());
  ASSERT_TRUE(end);
  EXPECT_FALSE(*end);
}

TEST_P(RuntimeContract, TellsEventsAsTheyHappenAndFromThePast) {
  const auto before = SystemClock().now() - std::chrono::seconds(1);
  auto live = run(io_, runtime().events(instance_, std::nullopt));
  ASSERT_TRUE(live) << live.error().message;
  const auto wanted = spec({"/tiny", "run"});
  const auto id = start(wanted);
  subject_->make_fall(id);
  await_exit(id);
  ASSERT_TRUE(run(io_, runtime().remove(id)));
  auto past = run(io_, runtime().events(instance_, before));
  ASSERT_TRUE(past) << past.error().message;
  for (auto* stream : {&*live, &*past}) {
    std::vector<EventKind> kinds;
    while (kinds.size() < 4) {
      const auto event = run(io_, (*stream)->next());
      ASSERT_TRUE(event) << event.error().message;
      ASSERT_TRUE(*event);
      EXPECT_EQ((*event)->id, id);
      EXPECT_EQ((*event)->agent, wanted.agent);
      if ((*event)->kind == EventKind::kExited) {
        EXPECT_EQ((*event)->exit_code, 3);
      }
      EXPECT_GE((*event)->at, before);
      kinds.push_back((*event)->kind);
    }
    EXPECT_THAT(kinds, ElementsAre(EventKind::kCreated, EventKind::kStarted, EventKind::kExited,
                                   EventKind::kRemoved));
  }
}

TEST_P(RuntimeContract, RunsCommandsAsTheAgentsUserOnAReadOnlyRoot) {
  const auto id = start(spec({"/tiny", "run"}));
  const auto who = run(io_, runtime().exec(id, {"/tiny", "id"}, 1000));
  ASSERT_TRUE(who) << who.error().message;
  EXPECT_EQ(who->output, "uid 10001 gid 10001 root read-only\n");
  EXPECT_EQ(who->exit_code, 0);
  EXPECT_EQ(run(io_, runtime().exec(id, {"/tiny", "exit", "5"}, 10)).value().exit_code, 5);
  EXPECT_LE(run(io_, runtime().exec(id, {"/tiny", "id"}, 8)).value().output.size(), 8U);
  ASSERT_TRUE(run(io_, runtime().stop(id)));
  const auto stopped = run(io_, runtime().exec(id, {"/tiny", "id"}, 10));
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, Code::kConflict);
}

}  // namespace
}  // namespace deployclaw::docker
