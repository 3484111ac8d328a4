#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <csignal>
#include <cstddef>
#include <fstream>
#include <functional>
#include <vector>

#include "dns/resolver.hpp"
#include "dns/testing/fake_nameserver.hpp"
#include "net/testing/run_task.hpp"

// A worker has no file system and its seccomp filter kills it for opening a file: so a resolver
// that was made must never try.
namespace deployclaw::dns {
namespace {

namespace asio = boost::asio;

// From here on, the kernel kills this process for touching any file by name.
bool forbid_files() {
  const std::vector<unsigned> calls = {
      __NR_openat, __NR_openat2, __NR_newfstatat, __NR_statx,  __NR_faccessat, __NR_readlinkat,
#ifdef __NR_open
      __NR_open,   __NR_stat,    __NR_lstat,      __NR_access, __NR_readlink,
#endif
  };
  std::vector<sock_filter> program;
  program.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)));
  for (const auto call : calls) {
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1));
    program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
  }
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const sock_fprog filter{.len = static_cast<unsigned short>(program.size()),
                          .filter = program.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

// Runs `work` in a process of its own; its exit status as waitpid(2) tells it.
int status_of_child(const std::function<int()>& work) {
  const auto pid = ::fork();
  if (pid == 0) ::_exit(work());
  int status = -1;
  ::waitpid(pid, &status, 0);
  return status;
}

// In an empty root where that is possible, so that not even its making finds a file.
bool enter_empty_root() {
  if (::geteuid() != 0) return true;
  char path[] = "/tmp/deployclaw-empty-XXXXXX";
  if (::mkdtemp(path) == nullptr) return false;
  const bool entered = ::chroot(path) == 0 && ::chdir("/") == 0;
  return entered;
}

int resolve_without_files(const Nameserver& nameserver) {
  asio::io_context io;
  if (!enter_empty_root()) return 2;
  auto resolver = Resolver::create(io.get_executor(), {.nameservers = {nameserver}});
  if (!resolver) return 3;
  if (!forbid_files()) return 4;
  for (const auto* host : {"api.example", "truncated.example", "missing.example"}) {
    const auto answer = net::testing::run_task(io, (*resolver)->resolve_checked(host));
    const bool expected = std::string_view(host) != "missing.example";
    if (answer.has_value() != expected) return 5;
  }
  return 0;
}

TEST(ResolverFiles, AreNeverTouchedOnceItIsMade) {
  int ready[2];
  ASSERT_EQ(::pipe2(ready, O_CLOEXEC), 0);
  // The nameserver is a process too: a thread would not survive the fork of the resolver's.
  const auto server = ::fork();
  if (server == 0) {
    asio::io_context io;
    testing::FakeNameserver fake(io.get_executor());
    fake.set("api.example", {"1.1.1.1", "2606:4700::1"});
    fake.set(
        "truncated.example",
        testing::FakeRecord{.addresses = {asio::ip::make_address("1.1.1.1")}, .truncated = true});
    const auto port = fake.nameserver().port;
    if (::write(ready[1], &port, sizeof port) != sizeof port) ::_exit(1);
    io.run();
    ::_exit(0);
  }
  Nameserver nameserver{.address = asio::ip::address_v4::loopback()};
  ASSERT_EQ(::read(ready[0], &nameserver.port, sizeof nameserver.port), 2);
  ::close(ready[0]);
  ::close(ready[1]);
  const int status = status_of_child([&] { return resolve_without_files(nameserver); });
  ::kill(server, SIGKILL);
  ::waitpid(server, nullptr, 0);
  EXPECT_TRUE(WIFEXITED(status)) << "killed by signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(ResolverFiles, TheControlDiesOfOpeningOne) {
  const int status = status_of_child([] {
    if (!forbid_files()) return 4;
    const std::ifstream file("/etc/resolv.conf");
    return 0;
  });
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGSYS);
}

}  // namespace
}  // namespace deployclaw::dns
