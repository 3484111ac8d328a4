// The whole orchestrator on a real database, with engine, network, volumes and probes in memory.
#include "orchestrator/orchestrator.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "crypto/certificates.hpp"
#include "net/testing/run_task.hpp"
#include "orchestrator/testing/rig.hpp"

namespace deployclaw::orchestrator {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Rig;

class OrchestratorTest : public ::testing::Test {
 protected:
  AgentId running(const std::string& name) {
    const auto agent = rig.customer.create(name);
    EXPECT_TRUE(rig.until([&] { return rig.customer.status(agent) == "running"; }))
        << rig.customer.status(agent) << " " << rig.customer.reason(agent);
    return agent;
  }
  std::string container(AgentId agent) {
    return rig.customer.ask("SELECT container_id FROM agents WHERE id = '" + agent.to_string() +
                            "'");
  }
  std::string observed(AgentId agent, const std::string& column) {
    return rig.customer.ask("SELECT " + column + " FROM agent_observations WHERE agent_id = '" +
                            agent.to_string() + "'");
  }
  std::string audited(const std::string& type) {
    return rig.customer.ask("SELECT count(*) FROM audit_logs WHERE action_type = '" + type + "'");
  }
  Rig rig;
};

TEST_F(OrchestratorTest, DeploysAnAgentAndTellsEachStep) {
  rig.start();
  const auto agent = running("a");
  EXPECT_EQ(rig.customer.deployment(agent), "live");
  const auto steps = rig.customer.deployment(agent, "steps");
  for (const char* step : {"image", "volume", "config", "create", "start", "network", "verify"}) {
    EXPECT_THAT(steps, HasSubstr(std::string("\"name\": \"") + step + "\""));
  }
  EXPECT_THAT(steps, ::testing::Not(HasSubstr("\"endedAt\": null")));
  EXPECT_EQ(rig.runtime.size(), 1u);
  EXPECT_EQ(rig.network.wired.size(), 1u);
  EXPECT_EQ(rig.volumes.configs.at(agent).at("gatewayToken").as_string().size(), 43u);
  EXPECT_EQ(audited("agent_deployed"), "1");
  const auto spec = rig.runtime.spec_of(container(agent));
  ASSERT_TRUE(spec);
  EXPECT_EQ(spec->hostname.size(), 18u);
  EXPECT_EQ(spec->mounts.at(0).target, "/state");
}

TEST_F(OrchestratorTest, AgentsOfAClientBelieveItsOneAuthority) {
  rig.start();
  const auto first = running("a");
  const auto second = running("b");
  const auto stored = rig.customer.ask("SELECT certificate FROM client_authorities");
  EXPECT_TRUE(stored.starts_with("-----BEGIN CERTIFICATE-----"));
  EXPECT_EQ(rig.volumes.certificates.at(first), rig.volumes.certificates.at(second));
  EXPECT_THAT(rig.volumes.certificates.at(first), HasSubstr(stored));
  EXPECT_EQ(rig.volumes.certificates.at(first).find("PRIVATE"), std::string::npos);
  const auto spec = rig.runtime.spec_of(container(first));
  ASSERT_TRUE(spec);
  const auto& bundle = spec->mounts.at(1);
  EXPECT_EQ(bundle.source, rig.volumes.ca_bundle(first).string());
  EXPECT_EQ(bundle.target, "/etc/deployclaw/ca-bundle.pem");
  EXPECT_TRUE(bundle.read_only);
  for (const char* name : {"NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE",
                           "CURL_CA_BUNDLE", "GIT_SSL_CAINFO"}) {
    EXPECT_THAT(spec->environment,
                ::testing::Contains(::testing::Pair(name, "/etc/deployclaw/ca-bundle.pem")));
  }
  // The key opens for the client, and is the certificate's.
  const auto sealed =
      boost::json::parse(rig.customer.ask("SELECT encrypted FROM client_authorities"));
  auto whose = vault::client_ca_context(rig.customer.client(), Bytes(32, 0xab));
  boost::asio::io_context io;
  const auto key = net::testing::run_task(io, rig.vault.open(std::move(whose), sealed.as_object()));
  ASSERT_TRUE(key) << key.error().message;
  EXPECT_TRUE(crypto::LeafMinter::create(stored, *key));
}

TEST_F(OrchestratorTest, HealthIsObserved) {
  rig.start();
  const auto agent = running("a");
  EXPECT_TRUE(rig.until([&] { return observed(agent, "health") == "healthy"; }));
  EXPECT_THAT(observed(agent, "checks"), HasSubstr("/readyz answered 200"));
  EXPECT_NE(observed(agent, "address"), "");
}

TEST_F(OrchestratorTest, AMissingImageFailsWithTheRemedyAndHealsWhenItIsBuilt) {
  std::filesystem::remove(rig.home / "images" / "probe.json");
  rig.start();
  const auto agent = rig.customer.create("a");
  ASSERT_TRUE(rig.until([&] { return rig.customer.status(agent) == "error"; }));
  EXPECT_EQ(rig.customer.deployment(agent), "failed");
  EXPECT_THAT(rig.customer.reason(agent),
              HasSubstr("is not built on this host: run `deployclaw image build probe`"));
  EXPECT_EQ(audited("deployment_failed"), "1");
  rig.build_image();
  EXPECT_TRUE(rig.until([&] { return rig.customer.status(agent) == "running"; }));
}

TEST_F(OrchestratorTest, AnExitAtOnceFailsWithCodeAndOutput) {
  rig.runtime.set_on_start([&](const std::string& id, const docker::ContainerSpec&) {
    rig.runtime.write_log(id, "cannot read my config\n", true);
    rig.runtime.exit(id, 78);
  });
  rig.start();
  const auto agent = rig.customer.create("a");
  ASSERT_TRUE(rig.until([&] { return rig.customer.status(agent) == "error"; }));
  EXPECT_EQ(rig.customer.deployment(agent, "exit_code"), "78");
  EXPECT_THAT(rig.customer.deployment(agent, "last_output"), HasSubstr("cannot read my config"));
  EXPECT_THAT(rig.customer.deployment(agent, "reason"), HasSubstr("exited with code 78"));
  EXPECT_TRUE(rig.until([&] { return rig.runtime.size() == 0; }));
  EXPECT_TRUE(rig.network.wired.empty());
}

TEST_F(OrchestratorTest, ColoursAreStoredAndNotInTheLastOutput) {
  rig.runtime.set_on_start([&](const std::string& id, const docker::ContainerSpec&) {
    rig.runtime.write_log(id, "\x1B[1;31mcannot\x1B[0m read\x1B[2J my config\n", true);
    rig.runtime.exit(id, 78);
  });
  rig.start();
  const auto agent = rig.customer.create("a");
  ASSERT_TRUE(rig.until([&] { return rig.customer.status(agent) == "error"; }));
  EXPECT_EQ(rig.customer.deployment(agent, "last_output"), "cannot read my config\n");
  EXPECT_THAT(rig.customer.deployment(agent, "reason"), Not(HasSubstr("\x1B")));
  EXPECT_THAT(rig.customer.reason(agent), Not(HasSubstr("\x1B")));
  EXPECT_TRUE(rig.until([&] {
    return rig.customer.ask("SELECT line FROM agent_output LIMIT 1") ==
           "\x1B[1;31mcannot\x1B[0m read my config";
  }));
}

TEST_F(OrchestratorTest, AnAgentThatNeverGetsReadyFailsAtItsDeadline) {
  auto runtime = testing::quick_runtime();
  runtime.deadline = 1s;
  rig.catalogue = runtimes::Catalogue::of({runtime});
  rig.prober.ready = false;
  rig.start();
  const auto agent = rig.customer.create("a");
  ASSERT_TRUE(rig.until([&] { return rig.customer.status(agent) == "error"; }));
  EXPECT_THAT(rig.customer.reason(agent), HasSubstr("/readyz answered 503"));
}

TEST_F(OrchestratorTest, AFailedUpdateBringsThePreviousGenerationBack) {
  rig.start();
  const auto agent = running("a");
  rig.runtime.set_on_start([&](const std::string& id, const docker::ContainerSpec& spec) {
    if (spec.generation == 2) rig.runtime.exit(id, 1);
  });
  rig.customer.deploy(agent, "update", "{\"x\": 1}");
  ASSERT_TRUE(rig.until([&] { return rig.customer.deployment(agent) == "rolled_back"; }));
  EXPECT_THAT(rig.customer.deployment(agent, "reason"), HasSubstr("exited with code 1"));
  EXPECT_EQ(rig.customer.deployment(agent, "exit_code"), "1");
  EXPECT_TRUE(rig.until([&] { return rig.customer.status(agent) == "running"; }));
  EXPECT_EQ(rig.runtime.spec_of(container(agent))->generation, 1);
  EXPECT_FALSE(rig.volumes.configs.at(agent).contains("x"));
  EXPECT_EQ(rig.runtime.size(), 1u);
}

TEST_F(OrchestratorTest, AnAgentSeesOfItsVolumeWhatItsScopesSay) {
  rig.start();
  const auto agent = running("a");
  const auto source = [&] { return rig.runtime.spec_of(container(agent))->mounts.at(0).source; };
  const auto permit = [&](const std::string& permissions) {
    rig.customer.ask("UPDATE agents SET permissions = '" + permissions + "' WHERE id = '" +
                     agent.to_string() + "'");
    const auto before = container(agent);
    rig.customer.deploy(agent, "update");
    return rig.until([&] {
      const auto now = container(agent);
      return now != before && !now.empty() && rig.customer.deployment(agent) != "cancelled" &&
             rig.customer.status(agent) == "running";
    });
  };
  EXPECT_THAT(source(), ::testing::StartsWith("/view/")) << "no file scope";
  EXPECT_EQ(rig.volumes.views.at(agent).back().access, domain::StateAccess::kNone);
  EXPECT_EQ(rig.volumes.views.at(agent).back().memory_bytes, 16U << 20) << "half of its memory";

  ASSERT_TRUE(permit(R"({"scopes": ["files:write"]})"));
  EXPECT_THAT(source(), ::testing::StartsWith("/nowhere/"));
  ASSERT_TRUE(permit(R"({"scopes": ["files:read"]})"));
  EXPECT_THAT(source(), ::testing::StartsWith("/view/"));
  EXPECT_EQ(rig.volumes.views.at(agent).back().access, domain::StateAccess::kRead);

  // Afresh at each start.
  const auto refreshed = rig.volumes.views.at(agent).size();
  rig.customer.deploy(agent, "restart");
  EXPECT_TRUE(rig.until([&] { return rig.volumes.views.at(agent).size() > refreshed; }));
}

TEST_F(OrchestratorTest, ARollbackDoesNotBringBackFilesThatWereTakenAway) {
  rig.start();
  const auto agent = running("a");
  const auto id = "'" + agent.to_string() + "'";
  rig.customer.ask(R"(UPDATE agents SET permissions = '{"scopes": ["files:write"]}' WHERE id = )" +
                   id);
  rig.customer.deploy(agent, "update");
  ASSERT_TRUE(rig.until([&] {
    return rig.customer.deployment(agent) == "live" && rig.customer.status(agent) == "running" &&
           rig.runtime.spec_of(container(agent)) &&
           rig.runtime.spec_of(container(agent))->mounts.at(0).source.starts_with("/nowhere/");
  }));
  rig.runtime.set_on_start([&](const std::string& started, const docker::ContainerSpec& spec) {
    if (spec.generation == 3) rig.runtime.exit(started, 1);
  });
  rig.customer.ask(R"(UPDATE agents SET permissions = '{"scopes": []}' WHERE id = )" + id);
  rig.customer.deploy(agent, "update");
  ASSERT_TRUE(rig.until([&] { return rig.customer.deployment(agent) == "rolled_back"; }));
  const auto spec = rig.runtime.spec_of(container(agent));
  ASSERT_TRUE(spec);
  EXPECT_EQ(spec->generation, 2);
  EXPECT_THAT(spec->mounts.at(0).source, ::testing::StartsWith("/view/"));
}

TEST_F(OrchestratorTest, AnUpdateReplacesTheContainerAndARestartToo) {
  rig.start();
  const auto agent = running("a");
  const auto first = container(agent);
  rig.customer.deploy(agent, "update", "{\"x\": 1}");
  ASSERT_TRUE(rig.until([&] {
    return rig.customer.deployment(agent) == "live" && rig.customer.status(agent) == "running";
  }));
  const auto second = container(agent);
  EXPECT_NE(second, first);
  EXPECT_EQ(rig.runtime.spec_of(second)->generation, 2);
  rig.customer.deploy(agent, "restart");
  ASSERT_TRUE(rig.until([&] {
    return rig.customer.deployment(agent) == "live" && rig.customer.status(agent) == "running";
  }));
  EXPECT_NE(container(agent), second);
  EXPECT_EQ(rig.runtime.size(), 1u);
}

TEST_F(OrchestratorTest, StopAndStartKeepTheVolume) {
  rig.start();
  const auto agent = running("a");
  rig.customer.want(agent, "stopped");
  ASSERT_TRUE(rig.until([&] { return rig.customer.status(agent) == "stopped"; }));
  EXPECT_EQ(rig.runtime.size(), 0u);
  EXPECT_TRUE(rig.network.wired.empty());
  EXPECT_TRUE(rig.volumes.volumes.contains(agent));
  rig.customer.deploy(agent, "start");
  EXPECT_TRUE(rig.until([&] { return rig.customer.status(agent) == "running"; }));
}

TEST_F(OrchestratorTest, ADeletedAgentLeavesNothingBehind) {
  rig.start();
  const auto agent = running("a");
  rig.customer.want(agent, "deleted");
  ASSERT_TRUE(rig.until([&] { return !rig.customer.exists(agent); }));
  EXPECT_EQ(rig.runtime.size(), 0u);
  EXPECT_TRUE(rig.network.wired.empty());
  EXPECT_TRUE(rig.volumes.volumes.empty());
  EXPECT_TRUE(rig.volumes.certificates.empty());
  EXPECT_EQ(audited("agent_removed"), "1");
}

TEST_F(OrchestratorTest, ACrashIsRestartedWithBackoffAndCounted) {
  rig.start();
  const auto agent = running("a");
  rig.runtime.exit(container(agent), 3);
  EXPECT_TRUE(rig.until([&] {
    return observed(agent, "restarts") == "1" && rig.customer.status(agent) == "running";
  }));
  EXPECT_EQ(audited("agent_restarted"), "1");
  EXPECT_EQ(rig.network.wired.size(), 1u);
}

TEST_F(OrchestratorTest, ACrashLoopOpensTheCircuitAndADeploymentClosesIt) {
  rig.start();
  const auto agent = running("a");
  rig.runtime.set_on_start(
      [&](const std::string& id, const docker::ContainerSpec&) { rig.runtime.exit(id, 9); });
  rig.runtime.exit(container(agent), 9);
  ASSERT_TRUE(rig.until([&] { return rig.customer.status(agent) == "error"; }));
  EXPECT_THAT(rig.customer.reason(agent), HasSubstr("given up after 10 restarts"));
  EXPECT_EQ(observed(agent, "restarts"), "10");
  EXPECT_EQ(audited("circuit_opened"), "1");
  rig.runtime.set_on_start([](const std::string&, const docker::ContainerSpec&) {});
  rig.customer.deploy(agent, "restart");
  EXPECT_TRUE(rig.until([&] { return rig.customer.status(agent) == "running"; }));
}

TEST_F(OrchestratorTest, AnAgentThatStopsAnsweringIsRestarted) {
  rig.start();
  const auto agent = running("a");
  rig.prober.alive = false;
  ASSERT_TRUE(rig.until([&] { return observed(agent, "restarts") >= "1"; }));
  rig.prober.alive = true;
  EXPECT_TRUE(rig.until([&] { return rig.customer.status(agent) == "running"; }));
}

TEST_F(OrchestratorTest, NothingStartsWhileTheNetworkIsNotProtected) {
  rig.network.ready = false;
  rig.start();
  const auto agent = rig.customer.create("a");
  ASSERT_TRUE(rig.until([&] { return rig.runtime.size() == 1; }));
  ASSERT_TRUE(rig.until([&] {
    return rig.customer.reason(agent) == "waiting: the agents' network is not protected";
  }));
  rig.run_for(300ms);
  for (const auto& call : rig.runtime.calls())
    EXPECT_THAT(call, ::testing::Not(HasSubstr("start")));
  rig.network.ready = true;
  EXPECT_TRUE(rig.until([&] { return rig.customer.status(agent) == "running"; }));
}

TEST_F(OrchestratorTest, AFullDiskFailsTheDeploymentAndHeals) {
  rig.volumes.disk_full = true;
  rig.start();
  const auto agent = rig.customer.create("a");
  ASSERT_TRUE(rig.until([&] { return rig.customer.status(agent) == "error"; }));
  EXPECT_THAT(rig.customer.reason(agent), HasSubstr("the disk is full"));
  rig.volumes.disk_full = false;
  // The second try comes with a pause; a new process has none.
  rig.stop();
  rig.start();
  EXPECT_TRUE(rig.until([&] { return rig.customer.status(agent) == "running"; }));
}

TEST_F(OrchestratorTest, AnEngineThatIsAwayIsWaitedForAndToldOf) {
  rig.runtime.break_with(Error{.code = Code::kUnavailable, .message = "Docker does not answer"});
  rig.start();
  const auto agent = rig.customer.create("a");
  ASSERT_TRUE(
      rig.until([&] { return rig.customer.reason(agent) == "waiting: Docker does not answer"; }));
  EXPECT_EQ(rig.customer.status(agent), "provisioning");
  rig.runtime.break_with(std::nullopt);
  EXPECT_TRUE(rig.until([&] { return rig.customer.status(agent) == "running"; }));
}

TEST_F(OrchestratorTest, AVaultThatIsAwayIsWaitedFor) {
  rig.vault.set_down(true);
  rig.start();
  const auto agent = rig.customer.create("a");
  ASSERT_TRUE(rig.until([&] { return rig.customer.reason(agent).starts_with("waiting: "); }));
  EXPECT_EQ(rig.runtime.size(), 0u);
  rig.vault.set_down(false);
  EXPECT_TRUE(rig.until([&] { return rig.customer.status(agent) == "running"; }));
}

TEST_F(OrchestratorTest, TroubleOfOneDeploymentDoesNotCountAgainstTheNext) {
  rig.config.rules.patience = 3s;
  rig.start();
  const auto agent = running("a");
  rig.vault.set_down(true);
  rig.customer.deploy(agent, "update", "{\"x\": 1}");
  ASSERT_TRUE(rig.until([&] { return rig.customer.reason(agent).starts_with("waiting: "); }));
  rig.customer.want(agent, "stopped");
  ASSERT_TRUE(rig.until([&] { return rig.customer.status(agent) == "stopped"; }));
  rig.run_for(3s);  // longer than the patience, had it gone on
  rig.vault.set_down(false);
  rig.customer.deploy(agent, "update", "{\"x\": 2}");
  ASSERT_TRUE(rig.until([&] {
    const auto state = rig.customer.deployment(agent);
    return state == "live" || state == "failed" || state == "rolled_back";
  }));
  EXPECT_EQ(rig.customer.deployment(agent), "live");
}

TEST_F(OrchestratorTest, ANewProcessAdoptsWhatRunsWithoutTouchingIt) {
  rig.start();
  const auto agent = running("a");
  const auto calls = rig.runtime.calls().size();
  const auto before = container(agent);
  rig.stop(true);
  rig.start();
  ASSERT_TRUE(rig.until([&] { return rig.orchestrator().passes() >= 2; }));
  rig.run_for(200ms);
  EXPECT_EQ(container(agent), before);
  EXPECT_EQ(rig.customer.status(agent), "running");
  const auto after = rig.runtime.calls();
  for (std::size_t i = calls; i < after.size(); ++i) {
    EXPECT_THAT(after[i], ::testing::Not(::testing::AnyOf(HasSubstr("start"), HasSubstr("stop"),
                                                          HasSubstr("create"))));
  }
}

TEST_F(OrchestratorTest, TheDatabaseMayGoAndComeBack) {
  rig.start();
  const auto agent = running("a");
  db::testing::Postgres::shared().kill();
  rig.run_for(300ms);
  db::testing::Postgres::shared().start();
  const auto second = rig.customer.create("b");
  EXPECT_TRUE(rig.until([&] { return rig.customer.status(second) == "running"; }));
  EXPECT_EQ(rig.customer.status(agent), "running");
}

TEST_F(OrchestratorTest, OutputIsCollectedOnceAcrossRestarts) {
  rig.start();
  const auto agent = running("a");
  for (int i = 0; i < 50; ++i)
    rig.runtime.write_log(container(agent), "line " + std::to_string(i) + "\n");
  const std::string count =
      "SELECT count(*) || '/' || count(DISTINCT line) FROM agent_output WHERE line LIKE 'line %'";
  EXPECT_TRUE(rig.until([&] { return rig.customer.ask(count) == "50/50"; }))
      << rig.customer.ask(count);
  rig.stop(true);
  rig.start();
  ASSERT_TRUE(rig.until([&] { return rig.orchestrator().passes() >= 1; }));
  rig.runtime.write_log(container(agent), "line 50\n");
  EXPECT_TRUE(rig.until([&] { return rig.customer.ask(count) == "51/51"; }))
      << rig.customer.ask(count);
}

TEST_F(OrchestratorTest, OnlyOneProcessWorksForAHost) {
  rig.start();
  running("a");
  rig.customer.ask(
      "UPDATE leases SET owner = 'somebody else', expires_at = now() + interval '1 hour'");
  EXPECT_TRUE(rig.until([&] { return !rig.orchestrator().leads(); }));
  const auto second = rig.customer.create("b");
  rig.run_for(500ms);
  EXPECT_EQ(rig.customer.deployment(second), "queued");
  rig.customer.ask("UPDATE leases SET expires_at = now() - interval '1 second'");
  EXPECT_TRUE(rig.until([&] { return rig.customer.status(second) == "running"; }));
}

}  // namespace
}  // namespace deployclaw::orchestrator
