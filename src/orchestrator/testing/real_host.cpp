#include "orchestrator/testing/real_host.hpp"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/signal_set.hpp>
#include <fstream>
#include <thread>

#include "docker/docker_runtime.hpp"
#include "docker/engine.hpp"
#include "docker/testing/run.hpp"
#include "linux/loop_volume.hpp"
#include "linux/netlink.hpp"
#include "runtimes/image_build.hpp"

namespace deployclaw::orchestrator::testing {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

// What cannot be counted, because the engine or the kernel does not answer.
constexpr std::size_t kUnknown = 999'999;

runtimes::ImageBuildOptions build_options(const fs::path& source, const fs::path& home) {
  return {.images_dir = source / "images",
          .cache_dir = runtimes::default_cache_dir(),
          .work_dir = home / "build",
          .records_dir = home / "images",
          .no_cache = false,
          .archive = {},
          .archive_sha256 = {}};
}

Status build_probe(const fs::path& source, const fs::path& home, const fs::path& socket) {
  const auto catalogue = runtimes::Catalogue::load(source / "catalog");
  if (!catalogue) return std::unexpected(catalogue.error());
  boost::asio::io_context io;
  docker::Engine engine(io.get_executor(), socket);
  const auto find = [&](const std::string& reference) -> Result<std::string> {
    const auto image = docker::testing::run(io, engine.inspect_image(reference));
    if (image) return image->id;
    if (image.error().code == Code::kNotFound) return std::string();
    return std::unexpected(image.error());
  };
  const auto import = [&](const fs::path& tar, const std::string& reference,
                          const std::vector<std::string>& changes) {
    return docker::testing::run(io, engine.import_image(tar, reference, changes, 60s));
  };
  const auto built = runtimes::build_image(
      *catalogue->find("probe", true), build_options(source, home), [](std::string_view) {}, find,
      import);
  if (!built) return std::unexpected(built.error());
  return {};
}

Task<void> end(Orchestrator& orchestrator, db::Listener& listener, db::Database& db,
               boost::asio::io_context& io) {
  co_await orchestrator.stop();
  co_await listener.close();
  co_await db.close();
  io.stop();
}

bool await_exit(pid_t pid) {
  for (int i = 0; i < 200; ++i) {
    if (waitpid(pid, nullptr, WNOHANG) == pid) return true;
    std::this_thread::sleep_for(50ms);
  }
  return false;
}

}  // namespace

Result<std::unique_ptr<RealHost>> RealHost::create(fs::path source) {
  std::unique_ptr<RealHost> host(new RealHost());
  host->source_ = std::move(source);
  if (auto done = host->prepare(); !done) return std::unexpected(done.error());
  return host;
}

Status RealHost::prepare() {
  char path[] = "/tmp/dc-host-XXXXXX";
  home_ = mkdtemp(path);
  auto daemon = docker::testing::Daemon::start();
  if (!daemon) return std::unexpected(daemon.error());
  daemon_ = std::move(*daemon);
  if (auto built = build_probe(source_, home_, daemon_->socket()); !built) return built;
  // Names and addresses that another test at the same time does not have.
  const int number = getpid() % 4096;
  const auto names = linux::NetworkNames::for_instance("o" + std::to_string(number));
  if (!names) return std::unexpected(names.error());
  const auto pool = linux::AddressPool::parse("10." + std::to_string(100 + number / 256) + "." +
                                              std::to_string(number % 256) + ".0/24");
  if (!pool) return std::unexpected(pool.error());
  firewall_.names = *names;
  firewall_.gateway = pool->gateway();
  pool_ = *pool;
  instance_ = customer.ask("SELECT instance_id FROM platform");
  return {};
}

RealHost::~RealHost() {
  if (process_ > 0) kill();
  if (pool_ && containers() == kUnknown) {
    start_docker();
    until([&] { return containers() != kUnknown; });
  }
  if (pool_) {
    // What a failed test left. The daemon ends its containers itself.
    boost::asio::io_context io;
    docker::Engine engine(io.get_executor(), daemon_->socket());
    const auto runtime = docker::make_docker_runtime(engine);
    if (auto left = docker::testing::run(io, runtime->list(instance_))) {
      for (const auto& container : *left) docker::testing::run(io, runtime->remove(container.id));
    }
    if (auto links = linux::list_links(firewall_.names.interface_prefix)) {
      for (const auto& link : *links) (void)linux::detach_agent(link.name);
    }
    (void)linux::Firewall(firewall_).unload();
    (void)linux::remove_gateway(firewall_.names.gateway_device);
    if (auto volumes = linux::list_state_volumes(home_)) {
      for (const auto& volume : *volumes) {
        (void)linux::remove_state_volume({.image = volume.image, .mountpoint = volume.mountpoint});
      }
    }
  }
  if (docker_ > 0) {
    ::kill(docker_, SIGTERM);
    await_exit(docker_);
  }
  std::error_code error;
  fs::remove_all(home_, error);
}

int RealHost::run(const FaultPoint& fault_point) const {
  boost::asio::io_context io;
  const auto executor = io.get_executor();
  const SystemClock clock;
  const auto conninfo = db::testing::Postgres::shared().conninfo("deployclaw_orchestrator");
  db::Database db(executor, db::Options{.conninfo = conninfo});
  db::Listener listener(executor, conninfo);
  vault::InMemoryVault vault;
  docker::Engine engine(executor, daemon_->socket());
  const auto runtime = docker::make_docker_runtime(engine);
  const auto network = make_linux_network(firewall_, *pool_);
  const auto volumes = make_loop_volumes(home_);
  auto catalogue = runtimes::Catalogue::load(source_ / "catalog");
  if (!catalogue) return 2;
  auto probe = *catalogue->find("probe", true);
  probe.deadline = deadline;
  *catalogue = runtimes::Catalogue::of({probe});
  Config config = quick_config(home_);
  config.gateway_address = firewall_.gateway.to_string();
  config.proxy_url = "http://" + config.gateway_address + ":3128";
  config.pass_every = 1s;
  config.rules.verdict.steady = 500ms;
  config.probe_fast = 100ms;
  config.probe_timeout = 1s;
  config.fault_point = fault_point;
  const auto prober = make_http_prober(clock, config.probe_timeout);
  Parts parts{db, *runtime, *network, *volumes, vault, *catalogue, *prober, clock, *pool_};
  Orchestrator orchestrator(executor, std::move(parts), listener, std::move(config));
  if (!orchestrator.start()) return 3;
  boost::asio::signal_set signals(executor, SIGTERM);
  TaskGroup tasks(executor);
  signals.async_wait([&](const boost::system::error_code&, int) {
    tasks.spawn("end", end(orchestrator, listener, db, io));
  });
  io.run();
  return 0;
}

void RealHost::start(FaultPoint fault_point) {
  process_ = fork();
  if (process_ != 0) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const std::string log = (home_ / "orchestrator.log").string();
  const int fd = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  dup2(fd, STDERR_FILENO);
  // _exit: the parent's database and daemon are not ours to end.
  _exit(run(fault_point));
}

void RealHost::stop() {
  ::kill(process_, SIGTERM);
  if (!ended()) kill();
}

void RealHost::kill() {
  ::kill(process_, SIGKILL);
  waitpid(process_, nullptr, 0);
  process_ = 0;
}

bool RealHost::ended() {
  if (process_ > 0 && !await_exit(process_)) return false;
  process_ = 0;
  return true;
}

void RealHost::kill_docker() {
  const auto directory = daemon_->socket().parent_path();
  pid_t pid = docker_;
  if (pid == 0) std::ifstream(directory / "pid") >> pid;
  // Its containerd too, and wholly gone: a dockerd that finds the old one still dying waits for it
  // instead of starting its own, and gives up after 15 s.
  pid_t containerd = 0;
  std::ifstream(directory / "exec/containerd/containerd.pid") >> containerd;
  ::kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
  docker_ = 0;
  if (containerd <= 0) return;
  ::kill(containerd, SIGKILL);
  until([&] { return ::kill(containerd, 0) != 0; });
}

void RealHost::start_docker() {
  const auto directory = daemon_->socket().parent_path().string();
  fs::remove(directory + "/pid");
  fs::remove(directory + "/exec/containerd/containerd.pid");
  docker_ = fork();
  if (docker_ != 0) return;
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  const int fd = open((directory + "/log").c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  dup2(fd, STDOUT_FILENO);
  dup2(fd, STDERR_FILENO);
  const std::string data = directory + "/data";
  const std::string state = directory + "/exec";
  const std::string pid_file = directory + "/pid";
  const std::string host = "unix://" + daemon_->socket().string();
  execl("/usr/sbin/dockerd", "dockerd", "--data-root", data.c_str(), "--exec-root", state.c_str(),
        "--pidfile", pid_file.c_str(), "--host", host.c_str(), "--bridge", "none",
        "--iptables=false", "--ip-forward=false", "--ip-masq=false", nullptr);
  _exit(127);
}

bool RealHost::until(const std::function<bool()>& holds) {
  const auto end = std::chrono::steady_clock::now() + 60s;
  while (std::chrono::steady_clock::now() < end) {
    if (holds()) return true;
    std::this_thread::sleep_for(50ms);
  }
  return false;
}

std::size_t RealHost::containers() {
  boost::asio::io_context io;
  docker::Engine engine(io.get_executor(), daemon_->socket());
  const auto runtime = docker::make_docker_runtime(engine);
  const auto list = docker::testing::run(io, runtime->list(instance_));
  return list ? list->size() : kUnknown;
}

std::size_t RealHost::links() {
  const auto links = linux::list_links(firewall_.names.interface_prefix);
  return links ? links->size() : kUnknown;
}

std::size_t RealHost::mounts() {
  const auto volumes = linux::list_state_volumes(home_);
  return volumes ? volumes->size() : kUnknown;
}

docker::ExecResult RealHost::exec(AgentId agent, std::vector<std::string> command) {
  boost::asio::io_context io;
  docker::Engine engine(io.get_executor(), daemon_->socket());
  const auto runtime = docker::make_docker_runtime(engine);
  auto result =
      docker::testing::run(io, runtime->exec("dc-" + agent.to_string(), std::move(command), 65536));
  return result ? *result : docker::ExecResult{.exit_code = -1, .output = result.error().message};
}

}  // namespace deployclaw::orchestrator::testing
