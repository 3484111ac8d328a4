#include "app/child.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

namespace deployclaw::app {
namespace {

// Everything below runs between fork and exec: plain system calls only.

[[noreturn]] void die(const char* step) {
  const char* reason = strerrordesc_np(errno);
  for (const char* part : {"cannot start: ", step, ": ", reason != nullptr ? reason : "?", "\n"}) {
    if (write(STDERR_FILENO, part, std::strlen(part)) < 0) break;
  }
  _exit(127);
}

void keep_capabilities(const std::vector<int>& capabilities) {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct data[2]{};
  for (const int capability : capabilities) {
    const auto word = static_cast<unsigned>(capability) / 32U;
    const auto bit = 1U << (static_cast<unsigned>(capability) % 32U);
    data[word].effective |= bit;
    data[word].permitted |= bit;
    data[word].inheritable |= bit;
  }
  if (syscall(SYS_capset, &header, data) != 0) die("capset");
  for (const int capability : capabilities) {
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) != 0)
      die("ambient capability");
  }
}

void drop_bounding_set(const std::vector<int>& keep) {
  for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability) {
    bool kept = false;
    for (const int wanted : keep) kept = kept || wanted == capability;
    if (!kept && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) die("capability bounding set");
  }
}

void become(const ChildSpec& spec) {
  if (spec.uid == 0) return;
  drop_bounding_set(spec.capabilities);
  if (prctl(PR_SET_KEEPCAPS, spec.capabilities.empty() ? 0 : 1, 0, 0, 0) != 0) die("keepcaps");
  if (setgroups(0, nullptr) != 0) die("setgroups");
  if (setresgid(spec.gid, spec.gid, spec.gid) != 0) die("setresgid");
  if (setresuid(spec.uid, spec.uid, spec.uid) != 0) die("setresuid");
  if (!spec.capabilities.empty()) keep_capabilities(spec.capabilities);
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) die("no_new_privs");
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  out.reserve(texts.size() + 1);
  for (const auto& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

}  // namespace

Result<pid_t> start_child(const ChildSpec& spec) {
  const int program =
      open(spec.program.empty() ? "/proc/self/exe" : spec.program.c_str(), O_RDONLY | O_CLOEXEC);
  if (program < 0) {
    return fail(Code::kUnavailable,
                fmt::format("{}: open {}: {}", spec.name, spec.program, strerrordesc_np(errno)));
  }
  const int log = spec.log_path.empty() ? fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3)
                                        : open(spec.log_path.c_str(),
                                               O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
  if (log < 0) {
    close(program);
    return fail(Code::kUnavailable, fmt::format("{}: open log {}: {}", spec.name, spec.log_path,
                                                strerrordesc_np(errno)));
  }
  std::vector<std::string> arguments{spec.program.empty() ? "deployclaw" : spec.program};
  arguments.insert(arguments.end(), spec.arguments.begin(), spec.arguments.end());
  const auto argv = pointers(arguments);
  const auto envp = pointers(spec.environment);
  const pid_t parent = getpid();

  const pid_t pid = fork();
  if (pid == 0) {
    const int null = open("/dev/null", O_RDONLY);
    dup2(null, STDIN_FILENO);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    // A terminal's Ctrl-C is for the supervisor, which stops its children in order.
    setsid();
    if (chdir(spec.working_directory.c_str()) != 0) die("chdir");
    become(spec);
    // After the uid change, which would clear it.
    prctl(PR_SET_PDEATHSIG, spec.death_signal, 0, 0, 0);
    if (getppid() != parent) _exit(0);
    fexecve(program, argv.data(), envp.data());
    die("exec");
  }
  const int fork_error = errno;
  close(program);
  close(log);
  if (pid < 0) {
    return fail(Code::kUnavailable,
                fmt::format("{}: fork: {}", spec.name, strerrordesc_np(fork_error)));
  }
  return pid;
}

Result<int> run_child(const ChildSpec& spec) {
  const auto pid = start_child(spec);
  if (!pid) return fail(pid.error());
  int status = 0;
  while (waitpid(*pid, &status, 0) < 0) {
    if (errno != EINTR) return fail(Code::kInternal, spec.name + ": waitpid failed");
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string describe_exit(int wait_status) {
  if (WIFEXITED(wait_status)) return fmt::format("exited with code {}", WEXITSTATUS(wait_status));
  return fmt::format("was killed by signal {}", WTERMSIG(wait_status));
}

}  // namespace deployclaw::app
