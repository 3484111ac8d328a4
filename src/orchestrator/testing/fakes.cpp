#include "orchestrator/testing/fakes.hpp"

namespace deployclaw::orchestrator::testing {

Task<NetworkSeen> FakeNetwork::look() {
  NetworkSeen seen;
  seen.ready = ready;
  if (!ready) {
    seen.trouble = "the agents' network is not protected";
    co_return seen;
  }
  for (const auto& [interface, wire] : wired) {
    seen.admitted.emplace(interface, wire.first);
    seen.links.insert(interface);
  }
  co_return seen;
}

Task<Status> FakeNetwork::attach(Ipv4 address, pid_t pid) {
  if (!ready) co_return fail(Code::kInternal, "attached without protection");
  wired[interface_of(address)] = {address, pid};
  co_return Status{};
}

Task<Result<bool>> FakeNetwork::is_attached(Ipv4 address, pid_t pid) {
  const auto found = wired.find(interface_of(address));
  co_return found != wired.end() && found->second.second == pid;
}

Task<Status> FakeNetwork::detach(std::string interface) {
  wired.erase(interface);
  co_return Status{};
}

Task<Result<std::vector<linux::DroppedPacket>>> FakeDrops::next() {
  while (pending_.empty()) {
    const bool slept = co_await sleep_for(std::chrono::milliseconds(5));
    if (!slept) co_return fail(Code::kCancelled, "cancelled");
  }
  co_return std::exchange(pending_, {});
}

void FakeDrops::drop(const std::string& interface, const std::string& destination,
                     std::uint16_t port, int count) {
  linux::DroppedPacket dropped{.reason = "host", .interface = interface, .packet = {}};
  dropped.packet.destination = boost::asio::ip::make_address(destination);
  dropped.packet.destination_port = port;
  dropped.packet.protocol = 17;
  for (int i = 0; i < count; ++i) pending_.push_back(dropped);
}

Task<Result<std::map<AgentId, VolumeSeen>>> FakeVolumes::look() { co_return volumes; }

Task<Status> FakeVolumes::ensure(AgentId agent, std::uint64_t /*bytes*/, uid_t /*uid*/,
                                 gid_t /*gid*/) {
  if (disk_full) co_return fail(Code::kUnavailable, "the disk is full: 0 bytes are free");
  volumes[agent].mounted = true;
  co_return Status{};
}

Task<Status> FakeVolumes::refresh_view(StateWish wish) {
  views[wish.agent].push_back(wish);
  co_return Status{};
}

Task<Status> FakeVolumes::remove(AgentId agent) {
  volumes.erase(agent);
  certificates.erase(agent);
  co_return Status{};
}

Task<Status> FakeVolumes::write_config(ConfigWrite write) {
  if (!volumes[write.agent].mounted) co_return fail(Code::kInternal, "not mounted");
  configs[write.agent] = std::move(write.config);
  co_return Status{};
}

Task<Status> FakeVolumes::write_ca_bundle(AgentId agent, std::string client_certificate) {
  certificates[agent] = std::move(client_certificate);
  co_return Status{};
}

Task<std::vector<CheckResult>> FakeProber::probe(runtimes::Probe /*probe*/,
                                                 std::string /*address*/) {
  ++rounds;
  const Time now = clock_.now();
  std::vector<CheckResult> results;
  results.push_back({"live", alive, alive ? "/healthz answered 200" : "no answer in time", now});
  results.push_back({"started", alive, "/startupz", now});
  results.push_back({"ready", alive && ready,
                     alive && ready ? "/readyz answered 200" : "/readyz answered 503", now});
  co_return results;
}

}  // namespace deployclaw::orchestrator::testing
