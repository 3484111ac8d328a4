#include "docker/container_json.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <charconv>
#include <cmath>
#include <filesystem>

#include "docker/frames.hpp"
#include "docker/json_values.hpp"

namespace deployclaw::docker {

namespace json = boost::json;

namespace {

constexpr std::uint64_t kLeastMemory = 6U << 20;  // the engine's own bound
constexpr std::size_t kMostLineBytes = 8192;

Status check(const ContainerSpec& spec) {
  const auto bad = [](std::string_view why) {
    return fail(Code::kInvalid, "container spec: " + std::string(why));
  };
  if (spec.agent.is_nil() || spec.client.is_nil()) return bad("no agent or client");
  if (spec.image.empty()) return bad("no image");
  if (spec.instance.empty()) return bad("no instance");
  if (spec.resources.memory_bytes < kLeastMemory) return bad("memory below 6 MiB");
  if (!(spec.resources.cpus >= 0.01 && spec.resources.cpus <= 1024))
    return bad("cpus out of range");
  if (spec.resources.pids < 1) return bad("no processes allowed");
  for (const auto& mount : spec.mounts) {
    if (!mount.source.starts_with('/') || !mount.target.starts_with('/')) {
      return bad("a mount needs absolute paths");
    }
  }
  for (const auto& tmpfs : spec.tmpfs) {
    if (!tmpfs.target.starts_with('/') || tmpfs.size_bytes == 0) {
      return bad("a tmpfs needs an absolute path and a size");
    }
  }
  for (const auto& [key, value] : spec.environment) {
    if (key.empty() || key.find('=') != std::string::npos || key.find('\0') != std::string::npos ||
        value.find('\0') != std::string::npos) {
      return bad("bad environment variable");
    }
  }
  for (const auto& [key, value] : spec.labels) {
    if (key.starts_with("io.deployclaw.")) return bad("label is reserved: " + key);
  }
  return {};
}

json::object ulimit(const char* name, std::uint64_t value) {
  json::object limit;
  limit["Name"] = name;
  limit["Soft"] = value;
  limit["Hard"] = value;
  return limit;
}

// Where even root may not raise limits (a machine without CAP_SYS_RESOURCE), asking for more than
// the hard limit of this process, which is the engine's too, would fail the start.
std::uint64_t allowed_open_files(std::uint64_t wanted) {
  rlimit own{};
  if (::getrlimit(RLIMIT_NOFILE, &own) != 0) return wanted;
  return std::min<std::uint64_t>(wanted, own.rlim_max);
}

json::array to_mounts(const std::vector<Mount>& mounts) {
  json::array array;
  for (const auto& mount : mounts) {
    json::object options;
    options["Propagation"] = "rprivate";
    json::object object;
    object["Type"] = "bind";
    object["Source"] = mount.source;
    object["Target"] = mount.target;
    object["ReadOnly"] = mount.read_only;
    object["BindOptions"] = std::move(options);
    array.push_back(std::move(object));
  }
  return array;
}

// What an agent does not see of the host. The engine's own list, which this one replaces, and
// /proc/pressure: there the whole host's load is told to everyone, and everyone may set triggers.
json::array masked_paths() {
  return {"/proc/acpi",       "/proc/asound",      "/proc/interrupts",
          "/proc/kcore",      "/proc/keys",        "/proc/latency_stats",
          "/proc/pressure",   "/proc/sched_debug", "/proc/scsi",
          "/proc/timer_list", "/proc/timer_stats", "/sys/devices/virtual/powercap",
          "/sys/firmware"};
}

json::object to_host_config(const ContainerSpec& spec) {
  json::object host;
  host["NetworkMode"] = "none";
  host["ReadonlyRootfs"] = spec.read_only_root;
  host["Privileged"] = false;
  host["CapDrop"] = json::array{"ALL"};
  host["SecurityOpt"] = json::array{"no-new-privileges:true"};
  host["MaskedPaths"] = masked_paths();
  host["IpcMode"] = "private";
  host["Init"] = true;
  const auto memory = static_cast<std::int64_t>(spec.resources.memory_bytes);
  host["Memory"] = memory;
  host["MemorySwap"] = memory;
  host["NanoCpus"] = static_cast<std::int64_t>(std::llround(spec.resources.cpus * 1e9));
  host["PidsLimit"] = spec.resources.pids;
  // When the whole host runs out, an agent goes before the platform does.
  host["OomScoreAdj"] = 500;
  const auto open_files = allowed_open_files(spec.resources.open_files);
  host["Ulimits"] = json::array{ulimit("nofile", open_files), ulimit("core", 0)};
  host["Mounts"] = to_mounts(spec.mounts);
  json::object tmpfs;
  for (const auto& mount : spec.tmpfs) {
    tmpfs[mount.target] = fmt::format("rw,{}nosuid,nodev,size={},mode=1777",
                                      mount.executable ? "exec," : "noexec,", mount.size_bytes);
  }
  host["Tmpfs"] = std::move(tmpfs);
  json::object restart;
  restart["Name"] = "no";
  host["RestartPolicy"] = std::move(restart);
  json::object log_options;
  log_options["max-size"] = "10m";
  log_options["max-file"] = "2";
  json::object log;
  log["Type"] = "json-file";
  log["Config"] = std::move(log_options);
  host["LogConfig"] = std::move(log);
  // Asking for it on a kernel without IPv6 would fail the start.
  if (std::filesystem::exists("/proc/sys/net/ipv6")) {
    json::object sysctls;
    sysctls["net.ipv6.conf.all.disable_ipv6"] = "1";
    sysctls["net.ipv6.conf.default.disable_ipv6"] = "1";
    host["Sysctls"] = std::move(sysctls);
  }
  return host;
}

ContainerState to_state(const json::value& inspected) {
  const auto status = string_at(inspected, {"State", "Status"});
  if (status == "created") return ContainerState::kCreated;
  if (status == "running" || status == "restarting") return ContainerState::kRunning;
  if (status == "paused") return ContainerState::kPaused;
  if (status == "exited") return ContainerState::kExited;
  return ContainerState::kDead;
}

std::string label_at(const std::map<std::string, std::string>& labels, const char* key) {
  const auto found = labels.find(key);
  return found == labels.end() ? std::string() : found->second;
}

}  // namespace

std::string_view to_string(ContainerState state) {
  switch (state) {
    case ContainerState::kCreated:
      return "created";
    case ContainerState::kRunning:
      return "running";
    case ContainerState::kPaused:
      return "paused";
    case ContainerState::kExited:
      return "exited";
    case ContainerState::kDead:
      return "dead";
  }
  return "unknown";
}

std::string container_name(AgentId agent) { return "dc-" + agent.to_string(); }

Result<json::object> to_create_body(const ContainerSpec& spec) {
  if (auto checked = check(spec); !checked) return fail(checked.error());
  json::object body;
  body["Image"] = spec.image;
  body["Hostname"] = spec.hostname;
  body["User"] = fmt::format("{}:{}", spec.uid, spec.gid);
  if (!spec.command.empty()) body["Cmd"] = json::array(spec.command.begin(), spec.command.end());
  if (!spec.working_directory.empty()) body["WorkingDir"] = spec.working_directory;
  json::array environment;
  for (const auto& [key, value] : spec.environment) environment.emplace_back(key + "=" + value);
  body["Env"] = std::move(environment);
  body["StopTimeout"] = spec.stop_timeout.count();
  json::object labels;
  for (const auto& [key, value] : spec.labels) labels[key] = value;
  labels[kAgentLabel] = spec.agent.to_string();
  labels[kClientLabel] = spec.client.to_string();
  labels[kGenerationLabel] = std::to_string(spec.generation);
  labels[kInstanceLabel] = spec.instance;
  body["Labels"] = std::move(labels);
  body["HostConfig"] = to_host_config(spec);
  return body;
}

ObservedContainer to_observed(const json::value& inspected) {
  const auto labels = map_at(inspected, {"Config", "Labels"});
  ObservedContainer seen;
  seen.id = string_at(inspected, "Id");
  seen.agent = AgentId::parse(label_at(labels, kAgentLabel)).value_or(AgentId());
  seen.client = ClientId::parse(label_at(labels, kClientLabel)).value_or(ClientId());
  seen.instance = label_at(labels, kInstanceLabel);
  const auto generation = label_at(labels, kGenerationLabel);
  std::from_chars(generation.data(), generation.data() + generation.size(), seen.generation);
  seen.state = to_state(inspected);
  seen.pid = static_cast<std::int32_t>(integer_at(inspected, {"State", "Pid"}));
  seen.image = string_at(inspected, {"Config", "Image"});
  seen.image_id = string_at(inspected, "Image");
  seen.created_at = parse_engine_time(string_at(inspected, "Created"));
  seen.started_at = parse_engine_time(string_at(inspected, {"State", "StartedAt"}));
  seen.finished_at = parse_engine_time(string_at(inspected, {"State", "FinishedAt"}));
  seen.exit_code = static_cast<std::int32_t>(integer_at(inspected, {"State", "ExitCode"}));
  seen.oom_killed = bool_at(inspected, {"State", "OOMKilled"});
  seen.error = string_at(inspected, {"State", "Error"});
  return seen;
}

Result<RuntimeEvent> to_event(const json::value& line) {
  const auto action = string_at(line, "Action");
  RuntimeEvent event;
  event.id = string_at(line, {"Actor", "ID"});
  if (action.empty() || event.id.empty()) return fail(Code::kMalformed, "Docker: not an event");
  const auto attributes = map_at(line, {"Actor", "Attributes"});
  event.agent = AgentId::parse(label_at(attributes, kAgentLabel)).value_or(AgentId());
  if (action == "create") event.kind = EventKind::kCreated;
  if (action == "start") event.kind = EventKind::kStarted;
  if (action == "die") event.kind = EventKind::kExited;
  if (action == "oom") event.kind = EventKind::kOutOfMemory;
  if (action == "destroy") event.kind = EventKind::kRemoved;
  const auto exit_code = label_at(attributes, "exitCode");
  std::from_chars(exit_code.data(), exit_code.data() + exit_code.size(), event.exit_code);
  event.at = Time{std::chrono::microseconds(integer_at(line, {"timeNano"}) / 1000)};
  return event;
}

LogLine to_log_line(std::string_view raw, bool is_stderr) {
  LogLine line;
  line.is_stderr = is_stderr;
  const auto space = raw.find(' ');
  if (const auto time = parse_time(raw.substr(0, space)); time && space != std::string_view::npos) {
    line.at = *time;
    raw.remove_prefix(space + 1);
  }
  line.text = sanitize_line(raw, kMostLineBytes);
  return line;
}

}  // namespace deployclaw::docker
