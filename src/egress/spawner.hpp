#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <span>

#include "base/result.hpp"
#include "linux/file.hpp"

namespace deployclaw::egress {

// What a worker process does with its two sockets; the value is its exit code.
using WorkerMain = std::function<int(linux::UniqueFd channel, linux::UniqueFd audit)>;

// Starts workers from a process that holds no secret and does nothing else: it is forked off before
// the supervisor has read anything, keeps the capabilities that a sandbox takes to build, and
// understands two commands. So the supervisor itself needs no capability, and a worker starts
// without loading anything: what was loaded before the fork (the catalogue, the root certificates)
// is in shared memory. Workers share the layout of their address space, which a process image of
// their own would give each anew: the price of the quick start.
class Spawner {
 public:
  // Forks the spawner. Call it while the process has one thread and before it holds a secret.
  // Worker number n runs in a sandbox as uid first_uid + n.
  static Result<Spawner> start(uid_t first_uid, WorkerMain main);

  struct Worker {
    linux::UniqueFd channel;  // the supervisor's ends
    linux::UniqueFd audit;
    linux::UniqueFd lines;  // what it writes to its standard output and error
  };
  // Starts worker `number` (0 to 9,999). Returns at once; a worker that cannot shut itself in ends,
  // which shows as the end of its channel.
  Result<Worker> spawn(std::uint32_t number);
  // Kills a worker that does not end by itself.
  void kill(std::uint32_t number);

  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  Spawner(linux::UniqueFd socket, pid_t pid) : socket_(std::move(socket)), pid_(pid) {}
  Status send(char what, std::uint32_t number, std::span<const int> fds);

  linux::UniqueFd socket_;
  pid_t pid_ = -1;
};

}  // namespace deployclaw::egress
