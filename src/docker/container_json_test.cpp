#include "docker/container_json.hpp"

#include <gmock/gmock.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <functional>
#include <limits>

#include "docker/json_values.hpp"

namespace deployclaw::docker {
namespace {

namespace json = boost::json;
using ::testing::HasSubstr;
using ::testing::Not;

ContainerSpec make_spec() {
  ContainerSpec spec;
  spec.agent = AgentId::parse("0f000000-0000-4000-8000-000000000001").value();
  spec.client = ClientId::parse("0f000000-0000-4000-8000-000000000002").value();
  spec.instance = "platform";
  spec.generation = 3;
  spec.image = "deployclaw/probe:1";
  spec.hostname = "agent-0f0000000000";
  spec.resources.memory_bytes = 64 << 20;
  return spec;
}

std::string body_of(const ContainerSpec& spec) {
  const auto body = to_create_body(spec);
  EXPECT_TRUE(body) << body.error().message;
  return body ? json::serialize(*body) : std::string();
}

TEST(CreateBody, LocksTheBox) {
  const auto spec = make_spec();
  const json::value body = to_create_body(spec).value();
  EXPECT_EQ(string_at(body, "User"), "10001:10001");
  EXPECT_EQ(string_at(body, {"HostConfig", "NetworkMode"}), "none");
  EXPECT_TRUE(bool_at(body, {"HostConfig", "ReadonlyRootfs"}));
  const auto masked = json::serialize(body.at("HostConfig").at("MaskedPaths"));
  EXPECT_THAT(masked, ::testing::HasSubstr("/proc/pressure"));
  EXPECT_THAT(masked, ::testing::HasSubstr("/proc/kcore"));
  EXPECT_TRUE(bool_at(body, {"HostConfig", "Init"}));
  EXPECT_FALSE(bool_at(body, {"HostConfig", "Privileged"}));
  EXPECT_EQ(json::serialize(*find_at(body, {"HostConfig", "CapDrop"})), R"(["ALL"])");
  // Only this: an entry for seccomp would replace the engine's default profile.
  EXPECT_EQ(json::serialize(*find_at(body, {"HostConfig", "SecurityOpt"})),
            R"(["no-new-privileges:true"])");
  EXPECT_EQ(string_at(body, {"HostConfig", "RestartPolicy", "Name"}), "no");
  EXPECT_EQ(integer_at(body, {"HostConfig", "Memory"}), 64 << 20);
  EXPECT_EQ(integer_at(body, {"HostConfig", "MemorySwap"}), 64 << 20);
  EXPECT_EQ(integer_at(body, {"HostConfig", "NanoCpus"}), 1'000'000'000);
  EXPECT_EQ(integer_at(body, {"HostConfig", "PidsLimit"}), 256);
  for (const auto* key : {"CapAdd", "Devices", "Binds", "PortBindings", "PidMode", "UTSMode"}) {
    EXPECT_EQ(find_at(body, {"HostConfig", key}), nullptr) << key;
  }
}

TEST(CreateBody, SaysWhoseContainerItIs) {
  const auto labels = map_at(json::value(to_create_body(make_spec()).value()), {"Labels"});
  EXPECT_EQ(labels.at(kAgentLabel), "0f000000-0000-4000-8000-000000000001");
  EXPECT_EQ(labels.at(kClientLabel), "0f000000-0000-4000-8000-000000000002");
  EXPECT_EQ(labels.at(kGenerationLabel), "3");
  EXPECT_EQ(labels.at(kInstanceLabel), "platform");
}

TEST(CreateBody, MountsTmpfsWithoutExecUnlessAsked) {
  auto spec = make_spec();
  spec.tmpfs = {{"/tmp", 1024, false}, {"/run", 2048, true}};
  const auto body = body_of(spec);
  EXPECT_THAT(body, HasSubstr(R"("/tmp":"rw,noexec,nosuid,nodev,size=1024,mode=1777")"));
  EXPECT_THAT(body, HasSubstr(R"("/run":"rw,exec,nosuid,nodev,size=2048,mode=1777")"));
}

TEST(CreateBody, KeepsHostileTextInItsPlace) {
  auto spec = make_spec();
  spec.hostname = "a\"},\"HostConfig\":{\"Privileged\":true";
  spec.labels["note"] = "\"}\n";
  const auto parsed = json::parse(body_of(spec));
  EXPECT_EQ(string_at(parsed, "Hostname"), spec.hostname);
  EXPECT_FALSE(bool_at(parsed, {"HostConfig", "Privileged"}));
}

TEST(CreateBody, RefusesSpecsThatCannotBeRight) {
  const std::vector<std::function<void(ContainerSpec&)>> mistakes = {
      [](ContainerSpec& s) { s.agent = {}; },
      [](ContainerSpec& s) { s.client = {}; },
      [](ContainerSpec& s) { s.image.clear(); },
      [](ContainerSpec& s) { s.instance.clear(); },
      [](ContainerSpec& s) { s.resources.memory_bytes = 1024; },
      [](ContainerSpec& s) { s.resources.cpus = 0; },
      [](ContainerSpec& s) { s.resources.cpus = std::numeric_limits<double>::quiet_NaN(); },
      [](ContainerSpec& s) { s.resources.pids = -1; },  // the engine's "no limit"
      [](ContainerSpec& s) { s.mounts = {{"state", "/state", false}}; },
      [](ContainerSpec& s) { s.tmpfs = {{"/tmp", 0, false}}; },
      [](ContainerSpec& s) { s.environment = {{"A=B", "x"}}; },
      [](ContainerSpec& s) { s.environment = {{"A", std::string("x\0y", 3)}}; },
      [](ContainerSpec& s) { s.labels["io.deployclaw.agent"] = "other"; },
  };
  for (std::size_t i = 0; i < mistakes.size(); ++i) {
    auto spec = make_spec();
    mistakes[i](spec);
    const auto body = to_create_body(spec);
    ASSERT_FALSE(body) << i;
    EXPECT_EQ(body.error().code, Code::kInvalid);
  }
}

TEST(Observed, ReadsAStoppedContainer) {
  const auto seen = to_observed(json::parse(R"({
    "Id": "abc", "Image": "sha256:1", "Created": "2026-11-24T20:00:00.123456789Z",
    "State": {"Status": "exited", "Pid": 0, "ExitCode": 137, "OOMKilled": true, "Error": "",
              "StartedAt": "2026-11-24T20:00:01Z", "FinishedAt": "2026-11-24T20:00:02Z"},
    "Config": {"Image": "probe:1", "Labels": {
      "io.deployclaw.agent": "0f000000-0000-4000-8000-000000000001",
      "io.deployclaw.generation": "12", "io.deployclaw.instance": "p"}}})"));
  EXPECT_EQ(seen.id, "abc");
  EXPECT_EQ(seen.state, ContainerState::kExited);
  EXPECT_EQ(seen.exit_code, 137);
  EXPECT_TRUE(seen.oom_killed);
  EXPECT_EQ(seen.generation, 12);
  EXPECT_EQ(seen.agent.to_string(), "0f000000-0000-4000-8000-000000000001");
  EXPECT_TRUE(seen.client.is_nil());
  EXPECT_EQ(*seen.finished_at - *seen.started_at, std::chrono::seconds(1));
}

TEST(Observed, TakesYearOneForNever) {
  const auto seen = to_observed(json::parse(
      R"({"Id": "a", "State": {"Status": "created", "StartedAt": "0001-01-01T00:00:00Z"}})"));
  EXPECT_EQ(seen.started_at, std::nullopt);
  EXPECT_EQ(seen.state, ContainerState::kCreated);
}

TEST(Event, ReadsADeath) {
  const auto event = to_event(json::parse(R"({"Type": "container", "Action": "die",
    "Actor": {"ID": "abc", "Attributes": {"exitCode": "3",
      "io.deployclaw.agent": "0f000000-0000-4000-8000-000000000001"}},
    "timeNano": 1764018000123456789})"));
  ASSERT_TRUE(event);
  EXPECT_EQ(event->kind, EventKind::kExited);
  EXPECT_EQ(event->exit_code, 3);
  EXPECT_EQ(event->id, "abc");
  EXPECT_EQ(event->at.time_since_epoch().count(), 1764018000123456);
  EXPECT_FALSE(to_event(json::parse("{}")));
  EXPECT_FALSE(to_event(json::parse("[1]")));
}

TEST(LogLines, TakeTheTimeOffAndCleanTheRest) {
  const auto line = to_log_line("2026-11-24T20:00:00.5Z \x1B[1mhello\x1B[0m \x1B[Kworld\r", true);
  EXPECT_EQ(line.text, "\x1B[1mhello\x1B[0m world");
  EXPECT_TRUE(line.is_stderr);
  EXPECT_EQ(format_time(line.at), "2026-11-24T20:00:00.500Z");
  EXPECT_EQ(to_log_line("no time here", false).text, "no time here");
  EXPECT_EQ(to_log_line("2026-11-24T20:00:00Z ", false).text, "");
}

}  // namespace
}  // namespace deployclaw::docker
