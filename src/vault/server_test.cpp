#include "vault/server.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "vault/cli.hpp"
#include "vault/client.hpp"
#include "vault/hardening.hpp"
#include "vault/testing/contexts.hpp"
#include "vault/testing/run_task.hpp"
#include "vault/testing/temporary_directory.hpp"

namespace deployclaw::vault {
namespace {

bool socket_is_refused(int family, int type) {
  const int descriptor = ::socket(family, type, 0);
  if (descriptor >= 0) close(descriptor);
  return descriptor < 0 && errno == EPERM;
}

// Runs `check` in a forked child: what it does to the process cannot be undone. Its result is the
// number of the first expectation that does not hold, 0 when all do.
int in_child(int (*check)()) {
  const pid_t child = fork();
  if (child == 0) _exit(check());
  int status = 0;
  if (waitpid(child, &status, 0) != child || !WIFEXITED(status)) return -1;
  return WEXITSTATUS(status);
}

int check_hardening() {
  if (!harden_process()) return 1;
  rlimit core{1, 1};
  if (getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_max != 0) return 2;
  if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0) return 3;
  if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) return 4;
  return 0;
}

int check_doors() {
  // The control: before the filter the kernel gives these.
  if (socket_is_refused(AF_INET, SOCK_STREAM) || socket_is_refused(AF_UNIX, SOCK_STREAM)) return 1;
  if (!close_doors()) return 2;
  for (const int family : {AF_INET, AF_INET6, AF_UNIX, AF_NETLINK, AF_PACKET}) {
    if (!socket_is_refused(family, SOCK_STREAM) || !socket_is_refused(family, SOCK_DGRAM)) return 3;
  }
  char* const arguments[] = {nullptr};
  if (execve("/bin/true", arguments, arguments) == 0 || errno != EPERM) return 4;
  if (::open("/dev/null", O_RDONLY) < 0) return 5;
  bool refused_in_thread = false;
  std::thread([&] { refused_in_thread = socket_is_refused(AF_INET, SOCK_STREAM); }).join();
  return refused_in_thread ? 0 : 6;
}

TEST(Hardening, LeavesNoCoreAndNoNewPrivileges) { EXPECT_EQ(in_child(check_hardening), 0); }

TEST(Hardening, ClosesTheNetworkForEveryThread) { EXPECT_EQ(in_child(check_doors), 0); }

// The real role in a process of its own, sandbox and all.
bool listens(const std::string& path) {
  const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const int refused = ::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address);
  close(socket);
  return refused == 0;
}

class VaultProcess : public testing::Test {
 protected:
  void start(CallerPolicy policy) {
    process_ = fork();
    ASSERT_GE(process_, 0);
    if (process_ == 0) {
      ServerOptions options;
      options.socket_path = socket_;
      options.key_file = key_file_;
      options.policy = std::move(policy);
      _exit(run_server(std::move(options)) ? 0 : 1);
    }
    // The file is there before anybody listens on it.
    while (!listens(socket_)) {
      int status = 0;
      ASSERT_EQ(waitpid(process_, &status, WNOHANG), 0) << "the vault did not start";
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }

  // The exit code after SIGTERM.
  int stop() {
    kill(process_, SIGTERM);
    int status = 0;
    const bool ended = waitpid(process_, &status, 0) == process_;
    process_ = -1;
    return ended && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  ~VaultProcess() override {
    if (process_ > 0) {
      kill(process_, SIGKILL);
      waitpid(process_, nullptr, 0);
    }
  }

  static CallerPolicy this_process(Grants grants) {
    CallerPolicy policy;
    policy.set(geteuid(), std::move(grants));
    return policy;
  }

  TemporaryDirectory directory_;
  std::string socket_ = directory_.file("vault.sock");
  std::string key_file_ = directory_.file("master.keys");
  pid_t process_ = -1;
};

TEST_F(VaultProcess, SealsOpensRotatesAndKeepsItsKeysOverARestart) {
  start(this_process({.seal = {kTotp}, .open = {kTotp}, .rotate = true}));
  const SealContext context = some_context(kTotp);
  boost::json::object row;
  {
    boost::asio::io_context io;
    VaultClient client(io.get_executor(), socket_);
    auto sealed = run_task(io, client.seal(context, Secret::copy_of("seed")));
    ASSERT_TRUE(sealed) << sealed.error().message;
    row = *sealed;
    const auto rotated = run_task(io, client.rotate());
    ASSERT_TRUE(rotated) << rotated.error().message;
    const auto status = run_task(io, client.status());
    ASSERT_TRUE(status);
    EXPECT_EQ(status->at("newest").to_number<int>(), 2);
    EXPECT_TRUE(status->at("memoryLocked").as_bool());
  }
  EXPECT_EQ(stop(), 0);
  EXPECT_FALSE(std::filesystem::exists(socket_));

  start(this_process({.open = {kTotp}}));
  boost::asio::io_context io;
  VaultClient client(io.get_executor(), socket_);
  const auto opened = run_task(io, client.open(context, row));
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ(opened->expose_text(), "seed");
}

TEST_F(VaultProcess, KnowsItsCallersByUid) {
  CallerPolicy policy;
  policy.set(geteuid() + 1, Grants{.open = {kTotp}});
  start(std::move(policy));
  boost::asio::io_context io;
  VaultClient client(io.get_executor(), socket_);
  const auto status = run_task(io, client.status());
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Code::kForbidden);
}

TEST_F(VaultProcess, AnswersTheCommandLine) {
  start(this_process({.rotate = true}));
  testing::internal::CaptureStdout();
  EXPECT_EQ(run_rotate(socket_), 0);
  EXPECT_EQ(run_status(socket_), 0);
  EXPECT_EQ(run_status(socket_, true), 0);
  const std::string out = testing::internal::GetCapturedStdout();
  EXPECT_NE(out.find("sealed with key v2"), std::string::npos);
  EXPECT_NE(out.find("newest key     v2"), std::string::npos);
  EXPECT_NE(out.find("\"newest\":2"), std::string::npos);
  EXPECT_EQ(stop(), 0);
  testing::internal::CaptureStderr();
  EXPECT_EQ(run_status(socket_), 1);
  EXPECT_NE(testing::internal::GetCapturedStderr().find("vault"), std::string::npos);
}

TEST_F(VaultProcess, DoesNotStartOnKeysThatOthersCanRead) {
  {
    std::ofstream(key_file_) << "v1 " << base64_encode(Bytes(32, 1)) << "\n";
  }
  ASSERT_EQ(chmod(key_file_.c_str(), 0644), 0);
  ServerOptions options;
  options.socket_path = socket_;
  options.key_file = key_file_;
  options.sandbox = false;
  const auto started = run_server(std::move(options));
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, Code::kForbidden);
}

}  // namespace
}  // namespace deployclaw::vault
