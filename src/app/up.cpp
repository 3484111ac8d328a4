#include "app/up.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/capability.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <functional>

#include "app/embedded_docker.hpp"
#include "app/embedded_postgres.hpp"
#include "app/images.hpp"
#include "app/paths.hpp"
#include "app/probe_http.hpp"
#include "app/supervisor.hpp"
#include "base/log.hpp"

namespace deployclaw::app {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

// Printed to a person: what happens and how long after the start.
class Narrator {
 public:
  void say(const std::string& what) const {
    const std::chrono::duration<double> since = std::chrono::steady_clock::now() - start_;
    fmt::print("[{:5.1f} s] {}\n", since.count(), what);
    std::fflush(stdout);
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// What the orchestrator needs on top of its plain uid: wiring network namespaces and interfaces,
// mounting state volumes, writing an agent's config under that agent's uid, and Docker's socket.
const std::vector<int> kOrchestratorCapabilities{
    CAP_NET_ADMIN,       CAP_SYS_ADMIN, CAP_SYS_PTRACE, CAP_DAC_OVERRIDE,
    CAP_DAC_READ_SEARCH, CAP_CHOWN,     CAP_FOWNER};

// What egress needs to build its workers' sandboxes: its spawner keeps them, the role itself drops
// them at once.
const std::vector<int> kEgressCapabilities{CAP_SYS_ADMIN, CAP_SETUID, CAP_SETGID, CAP_KILL};

class Platform {
 public:
  explicit Platform(Settings settings)
      : settings_(std::move(settings)), original_catalog_(settings_.text("catalog_dir")) {}

  Status start() {
    if (geteuid() != 0) {
      return fail(Code::kForbidden,
                  "`deployclaw up` needs root: it gives each role its own user. "
                  "Run it with sudo");
    }
    using Step = Status (Platform::*)();
    for (const Step step :
         {&Platform::claim_home, &Platform::make_directories, &Platform::start_database,
          &Platform::start_docker, &Platform::load_images, &Platform::write_role_config,
          &Platform::start_roles}) {
      if (auto done = (this->*step)(); !done) return done;
      if (supervisor_.stop_requested()) return fail(Code::kCancelled, "stopped by a signal");
    }
    narrator_.say("ready");
    fmt::print("ready: {}\n", settings_.text("api.public_url"));
    std::fflush(stdout);
    return {};
  }

  void run() { supervisor_.run(); }

  void stop() {
    narrator_.say("stopping");
    supervisor_.stop();
    if (!paths_.run.empty()) {
      // With the private engine the agents have ended, so nothing uses their volumes any more.
      if (private_docker_) unmount_below(paths_.home + "/agents");
      unshare_home(paths_);
      std::error_code ignored;
      fs::remove_all(paths_.passfiles(), ignored);
    }
    narrator_.say("stopped");
  }

 private:
  Status claim_home() {
    auto located = locate(settings_.text("home").empty() ? "var" : settings_.text("home"));
    if (!located) return fail(located.error());
    const std::string lock_path = located->home + "/up.lock";
    lock_ = open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (lock_ < 0 || flock(lock_, LOCK_EX | LOCK_NB) != 0) {
      return fail(Code::kConflict,
                  fmt::format("a platform already runs on {} (see {})", located->home, lock_path));
    }
    const std::string pid = fmt::format("{}\n", getpid());
    if (ftruncate(lock_, 0) != 0 || pwrite(lock_, pid.data(), pid.size(), 0) < 0) {
      return fail(Code::kUnavailable, fmt::format("cannot write {}", lock_path));
    }
    paths_ = *located;
    return {};
  }

  Status make_directories() {
    const auto vault_uid = static_cast<uid_t>(settings_.integer("vault.uid"));
    const auto orchestrator_uid = static_cast<uid_t>(settings_.integer("vault.orchestrator_uid"));
    const auto egress_uid = static_cast<uid_t>(settings_.integer("vault.egress_uid"));
    struct Directory {
      std::string path;
      uid_t owner;
      mode_t mode;
    };
    const std::vector<Directory> directories{
        {paths_.run, 0, 0755},
        {paths_.run + "/vault", vault_uid, 0755},
        {paths_.home + "/log", 0, 0750},
        {paths_.home + "/vault", vault_uid, 0700},
        {paths_.home + "/agents", orchestrator_uid, 0711},
        {paths_.home + "/images", 0, 0755},
        {paths_.home + "/egress", egress_uid, 0700},
        {paths_.home + "/egress/spool", egress_uid, 0700},
    };
    for (const auto& [path, owner, mode] : directories) {
      if (auto made = make_directory(path, owner, owner, mode); !made) return made;
    }
    if (auto shared = share_home(paths_); !shared) return shared;
    return copy_catalog();
  }

  // The roles cannot always read where the program was installed or built.
  Status copy_catalog() {
    const fs::path from = settings_.text("catalog_dir");
    const fs::path to = paths_.run + "/catalog";
    std::error_code error;
    fs::remove_all(to, error);
    fs::create_directories(to, error);
    fs::copy(from, to, fs::copy_options::recursive, error);
    if (error) {
      return fail(Code::kUnavailable,
                  fmt::format("copy the catalogue from {}: {}", from.string(), error.message()));
    }
    if (auto set = settings_.set("catalog_dir", to.string(), "up"); !set) return set;
    return copy_web();
  }

  Status copy_web() {
    const fs::path from = settings_.text("web.root");
    const fs::path to = paths_.run + "/web";
    std::error_code error;
    fs::remove_all(to, error);
    if (from.empty()) return {};
    fs::create_directories(to, error);
    fs::copy(from, to, fs::copy_options::recursive | fs::copy_options::skip_symlinks, error);
    if (error) {
      return fail(Code::kUnavailable,
                  fmt::format("copy the pages from {}: {}", from.string(), error.message()));
    }
    return settings_.set("web.root", to.string(), "up");
  }

  Status start_database() {
    if (!settings_.text("database.url").empty()) {
      narrator_.say("using the configured PostgreSQL");
      return {};
    }
    narrator_.say("starting the private PostgreSQL");
    EmbeddedPostgres postgres(paths_);
    const auto progress = [this](const std::string& what) { narrator_.say("  " + what); };
    if (auto prepared = postgres.prepare(progress); !prepared) return prepared;
    if (auto added = supervisor_.add(postgres.service()); !added) return added;
    if (!supervisor_.run_until([&] { return postgres.answers(); }, 60s)) {
      return not_ready("PostgreSQL", "postgres");
    }
    if (auto done = postgres.initialise(progress); !done) return done;
    if (auto set = settings_.set("database.url", postgres.url(), "up"); !set) return set;
    return settings_.set("database.passfile_dir", paths_.passfiles(), "up");
  }

  Status start_docker() {
    if (docker_answers(settings_.text("docker.host"))) {
      narrator_.say("using the Docker Engine at " + settings_.text("docker.host"));
      return {};
    }
    narrator_.say("starting a private Docker Engine");
    const EmbeddedDocker docker(paths_);
    if (auto prepared = docker.prepare(); !prepared) return prepared;
    if (auto added = supervisor_.add(docker.service()); !added) return added;
    if (!supervisor_.run_until([&] { return docker_answers(docker.host()); }, 60s)) {
      return not_ready("Docker", "dockerd");
    }
    private_docker_ = true;
    return settings_.set("docker.host", docker.host(), "up");
  }

  Status load_images() {
    load_recorded_images(original_catalog_, paths_.home, settings_.text("docker.host"),
                         [this](const std::string& what) { narrator_.say("  " + what); });
    return {};
  }

  Status write_role_config() {
    const auto number = [](std::string_view listen) {
      return std::string(listen.substr(listen.rfind(':') + 1));
    };
    for (const std::string_view key :
         {"api.listen", "api.internal_listen", "orchestrator.listen", "egress.listen"}) {
      const auto& listen = settings_.text(key);
      if (number(listen) != "0") continue;
      const auto port = free_port();
      if (!port) return fail(port.error());
      const auto chosen = fmt::format("{}:{}", listen.substr(0, listen.rfind(':')), *port);
      if (auto set = settings_.set(key, chosen, "up"); !set) return set;
    }
    struct Default {
      std::string_view key;
      std::string value;
    };
    const std::vector<Default> defaults{
        {"api.public_url", "http://localhost:" + number(settings_.text("api.listen"))},
        {"vault.socket", paths_.vault_socket()},
        {"vault.keys_dir", paths_.shared_home + "/vault"}};
    for (const auto& [key, value] : defaults) {
      if (!settings_.text(key).empty()) continue;
      if (auto set = settings_.set(key, value, "up"); !set) return set;
    }
    if (auto set = settings_.set("home", paths_.shared_home, "up"); !set) return set;
    // Roles run under different uids; nothing in it is secret (passwords are in the pgpass files).
    return write_file(config_path(), settings_.to_toml(true), 0, 0, 0644);
  }

  Status start_roles() {
    narrator_.say("starting the vault");
    if (auto added = supervisor_.add(role("vault", "vault.uid")); !added) return added;
    const auto vault_up = [&] { return fs::exists(settings_.text("vault.socket")); };
    if (!supervisor_.run_until(vault_up, 20s)) return not_ready("the vault", "vault");

    narrator_.say("starting api, egress and orchestrator");
    if (auto added = supervisor_.add(role("api", "vault.api_uid")); !added) return added;
    auto egress = role("egress", "vault.egress_uid");
    egress.child.capabilities = kEgressCapabilities;
    if (auto added = supervisor_.add(std::move(egress)); !added) return added;
    auto orchestrator = role("orchestrator", "vault.orchestrator_uid");
    orchestrator.child.capabilities = kOrchestratorCapabilities;
    if (auto added = supervisor_.add(std::move(orchestrator)); !added) return added;

    for (const auto& [name, key] :
         {std::pair{"api", "api.internal_listen"}, std::pair{"egress", "egress.listen"},
          std::pair{"orchestrator", "orchestrator.listen"}}) {
      const auto& listen = settings_.text(key);
      const auto ready = [&] { return http_status(listen, "/readyz") == 200; };
      if (!supervisor_.run_until(ready, 60s)) return not_ready(name, name);
      narrator_.say(fmt::format("  {} is ready (metrics: http://{}/metrics)", name, listen));
    }
    return {};
  }

  Service role(const std::string& name, std::string_view uid_key) {
    const auto uid = static_cast<uid_t>(settings_.integer(uid_key));
    ChildSpec child{.name = name,
                    .arguments = {name, "--config", config_path()},
                    .environment = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8",
                                    "HOME=/nonexistent"},
                    .log_path = paths_.log(name),
                    .uid = uid,
                    .gid = uid};
    return Service{.child = std::move(child)};
  }

  Status not_ready(std::string_view what, std::string_view log) {
    if (supervisor_.stop_requested()) return fail(Code::kCancelled, "stopped by a signal");
    return fail(Code::kTimeout,
                fmt::format("{} does not become ready; see {}", what, paths_.log(log)));
  }

  static Result<int> free_port() {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    const bool good = fd >= 0 &&
                      bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
                      getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) == 0;
    if (fd >= 0) close(fd);
    if (!good) return fail(Code::kUnavailable, "no free port on 127.0.0.1");
    return ntohs(address.sin_port);
  }

  [[nodiscard]] std::string config_path() const { return paths_.run + "/deployclaw.toml"; }

  Settings settings_;
  const std::string original_catalog_;  // beside it are the images' recipes
  Paths paths_;
  Narrator narrator_;
  Supervisor supervisor_;
  bool private_docker_ = false;
  int lock_ = -1;  // held until the process ends
};

}  // namespace

int run_up(Settings settings) {
  Platform platform(std::move(settings));
  const auto started = platform.start();
  if (started) platform.run();
  platform.stop();
  if (!started && started.error().code != Code::kCancelled) {
    fmt::print(stderr, "deployclaw up: {}\n", started.error().message);
    return 1;
  }
  return 0;
}

}  // namespace deployclaw::app
