#include "linux/sandbox.hpp"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "linux/file.hpp"

namespace deployclaw::linux {
namespace {

// One empty directory is all there is.
Status leave_every_file_behind() {
  if (unshare(CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS) != 0) return fail_errno("unshare", errno);
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return fail_errno("make mounts private", errno);
  }
  constexpr unsigned long kFlags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  if (mount("none", "/tmp", "tmpfs", kFlags, "size=4k,nr_inodes=1,mode=0555") != 0) {
    return fail_errno("mount an empty root", errno);
  }
  if (chdir("/tmp") != 0) return fail_errno("enter the empty root", errno);
  if (syscall(SYS_pivot_root, ".", ".") != 0) return fail_errno("pivot_root", errno);
  if (umount2(".", MNT_DETACH) != 0) return fail_errno("leave the old root", errno);
  if (chdir("/") != 0) return fail_errno("enter the new root", errno);
  if (mount(nullptr, "/", nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY | kFlags, nullptr) != 0) {
    return fail_errno("make the root read-only", errno);
  }
  return {};
}

Status limit(int resource, std::uint64_t value) {
  const rlimit bound{.rlim_cur = value, .rlim_max = value};
  if (setrlimit(static_cast<__rlimit_resource>(resource), &bound) != 0) {
    return fail_errno("setrlimit", errno);
  }
  return {};
}

Status set_limits(const SandboxConfig& config) {
  if (auto set = limit(RLIMIT_CORE, 0); !set) return set;
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  const auto open_files = std::min<std::uint64_t>(config.open_files, files.rlim_max);
  if (auto set = limit(RLIMIT_NOFILE, open_files); !set) return set;
  return limit(RLIMIT_DATA, config.data_bytes);
}

Status change_user(uid_t uid) {
  if (uid == 0) return fail(Code::kInvalid, "a sandbox needs a user id other than root's");
  if (setgroups(0, nullptr) != 0) return fail_errno("setgroups", errno);
  if (setresgid(uid, uid, uid) != 0) return fail_errno("setresgid", errno);
  if (setresuid(uid, uid, uid) != 0) return fail_errno("setresuid", errno);
  return {};
}

// What an event loop with sockets, timers and memory needs, and nothing that names a file.
constexpr std::array kAllowed{
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(readv),
    SCMP_SYS(writev),
    SCMP_SYS(pread64),
    SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendto),
    SCMP_SYS(sendmsg),
    SCMP_SYS(connect),
    SCMP_SYS(getsockname),
    SCMP_SYS(getpeername),
    SCMP_SYS(setsockopt),
    SCMP_SYS(getsockopt),
    SCMP_SYS(shutdown),
    SCMP_SYS(close),
    SCMP_SYS(dup),
    SCMP_SYS(ioctl),
    SCMP_SYS(fcntl),
    SCMP_SYS(lseek),
    SCMP_SYS(fstat),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(epoll_create1),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(eventfd2),
    SCMP_SYS(timerfd_create),
    SCMP_SYS(timerfd_settime),
    SCMP_SYS(futex),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(brk),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(getrandom),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(sched_yield),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
};
// Libraries try these and go on without.
constexpr std::array kRefused{SCMP_SYS(open),       SCMP_SYS(openat), SCMP_SYS(stat),
                              SCMP_SYS(newfstatat), SCMP_SYS(access), SCMP_SYS(readlink),
                              SCMP_SYS(statx),      SCMP_SYS(uname),  SCMP_SYS(sysinfo)};

// Lets `call` through when its argument number `index`, under `mask`, is `value`.
int allow_with(scmp_filter_ctx filter, int call, unsigned index, scmp_datum_t mask,
               scmp_datum_t value) {
  const scmp_arg_cmp condition{
      .arg = index, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = value};
  return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 1, &condition);
}

Status load_filter() {
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
  if (filter == nullptr) return fail(Code::kInternal, "seccomp_init failed");
  constexpr scmp_datum_t kWhole = 0xffff'ffff;
  int failed = 0;
  for (const int call : kAllowed) failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0);
  for (const int call : kRefused) {
    failed |= seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), call, 0);
  }
  for (const int family : {AF_INET, AF_INET6}) {
    failed |= allow_with(filter, SCMP_SYS(socket), 0, kWhole, static_cast<scmp_datum_t>(family));
  }
  // Memory is never executable.
  for (const int call : {SCMP_SYS(mmap), SCMP_SYS(mprotect)}) {
    failed |= allow_with(filter, call, 2, PROT_EXEC, 0);
  }
  // Only its own end, so that a crash is seen as one.
  failed |= allow_with(filter, SCMP_SYS(tgkill), 0, kWhole, static_cast<scmp_datum_t>(getpid()));
  if (failed == 0) failed = seccomp_load(filter);
  seccomp_release(filter);
  if (failed != 0) return fail(Code::kInternal, "the system call filter cannot be loaded");
  return {};
}

}  // namespace

Status drop_capabilities() {
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) {
    return fail_errno("clear ambient capabilities", errno);
  }
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, 2> none{};
  if (syscall(SYS_capset, &header, none.data()) != 0) return fail_errno("capset", errno);
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail_errno("no_new_privs", errno);
  return {};
}

Status enter_sandbox(const SandboxConfig& config) {
  if (auto left = leave_every_file_behind(); !left) return left;
  if (auto limited = set_limits(config); !limited) return limited;
  if (auto changed = change_user(config.uid); !changed) return changed;
  if (auto dropped = drop_capabilities(); !dropped) return dropped;
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return fail_errno("not dumpable", errno);
  return load_filter();
}

}  // namespace deployclaw::linux
