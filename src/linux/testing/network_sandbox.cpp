#include "linux/testing/network_sandbox.hpp"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <thread>

#include "linux/netns.hpp"
#include "linux/route_socket.hpp"

namespace deployclaw::linux::testing {

namespace {

void must(bool ok, const std::string& what) {
  if (!ok) throw std::runtime_error("network sandbox: " + what);
}

Status set_loopback_up() {
  auto socket = RouteSocket::open();
  if (!socket) return fail(socket.error());
  const auto loopback = socket->find("lo");
  if (!loopback) return fail(loopback.error());
  return socket->set_up((*loopback)->index);
}

}  // namespace

bool NetworkSandbox::possible() {
  bool allowed = false;
  std::thread thread([&] { allowed = ::unshare(CLONE_NEWNET) == 0; });
  thread.join();
  return allowed;
}

NetworkSandbox::NetworkSandbox()
    : original_(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)) {
  must(original_.valid(), "cannot open own namespace");
  must(::unshare(CLONE_NEWNET) == 0, "cannot make a namespace");
  must(set_loopback_up().has_value(), "cannot set lo up");
}

NetworkSandbox::~NetworkSandbox() {
  while (!agents_.empty()) kill_agent(agents_.back());
  ::setns(original_.get(), CLONE_NEWNET);
}

pid_t NetworkSandbox::make_agent() {
  int ready[2];
  must(::pipe2(ready, O_CLOEXEC) == 0, "pipe");
  const auto pid = ::fork();
  must(pid >= 0, "fork");
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const char answer = ::unshare(CLONE_NEWNET) == 0 ? 'y' : 'n';
    if (::write(ready[1], &answer, 1) != 1) ::_exit(1);
    for (;;) ::pause();
  }
  ::close(ready[1]);
  char answer = 0;
  const auto got = ::read(ready[0], &answer, 1);
  ::close(ready[0]);
  agents_.push_back(pid);
  must(got == 1 && answer == 'y', "the agent has no namespace");
  inside(pid, [] { must(set_loopback_up().has_value(), "cannot set lo up"); });
  return pid;
}

void NetworkSandbox::kill_agent(pid_t pid) {
  std::erase(agents_, pid);
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}

void NetworkSandbox::inside(pid_t agent, const std::function<void()>& work) {
  const auto netns = open_netns(agent);
  must(netns.has_value(), "the agent is gone");
  const auto done = run_in_netns(*netns, [&]() -> Status {
    work();
    return {};
  });
  must(done.has_value(), "cannot enter the agent's namespace");
}

}  // namespace deployclaw::linux::testing
