#include "linux/netns.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>

#include <cerrno>
#include <string>
#include <thread>

namespace deployclaw::linux {

Result<UniqueFd> open_netns(pid_t pid) {
  if (pid <= 0) return fail(Code::kNotFound, "no process " + std::to_string(pid));
  const auto path = "/proc/" + std::to_string(pid) + "/ns/net";
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid())
    return fail_errno("open network namespace of process " + std::to_string(pid), errno);
  return fd;
}

Result<bool> is_own_netns(const UniqueFd& netns) {
  struct stat theirs{};
  struct stat ours{};
  if (::fstat(netns.get(), &theirs) != 0) return fail_errno("stat network namespace", errno);
  if (::stat("/proc/thread-self/ns/net", &ours) != 0) {
    return fail_errno("stat own network namespace", errno);
  }
  return theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino;
}

Status run_in_netns(const UniqueFd& netns, const std::function<Status()>& work) {
  Status status;
  std::thread thread([&] {
    if (::setns(netns.get(), CLONE_NEWNET) != 0) {
      status = fail_errno("enter network namespace", errno);
      return;
    }
    status = work();
  });
  thread.join();
  return status;
}

}  // namespace deployclaw::linux
