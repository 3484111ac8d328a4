#include "egress/spawner.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <vector>

#include "base/log.hpp"
#include "egress/packet_channel.hpp"
#include "linux/packet.hpp"
#include "linux/sandbox.hpp"

namespace deployclaw::egress {
namespace {

constexpr std::uint32_t kMostWorkers = 10'000;
constexpr int kCannotShutIn = 71;

struct Command {
  char what = 0;  // 's' spawn, 'k' kill
  std::uint32_t number = 0;
};

struct Received {
  Command command;
  std::vector<linux::UniqueFd> fds;  // of a spawn: channel, audit, lines
};

// False when the supervisor is gone.
bool receive(int socket, Received& received) {
  std::array<char, sizeof(Command)> bytes{};
  const auto got = linux::receive_packet(socket, bytes, received.fds);
  if (got < 0 && errno == EINTR) return true;
  if (got != sizeof(Command)) return false;
  std::memcpy(&received.command, bytes.data(), sizeof(Command));
  return true;
}

[[noreturn]] void run_worker(uid_t uid, Received received, const WorkerMain& main) {
  struct sigaction plain{};
  plain.sa_handler = SIG_DFL;
  sigaction(SIGCHLD, &plain, nullptr);
  signal(SIGPIPE, SIG_IGN);
  // Not the supervisor's own log: there it could write whatever it likes, without an end.
  dup2(received.fds[2].get(), STDOUT_FILENO);
  dup2(received.fds[2].get(), STDERR_FILENO);
  received.fds[2] = linux::UniqueFd();
  if (auto shut = linux::enter_sandbox({.uid = uid}); !shut) {
    log::error("worker cannot shut itself in", {{"cause", shut.error().message}});
    _exit(kCannotShutIn);
  }
  _exit(main(std::move(received.fds[0]), std::move(received.fds[1])));
}

class Loop {
 public:
  Loop(linux::UniqueFd socket, uid_t first_uid, const WorkerMain& main)
      : socket_(std::move(socket)), first_uid_(first_uid), main_(main) {}

  void run() {
    while (true) {
      Received received;
      const bool goes_on = receive(socket_.get(), received);
      reap();
      if (!goes_on) break;
      if (received.command.what == 's') spawn(std::move(received));
      if (received.command.what == 'k') kill(received.command.number);
    }
    for (const auto& [number, pid] : workers_) ::kill(pid, SIGKILL);
  }

 private:
  void spawn(Received received) {
    const auto number = received.command.number;
    if (number >= kMostWorkers || received.fds.size() != 3) return;
    const pid_t pid = fork();
    if (pid == 0) {
      socket_ = linux::UniqueFd();
      run_worker(first_uid_ + number, std::move(received), main_);
    }
    if (pid > 0) workers_[number] = pid;
    if (pid < 0) log::error("cannot fork a worker", {{"cause", std::strerror(errno)}});
  }

  void kill(std::uint32_t number) {
    const auto found = workers_.find(number);
    if (found != workers_.end()) ::kill(found->second, SIGKILL);
  }

  void reap() {
    int status = 0;
    for (pid_t pid = waitpid(-1, &status, WNOHANG); pid > 0; pid = waitpid(-1, &status, WNOHANG)) {
      std::erase_if(workers_, [pid](const auto& entry) { return entry.second == pid; });
      // We kill what its supervisor has done with.
      if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL) {
        log::error("a worker was killed", {{"pid", pid}, {"signal", WTERMSIG(status)}});
      }
    }
  }

  linux::UniqueFd socket_;
  const uid_t first_uid_;
  const WorkerMain& main_;
  std::map<std::uint32_t, pid_t> workers_;
};

}  // namespace

Result<Spawner> Spawner::start(uid_t first_uid, WorkerMain main) {
  int ends[2] = {-1, -1};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return linux::fail_errno("socketpair", errno);
  }
  linux::UniqueFd ours(ends[0]);
  linux::UniqueFd theirs(ends[1]);
  const pid_t pid = fork();
  if (pid < 0) return linux::fail_errno("fork the spawner", errno);
  if (pid > 0) return Spawner(std::move(ours), pid);

  // No death signal: when the supervisor ends, its end of the socket closes, and the workers are
  // killed before this process ends too.
  ours = linux::UniqueFd();
  prctl(PR_SET_NAME, "egress-spawner");
  // Signals to the group are for the supervisor: it ends its workers in good order, then us.
  struct sigaction ignore{};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGTERM, &ignore, nullptr);
  sigaction(SIGINT, &ignore, nullptr);
  // Wakes the loop to reap; without SA_RESTART.
  struct sigaction wake{};
  wake.sa_handler = [](int) {};
  sigaction(SIGCHLD, &wake, nullptr);
  Loop(std::move(theirs), first_uid, main).run();
  _exit(0);
}

Status Spawner::send(char what, std::uint32_t number, std::span<const int> fds) {
  const Command command{.what = what, .number = number};
  const std::string_view bytes(reinterpret_cast<const char*>(&command), sizeof command);
  if (linux::send_packet(socket_.get(), bytes, fds) != 0) {
    return fail(Code::kUnavailable, "the spawner is gone");
  }
  return {};
}

Result<Spawner::Worker> Spawner::spawn(std::uint32_t number) {
  auto channel = make_packet_pair();
  if (!channel) return fail(channel.error());
  auto audit = make_packet_pair();
  if (!audit) return fail(audit.error());
  int ends[2] = {-1, -1};
  if (pipe2(ends, O_CLOEXEC) != 0) return linux::fail_errno("pipe", errno);
  linux::UniqueFd lines(ends[0]);
  const linux::UniqueFd writing(ends[1]);
  const std::array fds{channel->second.get(), audit->second.get(), writing.get()};
  if (auto sent = send('s', number, fds); !sent) return fail(sent.error());
  return Worker{.channel = std::move(channel->first),
                .audit = std::move(audit->first),
                .lines = std::move(lines)};
}

void Spawner::kill(std::uint32_t number) { (void)send('k', number, {}); }

}  // namespace deployclaw::egress
