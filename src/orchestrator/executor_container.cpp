// The part of a run that touches the host: image, volume, config, container, network.
#include <boost/json/object.hpp>
#include <set>
#include <utility>

#include "audit/append.hpp"
#include "base/log.hpp"
#include "orchestrator/authority.hpp"
#include "orchestrator/executor.hpp"
#include "store/orchestrator_observations.hpp"

namespace deployclaw::orchestrator {

using namespace std::chrono_literals;

Task<Status> Run::load(DeploymentId deployment, std::int64_t generation) {
  if (launch_ && launch_of_ == deployment) co_return Status{};
  auto spec = co_await store::load_launch_spec(shop_.parts.db, seen_.agent, deployment);
  if (!spec) co_return std::unexpected(spec.error());
  auto launch =
      make_launch(shop_.parts.catalogue, shop_.config, seen_.agent, generation, std::move(*spec));
  if (!launch) co_return std::unexpected(launch.error());
  launch_ = std::move(*launch);
  launch_of_ = deployment;
  co_return Status{};
}

Task<Status> Run::ensure_image() {
  co_await begin_step("image");
  auto reference = image_reference(*launch_, shop_.config);
  if (!reference) co_return std::unexpected(reference.error());
  const auto exists = co_await shop_.parts.runtime.image_exists(*reference);
  if (!exists) co_return std::unexpected(exists.error());
  if (!*exists) {
    co_return fail(Code::kNotFound, "image " + *reference +
                                        " is not on this host: run `deployclaw image build " +
                                        launch_->runtime->name + "`");
  }
  image_ = std::move(*reference);
  co_return Status{};
}

Task<Status> Run::ensure_volume() {
  co_await begin_step("volume");
  const auto bytes = static_cast<std::uint64_t>(launch_->resources.disk_mb) * 1024 * 1024;
  const auto& runtime = *launch_->runtime;
  auto done = co_await shop_.parts.volumes.ensure(seen_.agent, bytes, runtime.uid, runtime.gid);
  if (!done) co_return context("state volume", done.error());
  co_return done;
}

Task<Status> Run::write_config() {
  co_await begin_step("config");
  StateWish wish{.agent = seen_.agent,
                 .access = launch_->access,
                 .memory_bytes = view_bytes(*launch_),
                 .uid = launch_->runtime->uid,
                 .gid = launch_->runtime->gid};
  auto viewed = co_await shop_.parts.volumes.refresh_view(std::move(wish));
  if (!viewed) co_return context("state view", viewed.error());
  auto write = co_await render_config_file(*launch_, shop_.config, shop_.parts.vault);
  if (!write) co_return std::unexpected(write.error());
  if (!*write) co_return Status{};
  auto done = co_await shop_.parts.volumes.write_config(std::move(**write));
  co_return done;
}

Task<Status> Run::write_ca_bundle() {
  Bytes salt = launch_->spec.client_salt;
  auto certificate = co_await ensure_client_authority(shop_.parts.db, shop_.parts.vault,
                                                      launch_->spec.client, std::move(salt));
  if (!certificate) co_return fail(std::move(certificate).error());
  auto written = co_await shop_.parts.volumes.write_ca_bundle(seen_.agent, *std::move(certificate));
  co_return written;
}

Task<Status> Run::create_container() {
  co_await begin_step("create");
  if (image_.empty()) {
    auto reference = image_reference(*launch_, shop_.config);
    if (!reference) co_return std::unexpected(reference.error());
    image_ = std::move(*reference);
  }
  auto bundled = co_await write_ca_bundle();
  if (!bundled) co_return context("CA bundle", bundled.error());
  HostPaths paths;
  paths.state_directory = shop_.parts.volumes.mountpoint(seen_.agent, launch_->access).string();
  paths.ca_bundle = shop_.parts.volumes.ca_bundle(seen_.agent).string();
  auto spec = container_spec(*launch_, shop_.config, shop_.instance, image_, paths);
  auto id = co_await shop_.parts.runtime.create(std::move(spec));
  if (!id) co_return context("create container", id.error());
  created_ = *id;
  auto noted = co_await store::set_agent_container(shop_.parts.db, seen_.agent, created_);
  co_return noted;
}

// An engine that was killed while it started a container finds the half of it that outlived the
// engine, and refuses to start that container ever again. A fresh one starts.
static bool lost_by_engine(const Error& error) {
  return error.message.find("already exists") != std::string::npos ||
         error.message.find("already in use") != std::string::npos;
}

Task<Status> Run::start_container(std::string container) {
  co_await begin_step("start");
  const std::string id = container.empty() ? created_ : container;
  auto started = co_await shop_.parts.runtime.start(id);
  if (!started && lost_by_engine(started.error())) {
    auto removed = co_await shop_.parts.runtime.remove(id);
    if (!removed) co_return context("remove a container the engine lost", removed.error());
    co_return fail(Code::kUnavailable, "the engine lost track of the container, it is made anew");
  }
  if (!started) co_return context("start container", started.error());
  if (!restarting_) co_return Status{};
  boost::json::object metadata{{"restarts", desired_.restarts.total},
                               {"reason", desired_.status_reason}};
  std::vector<audit::Event> events;
  events.push_back(event("agent_restarted", "success", std::move(metadata)));
  auto recorded = co_await audit::append(shop_.parts.db, std::move(events));
  // It runs; that the record is late must not stop its network from being wired.
  if (!recorded) log::error("restart not audited", {{"error", recorded.error().message}});
  co_return Status{};
}

Result<Ipv4> Run::reserve_address() {
  if (memory_.address) return *memory_.address;
  std::set<Ipv4> used;
  for (const auto& [agent, memory] : shop_.memories) {
    if (memory.address) used.insert(*memory.address);
  }
  // Behind the highest one in use, so that a fresh agent rarely inherits a dead one's address.
  const Ipv4 last = used.empty() ? Ipv4{} : *used.rbegin();
  auto address = shop_.parts.pool.allocate(used, last);
  if (address) memory_.address = *address;
  return address;
}

Task<Run::Progress> Run::attach_network(std::string container) {
  co_await begin_step("network");
  const std::string id = container.empty() ? created_ : container;
  const bool fresh = !memory_.address;
  const auto address = reserve_address();
  if (!address) co_return std::unexpected(address.error());
  if (fresh) {
    auto saved = co_await store::save_address(shop_.parts.db, seen_.agent, desired_.client,
                                              address->to_string());
    if (!saved) {
      memory_.address.reset();
      co_return std::unexpected(saved.error());
    }
  }
  const auto seen = co_await shop_.parts.runtime.inspect(id);
  if (!seen) co_return std::unexpected(seen.error());
  // Ended already: the next look will see how.
  if (seen->state != docker::ContainerState::kRunning || seen->pid <= 0) co_return false;
  auto wired = co_await shop_.parts.network.attach(*address, seen->pid);
  if (!wired && wired.error().code == Code::kNotFound) {
    memory_.hold_until = shop_.parts.clock.now() + 200ms;
    co_return false;
  }
  if (!wired) co_return context("agent's network", wired.error());
  memory_.wired = id;
  memory_.wired_start = seen->started_at;
  co_return true;
}

Task<Status> Run::detach_network() {
  memory_.wired.clear();
  if (!memory_.address) co_return Status{};
  auto interface = shop_.parts.network.interface_of(*memory_.address);
  auto done = co_await shop_.parts.network.detach(std::move(interface));
  co_return done;
}

Task<Status> Run::remove_container(std::string container) {
  co_await begin_step("stop");
  // Its last words go with it otherwise.
  co_await shop_.output.drain(seen_.agent, 2s);
  auto removed = co_await shop_.parts.runtime.remove(container);
  if (!removed) co_return context("remove container", removed.error());
  auto noted = co_await store::set_agent_container(shop_.parts.db, seen_.agent, "");
  co_return noted;
}

}  // namespace deployclaw::orchestrator
