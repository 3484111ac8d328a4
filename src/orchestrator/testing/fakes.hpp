#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "orchestrator/drop_reporter.hpp"
#include "orchestrator/network.hpp"
#include "orchestrator/prober.hpp"
#include "orchestrator/volumes.hpp"

namespace deployclaw::orchestrator::testing {

// The edges in memory, with what a test may turn and look at.
class FakeNetwork final : public Network {
 public:
  Task<NetworkSeen> look() override;
  std::string interface_of(Ipv4 address) const override { return "dca" + address.to_string(); }
  Task<Status> attach(Ipv4 address, pid_t pid) override;
  Task<Result<bool>> is_attached(Ipv4 address, pid_t pid) override;
  Task<Status> detach(std::string interface) override;

  bool ready = true;
  std::map<std::string, std::pair<Ipv4, pid_t>> wired;
};

class FakeDrops final : public DropSource {
 public:
  Task<Result<std::vector<linux::DroppedPacket>>> next() override;
  void close() override {}
  // `count` packets over UDP, as the firewall would drop them.
  void drop(const std::string& interface, const std::string& destination, std::uint16_t port,
            int count = 1);

 private:
  std::vector<linux::DroppedPacket> pending_;
};

class FakeVolumes final : public Volumes {
 public:
  Task<Result<std::map<AgentId, VolumeSeen>>> look() override;
  Task<Status> ensure(AgentId agent, std::uint64_t bytes, uid_t uid, gid_t gid) override;
  Task<Status> refresh_view(StateWish wish) override;
  Task<Status> remove(AgentId agent) override;
  Task<Status> write_config(ConfigWrite write) override;
  Task<Status> write_ca_bundle(AgentId agent, std::string client_certificate) override;
  std::filesystem::path mountpoint(AgentId agent, domain::StateAccess access) const override {
    return (access == domain::StateAccess::kWrite ? "/nowhere/" : "/view/") + agent.to_string();
  }
  std::filesystem::path ca_bundle(AgentId agent) const override {
    return "/nowhere/" + agent.to_string() + ".pem";
  }

  bool disk_full = false;
  std::map<AgentId, VolumeSeen> volumes;
  std::map<AgentId, std::vector<StateWish>> views;  // each refresh
  std::map<AgentId, boost::json::object> configs;
  std::map<AgentId, std::string> certificates;  // what was added to each agent's bundle
};

class FakeProber final : public Prober {
 public:
  explicit FakeProber(const Clock& clock) : clock_(clock) {}
  Task<std::vector<CheckResult>> probe(runtimes::Probe probe, std::string address) override;

  bool alive = true;
  bool ready = true;
  std::size_t rounds = 0;

 private:
  const Clock& clock_;
};

}  // namespace deployclaw::orchestrator::testing
