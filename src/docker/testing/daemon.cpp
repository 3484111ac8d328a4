#include "docker/testing/daemon.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <thread>
#include <vector>

namespace deployclaw::docker::testing {

namespace {

namespace fs = std::filesystem;

constexpr int kStartPolls = 600;
constexpr int kStopPolls = 300;
constexpr std::chrono::milliseconds kPoll{100};

bool answers(const fs::path& socket_path) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::strncpy(name.sun_path, socket_path.c_str(), sizeof name.sun_path - 1);
  constexpr std::string_view kPing = "GET /_ping HTTP/1.0\r\n\r\n";
  char answer[16] = {};
  const bool good = ::connect(fd, reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0 &&
                    ::write(fd, kPing.data(), kPing.size()) == static_cast<ssize_t>(kPing.size()) &&
                    ::read(fd, answer, sizeof answer - 1) > 12 &&
                    std::strstr(answer, " 200") != nullptr;
  ::close(fd);
  return good;
}

std::string end_of(const fs::path& log) {
  std::ifstream file(log);
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  return text.size() > 2000 ? text.substr(text.size() - 2000) : text;
}

const char* find_daemon() {
  for (const auto* path : {"/usr/sbin/dockerd", "/usr/bin/dockerd", "/usr/local/bin/dockerd"}) {
    if (::access(path, X_OK) == 0) return path;
  }
  return nullptr;
}

pid_t spawn(const char* program, const fs::path& directory) {
  const std::vector<std::string> words = {program,
                                          "--data-root",
                                          directory / "data",
                                          "--exec-root",
                                          directory / "exec",
                                          "--pidfile",
                                          directory / "pid",
                                          "--host",
                                          "unix://" + (directory / "docker.sock").string(),
                                          "--bridge",
                                          "none",
                                          "--iptables=false",
                                          "--ip-forward=false",
                                          "--ip-masq=false"};
  std::vector<char*> arguments;
  for (const auto& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const auto log = (directory / "log").string();
  const auto pid = ::fork();
  if (pid != 0) return pid;
  // A test that dies must not leave a daemon behind; SIGTERM lets it end its containers.
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  ::setpgid(0, 0);
  const int fd = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  ::dup2(fd, STDOUT_FILENO);
  ::dup2(fd, STDERR_FILENO);
  ::execv(program, arguments.data());
  ::_exit(127);
}

// True when the process ended within the time.
bool await_end(pid_t pid) {
  for (int i = 0; i < kStopPolls; ++i) {
    if (::waitpid(pid, nullptr, WNOHANG) == pid) return true;
    std::this_thread::sleep_for(kPoll);
  }
  return false;
}

}  // namespace

Result<std::unique_ptr<Daemon>> Daemon::start() {
  if (::geteuid() != 0) return fail(Code::kUnavailable, "a Docker daemon needs root");
  const auto* program = find_daemon();
  if (program == nullptr) return fail(Code::kUnavailable, "dockerd is not installed");
  char name[] = "/tmp/deployclaw-docker-XXXXXX";
  if (::mkdtemp(name) == nullptr) return fail(Code::kUnavailable, "no temporary directory");
  std::unique_ptr<Daemon> daemon(new Daemon());
  daemon->directory_ = name;
  daemon->socket_ = daemon->directory_ / "docker.sock";
  daemon->pid_ = spawn(program, daemon->directory_);
  for (int i = 0; i < kStartPolls; ++i) {
    if (answers(daemon->socket_)) return daemon;
    if (::waitpid(daemon->pid_, nullptr, WNOHANG) == daemon->pid_) {
      daemon->pid_ = -1;
      break;
    }
    std::this_thread::sleep_for(kPoll);
  }
  return fail(Code::kUnavailable, "dockerd did not start: " + end_of(daemon->directory_ / "log"));
}

Daemon::~Daemon() {
  if (pid_ > 0) {
    ::kill(pid_, SIGTERM);
    if (!await_end(pid_)) {
      ::kill(-pid_, SIGKILL);  // with its containerd: the group was made for them
      await_end(pid_);
    }
  }
  ::umount2((directory_ / "data").c_str(), MNT_DETACH);
  std::error_code ignored;
  fs::remove_all(directory_, ignored);
}

Result<fs::path> Daemon::shared_socket() {
  if (const auto* given = std::getenv("DEPLOYCLAW_TEST_DOCKER"); given != nullptr) {
    const fs::path path(given);
    if (!answers(path)) return fail(Code::kUnavailable, "no Docker daemon at " + path.string());
    return path;
  }
  static const auto shared = start();
  if (!shared) return fail(shared.error());
  return (*shared)->socket();
}

}  // namespace deployclaw::docker::testing
