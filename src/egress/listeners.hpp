#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/task.hpp"
#include "egress/messages.hpp"
#include "linux/file.hpp"

namespace deployclaw::egress {

// An agent's connection as the kernel tells of it: no byte of it has been read.
struct Arrival {
  linux::UniqueFd socket;
  Entrance entrance = Entrance::kProxy;
  Ipv4 source;
  Ipv4 destination;  // where the agent believes it is connected to (SO_ORIGINAL_DST)
  std::uint16_t port = 0;
};

struct ListenPorts {
  Ipv4 address;
  std::uint16_t proxy = 0;
  std::uint16_t transparent = 0;
  std::uint16_t dns = 0;
};

// The sockets that the firewall leads agents to. The address need not exist yet. One thread.
class Listeners {
 public:
  using OnArrival = std::function<void(Arrival)>;
  using OnDatagram = std::function<void(Ipv4 source, std::uint16_t port, std::string bytes)>;

  Listeners(boost::asio::any_io_executor executor, OnArrival on_arrival, OnDatagram on_datagram);
  ~Listeners();  // stop() must have returned, or the io_context must never run again

  // Listens on all of them; port 0 picks one. kUnavailable naming the port that is taken.
  Status start(const ListenPorts& ports);
  // Answers a datagram; lost ones are lost, as with any DNS server.
  void send_datagram(Ipv4 to, std::uint16_t port, std::string_view bytes);
  Task<void> stop();
  [[nodiscard]] ListenPorts ports() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace deployclaw::egress
