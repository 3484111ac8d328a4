// Network attempts of the probe agent: what does a packet from in here reach?
// Only address literals and the probe's own DNS client are used; libc's resolver would hide who
// was asked.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "probe.hpp"

namespace probe {
namespace {

struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;
};

std::string parameter(const Request& request, std::string_view name, std::string otherwise = "") {
  const auto found = request.query.find(name);
  return found == request.query.end() ? otherwise : found->second;
}

std::string host_server() {
  FILE* file = fopen("/etc/resolv.conf", "re");
  if (file == nullptr) return "";
  char line[256];
  char server[128] = "";
  while (server[0] == '\0' && fgets(line, sizeof line, file) != nullptr) {
    sscanf(line, "nameserver %127s", server);
  }
  fclose(file);
  return server;
}

bool literal(const std::string& host, long port, Address& out) {
  auto* v4 = reinterpret_cast<sockaddr_in*>(&out.storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&out.storage);
  if (inet_pton(AF_INET, host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(static_cast<uint16_t>(port));
    out.length = sizeof *v4;
  } else if (inet_pton(AF_INET6, host.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(static_cast<uint16_t>(port));
    out.length = sizeof *v6;
  }
  return out.length != 0;
}

// Waits for `events`; 0 when they came, else an errno.
int wait_for(int socket, short events, long deadline) {
  pollfd entry{socket, events, 0};
  const long left = deadline - now_ms();
  const int count = poll(&entry, 1, static_cast<int>(left < 0 ? 0 : left));
  return count > 0 ? 0 : count == 0 ? ETIMEDOUT : errno;
}

std::string error_name(int code) { return code == 0 ? "" : strerrorname_np(code); }

Response report(Json json, int error, long since) {
  json.flag("ok", error == 0).text("error", error_name(error)).number("ms", now_ms() - since);
  return {200, json.end()};
}

std::string query_for(const std::string& name) {
  std::string packet("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00", 12);
  for (size_t from = 0; from < name.size();) {
    size_t dot = name.find('.', from);
    if (dot == std::string::npos) dot = name.size();
    packet += static_cast<char>((dot - from) & 63);
    packet += name.substr(from, dot - from);
    from = dot + 1;
  }
  return packet + std::string("\0\0\1\0\1", 5);  // root label, type A, class IN
}

// The A records of an answer as a JSON array; stops at whatever it does not understand.
std::string addresses_in(std::string_view packet) {
  std::string list;
  const auto u8 = [&](size_t i) {
    return i < packet.size() ? static_cast<unsigned char>(packet[i]) : 0U;
  };
  const auto u16 = [&](size_t i) { return u8(i) * 256 + u8(i + 1); };
  const auto skip_name = [&](size_t at) {
    while (at < packet.size() && u8(at) != 0 && u8(at) < 0xC0) at += u8(at) + 1;
    return at + (u8(at) >= 0xC0 ? 2 : 1);
  };
  size_t at = skip_name(12) + 4;
  for (unsigned left = u16(6); left > 0 && at < packet.size(); --left) {
    at = skip_name(at);
    const unsigned length = u16(at + 8);
    if (u16(at) == 1 && length == 4) {
      char text[32];
      snprintf(text, sizeof text, "\"%u.%u.%u.%u\"", u8(at + 10), u8(at + 11), u8(at + 12),
               u8(at + 13));
      list += (list.empty() ? "" : ",") + std::string(text);
    }
    at += 10 + length;
  }
  return "[" + list + "]";
}

Response exchange(const std::string& host, long port, const std::string& payload, long timeout,
                  bool stream, bool wants_reply, std::string& reply) {
  const long since = now_ms();
  const long deadline = since + timeout;
  Address address;
  if (!literal(host, port, address))
    return report(Json().text("why", "not an address"), EINVAL, since);
  const int type = (stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK;
  const int fd = socket(address.storage.ss_family, type, 0);
  if (fd < 0) return report(Json().text("step", "socket"), errno, since);

  const char* step = "connect";
  int error = 0;
  if (connect(fd, reinterpret_cast<sockaddr*>(&address.storage), address.length) != 0) {
    error = errno == EINPROGRESS ? wait_for(fd, POLLOUT, deadline) : errno;
    socklen_t length = sizeof error;
    if (error == 0) getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
  }
  const bool connected = error == 0;
  if (error == 0 && (!payload.empty() || !stream)) {
    step = "send";
    if (send(fd, payload.data(), payload.size(), MSG_NOSIGNAL) < 0) error = errno;
  }
  if (error == 0 && wants_reply) {
    step = "receive";
    error = wait_for(fd, POLLIN, deadline);
    char buffer[4096];
    const ssize_t count = error == 0 ? recv(fd, buffer, sizeof buffer, 0) : 0;
    if (count < 0) error = errno;
    if (count > 0) reply.assign(buffer, static_cast<size_t>(count));
    if (count == 0 && error == 0 && stream) error = ECONNRESET;  // closed without a byte
  }
  close(fd);
  Json json;
  json.text("step", step).flag("connected", connected).text("reply", reply);
  return report(json, error, since);
}

// Two ways to ping: the unprivileged datagram socket and, should a capability be left, a raw one.
Response ping(const std::string& host, long timeout) {
  const long since = now_ms();
  Address address;
  if (!literal(host, 0, address))
    return report(Json().text("why", "not an address"), EINVAL, since);
  std::string kind = "dgram";
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_ICMP);
  if (fd < 0) {
    kind = "raw";
    fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
  }
  if (fd < 0) return report(Json().text("step", "socket"), errno, since);
  icmphdr echo{};
  echo.type = ICMP_ECHO;
  echo.checksum = kind == "raw" ? static_cast<uint16_t>(~ICMP_ECHO) : 0;
  int error = 0;
  if (sendto(fd, &echo, sizeof echo, 0, reinterpret_cast<sockaddr*>(&address.storage),
             address.length) < 0) {
    error = errno;
  } else {
    error = wait_for(fd, POLLIN, since + timeout);
  }
  close(fd);
  return report(Json().text("kind", kind), error, since);
}

Response resolve(const Request& request, long timeout) {
  std::string reply;
  const std::string server = parameter(request, "server", "");
  Response response = exchange(server.empty() ? host_server() : server, 53,
                               query_for(parameter(request, "name")), timeout, false, true, reply);
  if (reply.size() < 12) return response;
  const int code = reply[3] & 15;
  response.body = Json()
                      .flag("ok", code == 0)
                      .number("rcode", code)
                      .raw("addresses", addresses_in(reply))
                      .end();
  return response;
}

}  // namespace

bool attempt(const Request& request, Response& response) {
  if (request.path.rfind("/try/", 0) != 0) return false;
  const std::string what = request.path.substr(5);
  const std::string host = parameter(request, "host");
  const long port = to_number(parameter(request, "port"), 0);
  const long timeout = to_number(parameter(request, "timeoutMs"), 2000);
  const std::string payload = parameter(request, "send");
  const bool wants_reply = !payload.empty() || parameter(request, "reply") == "true";
  std::string reply;
  if (what == "tcp" || what == "tcp6") {
    response = exchange(host, port, payload, timeout, true, wants_reply, reply);
  } else if (what == "udp") {
    // A datagram that leaves proves nothing: "ok" means that an answer came.
    response =
        exchange(host, port, payload.empty() ? "probe" : payload, timeout, false, true, reply);
  } else if (what == "icmp") {
    response = ping(host, timeout);
  } else if (what == "dns") {
    response = resolve(request, timeout);
  } else {
    return false;
  }
  return true;
}

}  // namespace probe
