// One run of the egress bench's load: many connections on one thread, and what they measured.

#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "egress_connection.hpp"

namespace deployclaw::bench {

enum class Mode {
  kRequests,  // kept-alive connections, each asking again as soon as it has its answer
  kOpens,     // a new connection for each request
  kEvents,    // one endless stream of events per connection; delays from the time inside each event
  kIdle,      // one request on each connection at the end
};

struct Settings {
  Mode mode = Mode::kRequests;
  std::string mode_name;
  std::string address = "127.0.0.1";  // of the proxy or server
  std::uint16_t port = 0;
  std::string tunnel;  // authority for CONNECT; empty without a proxy
  std::string host;
  std::string ca_file;
  std::uint64_t connections = 1;
  std::string request;  // bytes of one request
};

// Ends the program with a message.
[[noreturn]] void die(const std::string& why);

class Load {
 public:
  explicit Load(Settings settings);
  ~Load();
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  // Opens every connection, few at a time, and waits for one answer (or event) on each.
  void warm_up();

  // Measures for so long; idle connections only until each has answered once more.
  void run(std::int64_t nanoseconds);

  // One line of JSON. Times in microseconds; `busy` is the part of a core that this program took.
  std::string report();

 private:
  void reopen(Connection& connection);
  void ask(Connection& connection);
  void poll();
  void handle(Connection& connection);
  void answered(Connection& connection);
  void read_events(Connection& connection);
  void failed(Connection& connection);
  bool over(std::int64_t end) const;
  std::uint64_t total_received() const;

  Settings settings_;
  int epoll_;
  Target target_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::size_t opened_ = 0;
  std::set<const Connection*> warm_;
  bool measuring_ = false;
  std::int64_t begin_ = 0;
  std::int64_t end_ = 0;
  double cpu_at_begin_ = 0;
  double cpu_ = 0;
  std::uint64_t received_by_closed_ = 0;
  std::uint64_t received_at_begin_ = 0;
  std::vector<std::int64_t> samples_;
  std::uint64_t failures_ = 0;
  std::string failure_;
};

}  // namespace deployclaw::bench
