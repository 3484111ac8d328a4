// What the probe agent sees around itself: files, environment, mounts, identity, capabilities.
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probe.hpp"

extern char** environ;

namespace probe {
namespace {

constexpr size_t kMostReadBytes = 256 * 1024;

bool read_file(const std::string& path, std::string& text) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return false;
  char buffer[8192];
  ssize_t count = 0;
  while (text.size() < kMostReadBytes && (count = read(fd, buffer, sizeof buffer)) > 0) {
    text.append(buffer, static_cast<size_t>(count));
  }
  const int error = errno;
  close(fd);
  errno = error;
  return count >= 0;
}

Response failure(int code) {
  return {200, Json().flag("ok", false).text("error", strerrorname_np(code)).end()};
}

std::string joined(std::string& list, const std::string& item) {
  if (!list.empty()) list += ',';
  return list += item;
}

Response read_path(const std::string& path) {
  std::string text;
  if (!read_file(path, text)) return failure(errno);
  return {200, Json().flag("ok", true).text("text", text).end()};
}

Response list_path(const std::string& path) {
  DIR* directory = opendir(path.c_str());
  if (directory == nullptr) return failure(errno);
  std::string list;
  while (const dirent* entry = readdir(directory)) {
    struct stat status{};
    fstatat(dirfd(directory), entry->d_name, &status, AT_SYMLINK_NOFOLLOW);
    char mode[16];
    snprintf(mode, sizeof mode, "%06o", status.st_mode);
    joined(list, Json()
                     .text("name", entry->d_name)
                     .text("mode", mode)
                     .number("uid", status.st_uid)
                     .number("size", status.st_size)
                     .end());
  }
  closedir(directory);
  return {200, Json().flag("ok", true).raw("entries", "[" + list + "]").end()};
}

Response write_path(const std::string& path) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return failure(errno);
  const bool written = write(fd, "probe\n", 6) == 6;
  const int error = errno;
  close(fd);
  return written ? Response{200, Json().flag("ok", true).end()} : failure(error);
}

std::string lines_of(const std::string& text) {
  std::string list;
  for (size_t from = 0; from < text.size();) {
    const size_t end =
        text.find('\n', from) == std::string::npos ? text.size() : text.find('\n', from);
    joined(list, quote(text.substr(from, end - from)));
    from = end + 1;
  }
  return "[" + list + "]";
}

std::string field_of(const std::string& status, const std::string& name) {
  const size_t at = status.find("\n" + name + ":\t");
  if (at == std::string::npos) return "";
  const size_t from = at + name.size() + 3;
  return status.substr(from, status.find('\n', from) - from);
}

Response capabilities() {
  std::string status;
  read_file("/proc/self/status", status);
  Json json;
  for (const char* name : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs",
                           "Seccomp", "Seccomp_filters"}) {
    json.text(name, field_of(status, name));
  }
  return {200, json.end()};
}

Response identity() {
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  gid_t groups[64];
  const int count = getgroups(64, groups);
  std::string list;
  for (int i = 0; i < count; ++i) joined(list, std::to_string(groups[i]));
  return {200, Json()
                   .number("uid", getuid())
                   .number("euid", geteuid())
                   .number("gid", getgid())
                   .raw("groups", "[" + list + "]")
                   .text("hostname", host)
                   .number("pid", getpid())
                   .end()};
}

Response network() {
  std::string interfaces;
  ifaddrs* first = nullptr;
  if (getifaddrs(&first) != 0) return failure(errno);
  for (const ifaddrs* entry = first; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr) continue;
    const int family = entry->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    char text[INET6_ADDRSTRLEN] = "";
    const void* bytes =
        family == AF_INET
            ? static_cast<const void*>(&reinterpret_cast<sockaddr_in*>(entry->ifa_addr)->sin_addr)
            : &reinterpret_cast<sockaddr_in6*>(entry->ifa_addr)->sin6_addr;
    inet_ntop(family, bytes, text, sizeof text);
    joined(interfaces, Json()
                           .text("name", entry->ifa_name)
                           .text("address", text)
                           .flag("up", (entry->ifa_flags & IFF_UP) != 0)
                           .end());
  }
  freeifaddrs(first);
  std::string routes;
  read_file("/proc/net/route", routes);
  return {200,
          Json().raw("interfaces", "[" + interfaces + "]").raw("routes", lines_of(routes)).end()};
}

Response environment() {
  Json json;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view pair = *entry;
    const size_t equals = pair.find('=');
    if (equals != std::string_view::npos)
      json.text(pair.substr(0, equals), pair.substr(equals + 1));
  }
  return {200, json.end()};
}

}  // namespace

bool inspect(const Request& request, Response& response) {
  const auto found = request.query.find("path");
  const std::string path = found == request.query.end() ? "/" : found->second;
  std::string text;
  if (request.path == "/env") {
    response = environment();
  } else if (request.path == "/read") {
    response = read_path(path);
  } else if (request.path == "/write") {
    response = write_path(path);
  } else if (request.path == "/ls") {
    response = list_path(path);
  } else if (request.path == "/mounts") {
    read_file("/proc/self/mounts", text);
    response = {200, Json().raw("mounts", lines_of(text)).end()};
  } else if (request.path == "/caps") {
    response = capabilities();
  } else if (request.path == "/whoami") {
    response = identity();
  } else if (request.path == "/net") {
    response = network();
  } else {
    return false;
  }
  return true;
}

}  // namespace probe
