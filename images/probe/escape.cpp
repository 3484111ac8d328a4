// Ways out of a container, tried from inside: system calls that reach the kernel or other
// processes, and a look through the whole file system for what should not be there.
// Every call has arguments that do no harm where it is allowed: a test also runs this outside,
// where it must get further, so that "refused" is known to come from the container.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <netinet/in.h>
#include <sched.h>
#include <string.h>
#include <sys/io.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probe.hpp"

namespace probe {
namespace {

constexpr char kNowhere[] = "/nonexistent-probe";
constexpr char kNode[] = "/tmp/probe-node";
constexpr int kMostDepth = 32;
constexpr size_t kMostScanBytes = 32UL * 1024 * 1024;

long make_node(mode_t kind, dev_t device) {
  const long made = mknod(kNode, kind | 0600, device);
  if (made == 0) unlink(kNode);
  return made;
}

struct Call {
  const char* name;
  long (*make)();
};

constexpr Call kCalls[] = {
    {"unshare_user", [] { return static_cast<long>(unshare(CLONE_NEWUSER)); }},
    {"unshare_mount", [] { return static_cast<long>(unshare(CLONE_NEWNS)); }},
    {"unshare_net", [] { return static_cast<long>(unshare(CLONE_NEWNET)); }},
    {"setns", [] { return static_cast<long>(setns(-1, 0)); }},
    {"mount", [] { return static_cast<long>(mount("none", kNowhere, "tmpfs", 0, nullptr)); }},
    {"umount", [] { return static_cast<long>(umount2(kNowhere, 0)); }},
    {"fsopen", [] { return syscall(SYS_fsopen, "tmpfs", 0); }},
    {"pivot_root", [] { return syscall(SYS_pivot_root, kNowhere, kNowhere); }},
    {"chroot", [] { return static_cast<long>(chroot("/")); }},
    {"mknod_block", [] { return make_node(S_IFBLK, makedev(7, 0)); }},
    {"mknod_memory", [] { return make_node(S_IFCHR, makedev(1, 1)); }},
    {"open_by_handle", [] { return syscall(SYS_open_by_handle_at, -1, nullptr, 0); }},
    {"bpf", [] { return syscall(SYS_bpf, 0, nullptr, 0); }},
    {"perf_event", [] { return syscall(SYS_perf_event_open, nullptr, 0, -1, -1, 0); }},
    {"userfaultfd", [] { return syscall(SYS_userfaultfd, 0x7fffffff); }},
    {"io_uring", [] { return syscall(SYS_io_uring_setup, 1, nullptr); }},
    {"keyctl",
     [] { return syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0); }},
    {"add_key",
     [] { return syscall(SYS_add_key, "user", "probe", "x", 1, KEY_SPEC_PROCESS_KEYRING); }},
    {"request_key", [] { return syscall(SYS_request_key, "user", kNowhere, nullptr, 0); }},
    {"init_module", [] { return syscall(SYS_init_module, nullptr, 0, nullptr); }},
    {"kexec_load", [] { return syscall(SYS_kexec_load, 0, 0, nullptr, ~0UL); }},
    {"swapon", [] { return static_cast<long>(swapon(kNowhere, 0)); }},
    {"sethostname", [] { return syscall(SYS_sethostname, "x", -1); }},
    {"syslog", [] { return static_cast<long>(klogctl(99, nullptr, 0)); }},
    {"setuid", [] { return static_cast<long>(setuid(0)); }},
    {"setgid", [] { return static_cast<long>(setgid(0)); }},
    {"packet_socket", [] { return static_cast<long>(socket(AF_PACKET, SOCK_RAW, 0)); }},
    {"raw_socket", [] { return static_cast<long>(socket(AF_INET, SOCK_RAW, IPPROTO_RAW)); }},
    {"vsock", [] { return static_cast<long>(socket(AF_VSOCK, SOCK_STREAM, 0)); }},
};

// In a child, which a filter may kill and which takes what it got along.
std::string outcome_of(const Call& call) {
  const pid_t child = fork();
  if (child < 0) return strerrorname_np(errno);
  if (child == 0) _exit(call.make() < 0 ? errno & 0xff : 0);
  int status = 0;
  waitpid(child, &status, 0);
  if (!WIFEXITED(status)) return "KILLED";
  return WEXITSTATUS(status) == 0 ? "OK" : strerrorname_np(WEXITSTATUS(status));
}

Response calls() {
  Json json;
  for (const Call& call : kCalls) json.text(call.name, outcome_of(call));
  return {200, json.end()};
}

// What the walk found, each a JSON array of paths.
struct Findings {
  std::string needle;
  std::string privileged;  // setuid or setgid files
  std::string devices;     // block devices, and character devices that are no terminal or stream
  std::string writable;    // files of /proc and /sys that may be written
  std::string sockets;
  std::string holding;  // files with `needle` in them
  long files = 0;
};

void add(std::string& list, const std::string& path) {
  if (!list.empty()) list += ',';
  list += quote(path);
}

bool holds(const std::string& path, const std::string& needle) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
  if (fd < 0) return false;
  std::string window;
  char buffer[65536];
  size_t seen = 0;
  bool found = false;
  for (ssize_t count;
       !found && seen < kMostScanBytes && (count = read(fd, buffer, sizeof buffer)) > 0;) {
    window.append(buffer, static_cast<size_t>(count));
    seen += static_cast<size_t>(count);
    found = window.find(needle) != std::string::npos;
    if (window.size() > needle.size()) window.erase(0, window.size() - needle.size());
  }
  close(fd);
  return found;
}

bool harmless_device(const struct stat& status) {
  if (!S_ISCHR(status.st_mode)) return false;
  const unsigned kind = major(status.st_rdev);
  const unsigned number = minor(status.st_rdev);
  const bool stream = kind == 1 && (number == 3 || number == 5 || number == 7 || number == 8 ||
                                    number == 9);  // null, zero, full, random, urandom
  return stream || kind == 5 || kind == 136;       // terminals
}

void look_at(const std::string& path, const struct stat& status, Findings& found) {
  const bool kernels = path.rfind("/proc/", 0) == 0 || path.rfind("/sys/", 0) == 0;
  if (S_ISSOCK(status.st_mode)) add(found.sockets, path);
  if ((S_ISBLK(status.st_mode) || S_ISCHR(status.st_mode)) && !harmless_device(status)) {
    add(found.devices, path);
  }
  if (!S_ISREG(status.st_mode)) return;
  ++found.files;
  if ((status.st_mode & (S_ISUID | S_ISGID)) != 0) add(found.privileged, path);
  // access(2) knows read-only mounts as well as modes.
  if (kernels && access(path.c_str(), W_OK) == 0) add(found.writable, path);
  if (!kernels && !found.needle.empty() && holds(path, found.needle)) add(found.holding, path);
}

// A process's own files in /proc concern itself only, and are without end.
bool passed_over(const std::string& directory, const char* name) {
  if (directory != "/proc") return false;
  return (name[0] >= '0' && name[0] <= '9') || std::string_view(name) == "self" ||
         std::string_view(name) == "thread-self";
}

void walk(const std::string& directory, int depth, Findings& found) {
  DIR* open_directory = depth < kMostDepth ? opendir(directory.c_str()) : nullptr;
  if (open_directory == nullptr) return;
  while (const dirent* entry = readdir(open_directory)) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == ".." || passed_over(directory, entry->d_name)) continue;
    const std::string path = (directory == "/" ? "/" : directory + "/") + entry->d_name;
    struct stat status{};
    if (lstat(path.c_str(), &status) != 0) continue;
    if (S_ISDIR(status.st_mode)) {
      walk(path, depth + 1, found);
    } else {
      look_at(path, status, found);
    }
  }
  closedir(open_directory);
}

Response whole_file_system(const std::string& needle) {
  Findings found;
  found.needle = needle;
  walk("/", 0, found);
  const auto list = [](const std::string& items) { return "[" + items + "]"; };
  return {200, Json()
                   .number("files", found.files)
                   .raw("privileged", list(found.privileged))
                   .raw("devices", list(found.devices))
                   .raw("writable", list(found.writable))
                   .raw("sockets", list(found.sockets))
                   .raw("holding", list(found.holding))
                   .end()};
}

}  // namespace

bool escape(const Request& request, Response& response) {
  if (request.path == "/escape/calls") {
    response = calls();
  } else if (request.path == "/escape/walk") {
    const auto found = request.query.find("needle");
    response = whole_file_system(found == request.query.end() ? "" : found->second);
  } else {
    return false;
  }
  return true;
}

}  // namespace probe
