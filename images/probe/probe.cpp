// Command line, HTTP server and health paths of the probe agent.
#include "probe.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>

namespace probe {
namespace {

constexpr char kConfigFile[] = "/state/probe.json";
constexpr size_t kMostHeadBytes = 64 * 1024;
constexpr size_t kMostBodyBytes = 1024 * 1024;

Settings settings;
long started_at = 0;
std::atomic<bool> unready{false};

// Health bodies have OpenClaw's shape, so the same checks read both.
bool health(const Request& request, Response& response) {
  const long age = now_ms() - started_at;
  const bool started = age >= settings.started_after_ms;
  const bool ready = started && !settings.never_ready && !unready.load() &&
                     age >= settings.ready_after_ms &&
                     (settings.unready_after_ms == 0 || age < settings.unready_after_ms);
  if (request.path == "/healthz") {
    response.body = Json().flag("ok", true).text("status", "live").end();
    return true;
  }
  if (request.path != "/startupz" && request.path != "/readyz") return false;
  const auto forwarded = request.headers.find("x-forwarded-for");
  const bool loopback = forwarded == request.headers.end() ||
                        forwarded->second.rfind("127.", 0) == 0 || forwarded->second == "::1";
  if (settings.require_forwarded_for && loopback) {
    response = {403, Json().flag("ok", false).text("error", "forbidden").end()};
  } else if (request.path == "/startupz") {
    response.status = started ? 200 : 503;
    response.body =
        Json().flag("ok", started).text("status", started ? "started" : "starting").end();
  } else {
    response.status = ready ? 200 : 503;
    response.body = Json().flag("ready", ready).end();
  }
  return true;
}

bool echo(const Request& request, Response& response) {
  if (request.path != "/echo") return false;
  Json headers;
  for (const auto& [name, value] : request.headers) headers.text(name, value);
  response.body = Json()
                      .text("method", request.method)
                      .raw("headers", headers.end())
                      .text("body", request.body)
                      .end();
  return true;
}

Response answer(const Request& request) {
  Response response;
  if (request.path == "/do/unready" || request.path == "/do/ready") {
    unready.store(request.path == "/do/unready");
    response.body = Json().flag("ok", true).end();
  } else if (!health(request, response) && !attempt(request, response) &&
             !inspect(request, response) && !misbehave(request, response) &&
             !escape(request, response) && !echo(request, response)) {
    response = {404, Json().flag("ok", false).text("error", "no such path").end()};
  }
  return response;
}

void set_target(Request& request, std::string_view target) {
  const size_t mark = target.find('?');
  request.path = std::string(target.substr(0, mark));
  if (mark == std::string_view::npos) return;
  std::string_view rest = target.substr(mark + 1);
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    const size_t equals = pair.find('=');
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
    request.query[percent_decode(pair.substr(0, equals))] = percent_decode(value);
    rest.remove_prefix(pair.size() == rest.size() ? rest.size() : pair.size() + 1);
  }
}

void set_headers(Request& request, std::string_view head) {
  for (size_t at = head.find("\r\n"); at != std::string_view::npos; at = head.find("\r\n")) {
    head.remove_prefix(at + 2);
    const std::string_view line = head.substr(0, head.find("\r\n"));
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    std::string name(line.substr(0, colon));
    for (char& c : name) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    std::string_view value = line.substr(colon + 1);
    while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
    request.headers[name] = std::string(value);
  }
}

bool receive(int socket, Request& request) {
  std::string data;
  size_t head_end = std::string::npos;
  char buffer[8192];
  while ((head_end = data.find("\r\n\r\n")) == std::string::npos) {
    if (data.size() > kMostHeadBytes) return false;
    const ssize_t count = recv(socket, buffer, sizeof buffer, 0);
    if (count <= 0) return false;
    data.append(buffer, static_cast<size_t>(count));
  }
  const std::string_view head = std::string_view(data).substr(0, head_end);
  const std::string_view line = head.substr(0, head.find("\r\n"));
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == std::string_view::npos || last <= first) return false;
  request.method = std::string(line.substr(0, first));
  set_target(request, line.substr(first + 1, last - first - 1));
  set_headers(request, head);
  const auto length = request.headers.find("content-length");
  const size_t wanted =
      length == request.headers.end() ? 0 : static_cast<size_t>(to_number(length->second, 0));
  if (wanted > kMostBodyBytes) return false;
  request.body = data.substr(head_end + 4);
  while (request.body.size() < wanted) {
    const ssize_t count = recv(socket, buffer, sizeof buffer, 0);
    if (count <= 0) return false;
    request.body.append(buffer, static_cast<size_t>(count));
  }
  return true;
}

void* serve_connection(void* argument) {
  const int socket = static_cast<int>(reinterpret_cast<intptr_t>(argument));
  const timeval patience{10, 0};
  setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  Request request;
  if (receive(socket, request)) {
    const Response response = answer(request);
    std::string out = "HTTP/1.1 " + std::to_string(response.status) +
                      " -\r\nContent-Type: application/json\r\nConnection: close\r\n"
                      "Content-Length: " +
                      std::to_string(response.body.size()) + "\r\n\r\n";
    if (request.method != "HEAD") out += response.body;
    for (size_t sent = 0; sent < out.size();) {
      const ssize_t count = send(socket, out.data() + sent, out.size() - sent, MSG_NOSIGNAL);
      if (count <= 0) break;
      sent += static_cast<size_t>(count);
    }
  }
  close(socket);
  return nullptr;
}

bool start_thread(void* (*body)(void*), void* argument) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, 256 * 1024);
  pthread_t thread;
  return pthread_create(&thread, &attributes, body, argument) == 0;
}

void sleep_ms(long milliseconds) {
  const timespec pause{milliseconds / 1000, (milliseconds % 1000) * 1'000'000};
  nanosleep(&pause, nullptr);
}

void* misbehave_as_told(void*) {
  print_lines(settings.print, settings.print_count, settings.print_every_ms);
  if (settings.exit_code >= 0) {
    sleep_ms(settings.exit_after_ms);
    dprintf(STDERR_FILENO, "probe: exiting with code %d as told\n", settings.exit_code);
    _exit(settings.exit_code);
  }
  if (settings.fork_bomb) fork_bomb();
  if (settings.memory_bomb) memory_bomb();
  std::string error;
  if (!settings.fill_path.empty()) fill_disk(settings.fill_path, -1, error);
  return nullptr;
}

void on_terminate(int) {
  static constexpr char kLine[] = "probe: stopping\n";
  (void)!write(STDOUT_FILENO, kLine, sizeof kLine - 1);
  _exit(143);
}

int serve() {
  started_at = now_ms();
  std::string error;
  if (!load_settings(kConfigFile, settings, error)) {
    dprintf(STDERR_FILENO, "probe: configuration error: %s\n", error.c_str());
    return 78;
  }
  signal(SIGTERM, settings.ignore_term ? SIG_IGN : on_terminate);
  signal(SIGPIPE, SIG_IGN);
  start_thread(misbehave_as_told, nullptr);
  sleep_ms(settings.listen_after_ms);

  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(settings.port));
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      listen(listener, 128) != 0) {
    perror("probe: listen");
    return 1;
  }
  dprintf(STDOUT_FILENO, "probe: listening on port %d\n", settings.port);
  while (true) {
    const int socket = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) continue;
    if (!start_thread(serve_connection, reinterpret_cast<void*>(static_cast<intptr_t>(socket)))) {
      close(socket);
    }
  }
}

// probe get TARGET: the answer of a path without a server, for `docker exec`. Exit code 0 when the
// answer says "ok": true (or says nothing about it), else 1.
int print_answer(std::string_view target) {
  Request request;
  request.method = "GET";
  set_target(request, target);
  const Response response = answer(request);
  printf("%s\n", response.body.c_str());
  return response.status == 200 && response.body.find("\"ok\":false") == std::string::npos ? 0 : 1;
}

int run(int argc, char** argv) {
  const std::string verb = argc > 1 ? argv[1] : "serve";
  if (verb == "serve") return serve();
  if (verb == "get" && argc == 3) return print_answer(argv[2]);
  const std::string first = argc > 2 ? argv[2] : "";
  const std::string second = argc > 3 ? argv[3] : "";
  const std::string wait = "&timeoutMs=" + std::string(argc > 4 ? argv[4] : "2000");
  if (verb == "try-tcp" || verb == "try-tcp6" || verb == "try-udp") {
    return print_answer("/try/" + verb.substr(4) + "?host=" + first + "&port=" + second + wait);
  }
  if (verb == "try-icmp") return print_answer("/try/icmp?host=" + first + wait);
  if (verb == "try-dns") return print_answer("/try/dns?name=" + first + "&server=" + second + wait);
  dprintf(STDERR_FILENO,
          "usage: probe [serve]\n       probe get PATH\n"
          "       probe try-tcp|try-tcp6|try-udp HOST PORT [TIMEOUT-MS]\n"
          "       probe try-icmp HOST\n       probe try-dns NAME [SERVER]\n");
  return 2;
}

}  // namespace
}  // namespace probe

int main(int argc, char** argv) { return probe::run(argc, argv); }
