// Load for ./dev bench egress: requests over TLS to localhost, through an intercepting proxy or
// not.
//
//   egress_load MODE [--port P] [--tunnel HOST:PORT] [--host NAME] [--ca FILE] [--connections N]
//               [--seconds S] [--path PATH] [--upload BYTES]
//
// MODE is requests, opens, events or idle: see egress_run.hpp. When all connections stand and have
// had one answer it prints "ready" and waits for a line on stdin; what comes before is not
// measured. At the end it prints one line of JSON.

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "egress_run.hpp"

namespace {

using namespace deployclaw::bench;

constexpr std::int64_t kSecond = 1'000'000'000;

const std::map<std::string, Mode> kModes = {{"requests", Mode::kRequests},
                                            {"opens", Mode::kOpens},
                                            {"events", Mode::kEvents},
                                            {"idle", Mode::kIdle}};

struct Options {
  Mode mode = Mode::kRequests;
  std::string mode_name;
  std::map<std::string, std::string> values = {
      {"port", ""},    {"tunnel", ""},       {"host", "localhost"},
      {"ca", ""},      {"connections", "1"}, {"seconds", "5"},
      {"path", "/1k"}, {"upload", "0"},      {"address", "127.0.0.1"},
      {"header", ""}};

  const std::string& text(const std::string& name) const { return values.at(name); }

  std::uint64_t number(const std::string& name, std::uint64_t most) const {
    const std::string& value = values.at(name);
    std::uint64_t out = 0;
    const char* end = value.data() + value.size();
    const auto [at, error] = std::from_chars(value.data(), end, out);
    if (error != std::errc{} || at != end || out > most) {
      die(fmt::format("--{} wants a number up to {}", name, most));
    }
    return out;
  }
};

Options parse_options(int argc, char** argv) {
  Options options;
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() % 2 == 0 || !kModes.contains(words[0])) {
    die("usage: egress_load requests|opens|events|idle [--option value]...");
  }
  options.mode_name = words[0];
  options.mode = kModes.at(words[0]);
  for (std::size_t n = 1; n < words.size(); n += 2) {
    const std::string name = words[n].substr(std::min<std::size_t>(2, words[n].size()));
    if (!options.values.contains(name)) die("no option " + words[n]);
    options.values[name] = words[n + 1];
  }
  return options;
}

std::string make_request(const Options& options) {
  const std::uint64_t upload = options.number("upload", 1UL << 30);
  const std::string host = options.text(options.text("tunnel").empty() ? "host" : "tunnel");
  std::string request = fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: egress-load\r\n",
                                    upload > 0 ? "POST" : "GET", options.text("path"), host);
  if (upload > 0) {
    request += "Content-Type: application/octet-stream\r\n";
    request += fmt::format("Content-Length: {}\r\n", upload);
  }
  if (!options.text("header").empty()) request += options.text("header") + "\r\n";
  request += "Accept: */*\r\n\r\n";
  return request + std::string(upload, 'u');
}

Settings make_settings(const Options& options) {
  Settings settings;
  settings.mode = options.mode;
  settings.mode_name = options.mode_name;
  settings.port = static_cast<std::uint16_t>(options.number("port", 65535));
  settings.address = options.text("address");
  settings.tunnel = options.text("tunnel");
  settings.host = options.text("host");
  settings.ca_file = options.text("ca");
  settings.connections = options.number("connections", 100'000);
  settings.request = make_request(options);
  return settings;
}

void allow_many_sockets() {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  allow_many_sockets();
  const Options options = parse_options(argc, argv);
  Load load(make_settings(options));
  load.warm_up();
  std::puts("ready");
  std::fflush(stdout);
  if (std::getchar() == EOF) return 0;
  load.run(static_cast<std::int64_t>(options.number("seconds", 3600)) * kSecond);
  std::puts(load.report().c_str());
  return 0;
}
