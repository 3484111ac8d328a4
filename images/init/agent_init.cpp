// agent-init: holds an agent back until its network (and, if asked, a file) is there.
//
//   agent-init [--wait-file PATH]... [--timeout SECONDS] [--] COMMAND [ARGUMENT...]
//
// Why it exists: agents are started with `--network none`, and the orchestrator puts an interface
// into their namespace a moment later. Many programs look at the network once, at their start, and
// never again; an agent that started too early would stay deaf. So this program is the first thing
// in every image: it waits until eth0 exists, is up, and a default route goes through it, then
// becomes COMMAND by execvp, behind a filter of system calls (see kFilter). Docker's own init
// (tini, process 1) stands above it and reaps; a SIGTERM during the wait ends this program by the
// default action.
//
// Environment: DEPLOYCLAW_NETWORK=none skips the wait for the network (an agent that has none).
// Exit codes:  111 gave up waiting, 112 bad usage, 113 no filter, 126/127 COMMAND could not be
// executed (as in sh).
//
// It is linked statically and uses libc calls only, so it runs in an empty image.

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

namespace {

constexpr int kExitTimeout = 111;
constexpr int kExitUsage = 112;
constexpr int kExitFilter = 113;
constexpr long kPollMilliseconds = 20;
constexpr long kDefaultTimeoutSeconds = 60;
constexpr long kLongestTimeoutSeconds = 3600;
constexpr char kInterface[] = "eth0";
constexpr int kMostFiles = 8;

struct Options {
  const char* files[kMostFiles] = {};
  int file_count = 0;
  long timeout_seconds = kDefaultTimeoutSeconds;
  char** command = nullptr;
};

long now_milliseconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
}

[[noreturn]] void refuse_usage(const char* reason) {
  dprintf(STDERR_FILENO,
          "agent-init: %s\nusage: agent-init [--wait-file PATH]... [--timeout SECONDS] [--] "
          "COMMAND [ARGUMENT...]\n",
          reason);
  _exit(kExitUsage);
}

Options parse(int argc, char** argv) {
  Options options;
  int i = 1;
  for (; i < argc; ++i) {
    if (strcmp(argv[i], "--") == 0) {
      ++i;
      break;
    }
    if (strcmp(argv[i], "--wait-file") == 0) {
      if (i + 1 >= argc) refuse_usage("--wait-file needs a path");
      if (options.file_count == kMostFiles) refuse_usage("too many --wait-file");
      options.files[options.file_count++] = argv[++i];
    } else if (strcmp(argv[i], "--timeout") == 0) {
      if (i + 1 >= argc) refuse_usage("--timeout needs a number of seconds");
      char* end = nullptr;
      options.timeout_seconds = strtol(argv[++i], &end, 10);
      if (*end != '\0' || end == argv[i] || options.timeout_seconds < 0 ||
          options.timeout_seconds > kLongestTimeoutSeconds) {
        refuse_usage("--timeout must be 0 to 3600 seconds");
      }
    } else if (argv[i][0] == '-') {
      refuse_usage("unknown option");
    } else {
      break;
    }
  }
  if (i >= argc) refuse_usage("no command");
  options.command = argv + i;
  return options;
}

bool interface_is_up() {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  ifreq request{};
  memcpy(request.ifr_name, kInterface, sizeof kInterface);
  const bool up = ioctl(fd, SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_UP) != 0;
  close(fd);
  return up;
}

// Reads /proc/net/route, whose columns are: interface, destination (hex), gateway, flags, reference
// count, use, metric, mask (hex). The default route has destination and mask 0.
bool has_default_route() {
  FILE* table = fopen("/proc/net/route", "re");
  if (table == nullptr) return false;
  bool found = false;
  char line[256];
  while (!found && fgets(line, sizeof line, table) != nullptr) {
    char name[IFNAMSIZ] = {};
    unsigned long destination = 1;
    unsigned long mask = 1;
    if (sscanf(line, "%15s %lx %*s %*s %*s %*s %*s %lx", name, &destination, &mask) == 3) {
      found = strcmp(name, kInterface) == 0 && destination == 0 && mask == 0;
    }
  }
  fclose(table);
  return found;
}

// An empty file is still being written.
bool file_is_there(const char* path) {
  struct stat status{};
  return stat(path, &status) == 0 && (!S_ISREG(status.st_mode) || status.st_size > 0);
}

// Names what is still missing, or nullptr when all is there.
const char* missing(const Options& options, bool wants_network) {
  if (wants_network) {
    if (!interface_is_up()) return "the interface eth0 to be up";
    if (!has_default_route()) return "a default route through eth0";
  }
  for (int i = 0; i < options.file_count; ++i) {
    if (!file_is_there(options.files[i])) return options.files[i];
  }
  return nullptr;
}

#if defined(__x86_64__)
constexpr unsigned kNative = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr unsigned kNative = AUDIT_ARCH_AARCH64;
#else
#error "which AUDIT_ARCH is this?"
#endif
constexpr unsigned kFirstX32 = 0x40000000;  // no number of another architecture is as high
constexpr unsigned kAllow = SECCOMP_RET_ALLOW;
constexpr unsigned kNoCall = SECCOMP_RET_ERRNO | ENOSYS;
constexpr unsigned kNoFamily = SECCOMP_RET_ERRNO | EAFNOSUPPORT;

// On top of the engine's filter, which differs from version to version: Docker 20.10 (Debian 12)
// lets AF_VSOCK through, which no network namespace and no firewall holds, and io_uring, whose
// operations no filter sees. Other families than these, io_uring and system calls of another
// architecture (which have other numbers) do not exist for an agent.
const sock_filter kFilter[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kNative, 1, 0),
    BPF_STMT(BPF_RET | BPF_K, kNoCall),
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, kFirstX32, 3, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 2, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_enter, 1, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_register, 0, 1),
    BPF_STMT(BPF_RET | BPF_K, kNoCall),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 1, 0),
    BPF_STMT(BPF_RET | BPF_K, kAllow),
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args)),  // its low half
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX, 4, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET, 3, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 2, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 1, 0),
    BPF_STMT(BPF_RET | BPF_K, kNoFamily),
    BPF_STMT(BPF_RET | BPF_K, kAllow),
};

// For this process and all that come of it; without new privileges nobody else may be filtered.
bool enter_filter() {
  const sock_fprog program{.len = sizeof kFilter / sizeof kFilter[0],
                           .filter = const_cast<sock_filter*>(kFilter)};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  const char* network = getenv("DEPLOYCLAW_NETWORK");
  const bool wants_network = network == nullptr || strcmp(network, "none") != 0;

  const long deadline = now_milliseconds() + options.timeout_seconds * 1000;
  while (const char* what = missing(options, wants_network)) {
    if (now_milliseconds() >= deadline) {
      dprintf(STDERR_FILENO, "agent-init: gave up after %ld s waiting for %s\n",
              options.timeout_seconds, what);
      return kExitTimeout;
    }
    const timespec pause{.tv_sec = 0, .tv_nsec = kPollMilliseconds * 1'000'000};
    nanosleep(&pause, nullptr);
  }

  if (!enter_filter()) {
    dprintf(STDERR_FILENO, "agent-init: no filter of system calls: %s\n", strerror(errno));
    return kExitFilter;
  }
  execvp(options.command[0], options.command);
  const int reason = errno;
  dprintf(STDERR_FILENO, "agent-init: cannot execute %s: %s\n", options.command[0],
          strerror(reason));
  return reason == ENOENT ? 127 : 126;
}
