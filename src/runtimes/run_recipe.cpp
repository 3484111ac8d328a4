#include "runtimes/run_recipe.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <string_view>

extern char** environ;

namespace deployclaw::runtimes {
namespace {

constexpr std::size_t kLastLines = 30;
constexpr std::size_t kMostLineBytes = 64UL * 1024;

// Splits a byte stream into lines, passes them on and keeps the last ones for an error's text.
class Lines {
 public:
  explicit Lines(const Progress& progress) : progress_(progress) {}

  void add(std::string_view bytes) {
    for (const char c : bytes) {
      if (c != '\n' && pending_.size() < kMostLineBytes) {
        pending_ += c;
      } else {
        flush();
      }
    }
  }
  void flush() {
    if (pending_.empty()) return;
    if (progress_) progress_(pending_);
    last_.push_back(std::move(pending_));
    pending_.clear();
    if (last_.size() > kLastLines) last_.pop_front();
  }
  [[nodiscard]] std::string last() const {
    std::string text;
    for (const std::string& line : last_) text += "\n  " + line;
    return text;
  }

 private:
  const Progress& progress_;
  std::string pending_;
  std::deque<std::string> last_;
};

Result<pid_t> spawn(const std::vector<std::string>& command, int output) {
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
  pid_t child = -1;
  const int error =
      posix_spawn(&child, command.front().c_str(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    return fail(Code::kInternal,
                fmt::format("cannot run {}: {}", command.front(), std::strerror(error)));
  }
  return child;
}

}  // namespace

Status run_recipe(const std::vector<std::string>& command, const Progress& progress) {
  std::array<int, 2> ends{-1, -1};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    return fail(Code::kInternal, std::string("pipe: ") + std::strerror(errno));
  }
  auto child = spawn(command, ends[1]);
  close(ends[1]);
  if (!child) {
    close(ends[0]);
    return fail(std::move(child.error()));
  }

  Lines lines(progress);
  std::array<char, 8192> buffer{};
  while (true) {
    const ssize_t count = read(ends[0], buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    lines.add({buffer.data(), static_cast<std::size_t>(count)});
  }
  lines.flush();
  close(ends[0]);

  int status = 0;
  while (waitpid(*child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  return fail(Code::kInternal, WIFEXITED(status)
                                   ? fmt::format("{} ended with exit code {}; its last lines:{}",
                                                 command.front(), WEXITSTATUS(status), lines.last())
                                   : fmt::format("{} was killed by signal {}; its last lines:{}",
                                                 command.front(), WTERMSIG(status), lines.last()));
}

}  // namespace deployclaw::runtimes
