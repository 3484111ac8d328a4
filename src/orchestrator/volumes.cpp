#include "orchestrator/volumes.hpp"

#include <sys/stat.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fstream>
#include <sstream>

#include "base/secret.hpp"
#include "linux/loop_volume.hpp"
#include "linux/state_view.hpp"
#include "orchestrator/authority.hpp"
#include "orchestrator/config_merge.hpp"
#include "orchestrator/state_files.hpp"

namespace deployclaw::orchestrator {
namespace json = boost::json;
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kMostConfigBytes = 4 * 1024 * 1024;
constexpr const char* kShapeFile = "config-shape.json";
constexpr const char* kBundleFile = "ca-bundle.pem";

json::object parse_object(std::string_view text) {
  boost::system::error_code error;
  json::parse_options options;
  options.max_depth = 64;
  json::value value = json::parse(text, error, {}, options);
  return !error && value.is_object() ? std::move(value.get_object()) : json::object{};
}

class LoopVolumes final : public Volumes {
 public:
  LoopVolumes(fs::path home, fs::path host_roots)
      : directory_(std::move(home) / "agents"),
        host_roots_(std::move(host_roots)),
        pool_("volumes", 2) {}

  Task<Result<std::map<AgentId, VolumeSeen>>> look() override {
    std::function<Result<std::map<AgentId, VolumeSeen>>()> work = [this] { return look_now(); };
    return run_blocking(pool_, std::move(work));
  }

  Task<Status> ensure(AgentId agent, std::uint64_t bytes, uid_t uid, gid_t gid) override {
    const auto volume = volume_of(agent, bytes, uid, gid);
    const auto view = view_of(agent);
    std::function<Status()> work = [volume, view]() -> Status {
      std::error_code error;
      const auto present = fs::file_size(volume.image, error);
      if (!error && present < volume.size_bytes) {
        if (auto done = linux::unmount_view(view); !done) return done;
        if (auto done = linux::unmount_state_volume(volume); !done) return done;
        if (auto done = linux::grow_state_volume(volume, volume.size_bytes); !done) return done;
      }
      return linux::ensure_state_volume(volume);
    };
    return run_blocking(pool_, std::move(work));
  }

  Task<Status> refresh_view(StateWish wish) override {
    auto view = view_of(wish.agent);
    view.size_bytes = wish.memory_bytes;
    view.owner = wish.uid;
    view.group = wish.gid;
    if (wish.access == domain::StateAccess::kRead) view.lower = volume_path(wish.agent);
    std::function<Status()> work = [view, access = wish.access] {
      if (access == domain::StateAccess::kWrite) return linux::unmount_view(view);
      return linux::mount_fresh_view(view);
    };
    return run_blocking(pool_, std::move(work));
  }

  Task<Status> remove(AgentId agent) override {
    const auto volume = volume_of(agent, 0, 0, 0);
    const auto view = view_of(agent);
    std::function<Status()> work = [volume, view]() -> Status {
      if (auto done = linux::remove_view(view); !done) return done;
      if (auto done = linux::remove_state_volume(volume); !done) return done;
      std::error_code error;
      // Not remove_all: should anything be mounted there still, it must not be emptied.
      fs::remove(volume.image.parent_path() / kShapeFile, error);
      fs::remove(volume.image.parent_path() / kBundleFile, error);
      fs::remove(volume.image.parent_path(), error);
      return {};
    };
    return run_blocking(pool_, std::move(work));
  }

  Task<Status> write_config(ConfigWrite write) override {
    const auto root = mountpoint(write.agent, write.access);
    const auto shape = directory_ / write.agent.to_string() / kShapeFile;
    std::function<Status()> work = [root, shape, write = std::move(write)] {
      return write_config_now(root, shape, write);
    };
    return run_blocking(pool_, std::move(work));
  }

  Task<Status> write_ca_bundle(AgentId agent, std::string client_certificate) override {
    std::function<Status()> work = [file = ca_bundle(agent), roots = host_roots_,
                                    certificate = std::move(client_certificate)] {
      return orchestrator::write_ca_bundle(file, roots, certificate);
    };
    return run_blocking(pool_, std::move(work));
  }

  fs::path mountpoint(AgentId agent, domain::StateAccess access) const override {
    return access == domain::StateAccess::kWrite ? volume_path(agent) : view_of(agent).mountpoint;
  }

  fs::path ca_bundle(AgentId agent) const override {
    return directory_ / agent.to_string() / kBundleFile;
  }

 private:
  fs::path volume_path(AgentId agent) const { return directory_ / agent.to_string() / "state"; }

  linux::StateView view_of(AgentId agent) const {
    linux::StateView view;
    view.mountpoint = directory_ / agent.to_string() / "view";
    view.memory = directory_ / agent.to_string() / "memory";
    return view;
  }

  linux::StateVolume volume_of(AgentId agent, std::uint64_t bytes, uid_t uid, gid_t gid) const {
    return {.image = directory_ / agent.to_string() / "state.img",
            .mountpoint = volume_path(agent),
            .size_bytes = bytes,
            .owner = uid,
            .group = gid};
  }

  Result<std::map<AgentId, VolumeSeen>> look_now() const {
    std::map<AgentId, VolumeSeen> seen;
    std::error_code error;
    for (fs::directory_iterator it(directory_, error), end; !error && it != end;
         it.increment(error)) {
      const auto agent = AgentId::parse(it->path().filename().string());
      if (agent) seen[*agent] = {};
    }
    const auto mounted = linux::list_state_volumes(directory_);
    if (!mounted) return std::unexpected(mounted.error());
    for (const auto& volume : *mounted) {
      const auto agent = AgentId::parse(volume.mountpoint.parent_path().filename().string());
      if (agent) seen[*agent].mounted = true;
    }
    return seen;
  }

  static Status write_config_now(const fs::path& root, const fs::path& shape_file,
                                 const ConfigWrite& write) {
    // What is there is the agent's; if it cannot be read as JSON, ours alone is written.
    json::object theirs;
    if (auto text = read_state_file(root, write.path, kMostConfigBytes)) {
      theirs = parse_object(*text);
    }
    std::ifstream file(shape_file);
    std::stringstream before;
    before << file.rdbuf();
    std::string content =
        json::serialize(merge_config(std::move(theirs), write.config, parse_object(before.str())));
    auto done = write_state_file(root, write.path, content, {write.uid, write.gid});
    wipe_string(content);
    // The shape is that of the file in the volume: what goes into a view is gone at the next start.
    if (!done || write.access != domain::StateAccess::kWrite) return done;
    std::ofstream(shape_file, std::ios::trunc) << json::serialize(shape_of(write.config));
    return {};
  }

  const fs::path directory_;
  const fs::path host_roots_;
  BlockingPool pool_;
};

}  // namespace

std::unique_ptr<Volumes> make_loop_volumes(fs::path home, fs::path host_roots) {
  return std::make_unique<LoopVolumes>(std::move(home), std::move(host_roots));
}

}  // namespace deployclaw::orchestrator
