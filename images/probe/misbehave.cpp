// Misbehaviour of the probe agent, so that tests can show that limits bite and neighbours do not
// feel it. Never run it outside a container with limits.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "probe.hpp"

namespace probe {
namespace {

constexpr size_t kBlockBytes = 1024 * 1024;
constexpr size_t kLongLineBytes = 256 * 1024;

void put(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = write(fd, text.data(), text.size());
    if (count <= 0) return;
    text.remove_prefix(static_cast<size_t>(count));
  }
}

// Keeps `megabytes` in use from now on; -1 on failure.
long hold_memory(long megabytes) {
  const size_t bytes = static_cast<size_t>(megabytes) * kBlockBytes;
  void* block = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (block == MAP_FAILED) return -1;
  memset(block, 1, bytes);
  return megabytes;
}

long spawn_children(long count) {
  long started = 0;
  for (; started < count; ++started) {
    const pid_t child = fork();
    if (child < 0) break;
    if (child == 0) {
      pause();
      _exit(0);
    }
  }
  return started;
}

// Opens files until it may not any more, and keeps them.
long hold_descriptors(std::string& error) {
  long count = 0;
  while (open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0) ++count;
  error = strerrorname_np(errno);
  return count;
}

}  // namespace

void fork_bomb() {
  while (true) {
    if (fork() < 0) usleep(1000);
  }
}

void memory_bomb() {
  while (hold_memory(16) > 0) {
  }
  abort();
}

long fill_disk(const std::string& path, long most_bytes, std::string& error) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) {
    error = strerrorname_np(errno);
    return 0;
  }
  const std::string block(kBlockBytes, 'x');
  long written = 0;
  while (most_bytes < 0 || written < most_bytes) {
    const ssize_t count = write(fd, block.data(), block.size());
    if (count <= 0) {
      error = count < 0 ? strerrorname_np(errno) : "EOF";
      break;
    }
    written += count;
  }
  if (fsync(fd) != 0 && error.empty()) error = strerrorname_np(errno);
  close(fd);
  return written;
}

void print_lines(std::string_view style, long count, long every_ms) {
  if (style == "none") return;
  for (long i = 0; count < 0 || i < count; ++i) {
    const std::string number = std::to_string(i);
    if (style == "ansi") {
      put(STDOUT_FILENO, "\033[31mred " + number + "\033[0m \033]0;title\a\033[2J<script>\n");
    } else if (style == "long") {
      put(STDOUT_FILENO, std::string(kLongLineBytes, 'a') + "\n");
    } else if (style == "invalid") {
      put(STDOUT_FILENO, std::string("bad \xff\xfe\xc3\x28 nul \0 end ", 19) + number + "\n");
    } else if (style == "flood") {
      put(STDOUT_FILENO, std::string(8191, 'f') + "\n");
    } else {
      put(STDOUT_FILENO, "out line " + number + "\n");
      put(STDERR_FILENO, "err line " + number + "\n");
    }
    const timespec pause{every_ms / 1000, (every_ms % 1000) * 1'000'000};
    if (every_ms > 0) nanosleep(&pause, nullptr);
  }
}

bool misbehave(const Request& request, Response& response) {
  if (request.path.rfind("/do/", 0) != 0) return false;
  const std::string what = request.path.substr(4);
  const auto parameter = [&](std::string_view name) {
    const auto found = request.query.find(name);
    return found == request.query.end() ? std::string() : found->second;
  };
  std::string error;
  long amount = 0;
  if (what == "exit") {
    _exit(static_cast<int>(to_number(parameter("code"), 1)));
  } else if (what == "forkbomb") {
    fork_bomb();
  } else if (what == "memorybomb") {
    memory_bomb();
  } else if (what == "memory") {
    amount = hold_memory(to_number(parameter("mb"), 16));
  } else if (what == "processes") {
    amount = spawn_children(to_number(parameter("count"), 1));
  } else if (what == "descriptors") {
    amount = hold_descriptors(error);
  } else if (what == "fill") {
    const long megabytes = to_number(parameter("mb"), -1);
    amount = fill_disk(parameter("path"), megabytes < 0 ? -1 : megabytes * 1024 * 1024, error);
  } else if (what == "print") {
    print_lines(parameter("style").empty() ? "plain" : parameter("style"),
                to_number(parameter("count"), 1), to_number(parameter("everyMs"), 0));
  } else if (what == "spin") {
    for (const long end = now_ms() + to_number(parameter("ms"), 1000); now_ms() < end;) ++amount;
  } else {
    return false;
  }
  response.body =
      Json().flag("ok", error.empty()).text("error", error).number("amount", amount).end();
  return true;
}

}  // namespace probe
