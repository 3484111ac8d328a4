#pragma once

#include <chrono>
#include <deque>
#include <functional>

#include "egress/packet_channel.hpp"
#include "egress/spawner.hpp"
#include "egress/worker_config.hpp"

namespace deployclaw::egress {

// The supervisor's side of one worker process: what is to be handed over before the worker has its
// configuration waits here, in order and bounded. One thread.
class WorkerHandle {
 public:
  using Clock = std::chrono::steady_clock;

  WorkerHandle(boost::asio::any_io_executor executor, std::uint32_t number,
               linux::UniqueFd channel);

  // Hands a connection or a datagram over, or keeps it until configure(). kUnavailable when the
  // worker is gone or too much waits: the caller drops it.
  Status hand_over(std::string packet, linux::UniqueFd fd);
  // Gives the worker its (next) configuration and then what waited.
  Status configure(const WorkerConfig& config);
  void drain();
  Task<Result<Packet>> receive() { return channel_.receive(); }
  void close() { channel_.close(); }

  // Connections that wait for a configuration longer than this are dropped.
  void drop_older_than(std::chrono::milliseconds age);
  void note_idle(std::uint32_t connections);
  // Without a connection for so long.
  [[nodiscard]] bool idle_for(std::chrono::milliseconds span) const;

  [[nodiscard]] std::uint32_t number() const { return number_; }
  [[nodiscard]] std::uint64_t version() const { return version_; }
  [[nodiscard]] std::uint32_t connections() const { return connections_; }
  bool configuring = false;  // its secrets are being opened

 private:
  struct Waiting {
    std::string packet;
    linux::UniqueFd fd;
    Clock::time_point since;
  };
  PacketChannel channel_;
  const std::uint32_t number_;
  std::uint64_t version_ = 0;
  std::uint32_t connections_ = 0;
  Clock::time_point busy_at_ = Clock::now();
  std::deque<Waiting> waiting_;
};

}  // namespace deployclaw::egress
