#pragma once

#include <sys/types.h>

#include <boost/json/object.hpp>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "base/ids.hpp"
#include "base/task.hpp"
#include "domain/state_access.hpp"

namespace deployclaw::orchestrator {

struct VolumeSeen {
  bool mounted = false;
};

// A config file to be written into a state volume.
struct ConfigWrite {
  AgentId agent;
  std::string path;            // below the volume's root, "openclaw/openclaw.json"
  boost::json::object config;  // may hold the gateway token: never logged
  uid_t uid = 0;
  gid_t gid = 0;
  domain::StateAccess access = domain::StateAccess::kWrite;
};

// What an agent is to see of its volume.
struct StateWish {
  AgentId agent;
  domain::StateAccess access = domain::StateAccess::kWrite;
  std::uint64_t memory_bytes = 0;  // for what it writes and may not keep
  uid_t uid = 0;
  gid_t gid = 0;
};

// The agents' state volumes and what lies beside them: an edge, so that tests need no root.
class Volumes {
 public:
  virtual ~Volumes() = default;
  // Every volume that exists, mounted or not.
  virtual Task<Result<std::map<AgentId, VolumeSeen>>> look() = 0;
  // Creates, enlarges and mounts as needed.
  virtual Task<Status> ensure(AgentId agent, std::uint64_t bytes, uid_t uid, gid_t gid) = 0;
  // Makes what the agent will see afresh, before each start: without StateAccess::kWrite nothing
  // that it wrote before is there any more. The container must not run.
  virtual Task<Status> refresh_view(StateWish wish) = 0;
  // With everything in it; absent is fine.
  virtual Task<Status> remove(AgentId agent) = 0;
  // Merges the config into the agent's file: ours wins wherever it has a value, what we wrote
  // before and no longer want goes, the rest of the file is the agent's. Atomic, 0600, the folders
  // 0700, all owned by the agent. No path component that the agent turned into a link is followed.
  virtual Task<Status> write_config(ConfigWrite write) = 0;
  // Writes the roots that the agent believes in, the client's certificate among them: outside of
  // the volume, so that the agent cannot change it. remove() takes it away.
  virtual Task<Status> write_ca_bundle(AgentId agent, std::string client_certificate) = 0;
  // Where the container's mounts come from.
  [[nodiscard]] virtual std::filesystem::path mountpoint(AgentId agent,
                                                         domain::StateAccess access) const = 0;
  [[nodiscard]] virtual std::filesystem::path ca_bundle(AgentId agent) const = 0;
};

// Where Debian keeps the roots that a host believes in.
inline constexpr const char* kHostRoots = "/etc/ssl/certs/ca-certificates.crt";

// Loop-mounted volumes in <home>/agents/<id>/{state.img,state}, the bundle beside them; what is
// seen by an agent that may not write to its own in …/{view,memory}.
std::unique_ptr<Volumes> make_loop_volumes(std::filesystem::path home,
                                           std::filesystem::path host_roots = kHostRoots);

}  // namespace deployclaw::orchestrator
