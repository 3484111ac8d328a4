#include "app/embedded_docker.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <string_view>

namespace deployclaw::app {
namespace {

constexpr std::string_view kUnix = "unix://";
constexpr std::array kDaemons{"/usr/sbin/dockerd", "/usr/bin/dockerd"};

const char* find_daemon() {
  for (const char* path : kDaemons) {
    if (access(path, X_OK) == 0) return path;
  }
  return nullptr;
}

}  // namespace

bool docker_answers(const std::string& host) {
  if (!host.starts_with(kUnix)) return false;
  const auto path = host.substr(kUnix.size());
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return false;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);

  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const timeval limit{.tv_sec = 2, .tv_usec = 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  bool good = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  constexpr std::string_view kPing =
      "GET /_ping HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n";
  good = good &&
         send(fd, kPing.data(), kPing.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(kPing.size());
  std::array<char, 12> head{};
  good =
      good && recv(fd, head.data(), head.size(), MSG_WAITALL) == static_cast<ssize_t>(head.size());
  close(fd);
  return good && std::string_view(head.data(), head.size()) == "HTTP/1.1 200";
}

Status EmbeddedDocker::prepare() const {
  if (find_daemon() == nullptr) {
    return fail(
        Code::kUnavailable,
        "no Docker Engine answers and none is installed: install Debian's package docker.io, "
        "or set docker.host");
  }
  // A daemon that was killed leaves its pid file, and then refuses to start if that pid lives.
  std::error_code ignored;
  std::filesystem::remove(paths_.run + "/docker.pid", ignored);
  return make_directory(paths_.home + "/docker", 0, 0, 0711);
}

Service EmbeddedDocker::service() const {
  ChildSpec child{.name = "dockerd",
                  .program = find_daemon(),
                  .arguments = {"--data-root", paths_.shared_home + "/docker", "--exec-root",
                                paths_.run + "/docker", "--pidfile", paths_.run + "/docker.pid",
                                "--host", host(), "--bridge", "none", "--iptables=false",
                                "--ip-forward=false", "--ip-masq=false", "--log-level", "warn"},
                  .environment = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"},
                  .log_path = paths_.log("dockerd")};
  return Service{.child = std::move(child), .grace = std::chrono::seconds(60)};
}

}  // namespace deployclaw::app
