#include "linux/cgroup.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace deployclaw::linux {
namespace {

constexpr auto kV1Mounts =
    "22 1 0:21 / /sys rw,relatime - sysfs sysfs rw\n"
    "30 25 0:26 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:10 - cgroup cgroup rw,cpu,cpuacct\n"
    "31 25 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    "32 25 0:28 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"
    "33 25 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
constexpr auto kV2Mounts = "29 25 0:25 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw\n";

TEST(ResolveCgroup, FindsEachControllerOfV1) {
  const auto paths = resolve_cgroup(
      "9:pids:/docker/abc\n8:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n0::/\n", kV1Mounts);
  ASSERT_TRUE(paths) << paths.error().message;
  EXPECT_FALSE(paths->v2);
  EXPECT_EQ(paths->cpu, "/sys/fs/cgroup/cpu,cpuacct/docker/abc");
  EXPECT_EQ(paths->memory, "/sys/fs/cgroup/memory/docker/abc");
  EXPECT_EQ(paths->pids, "/sys/fs/cgroup/pids/docker/abc");
}

TEST(ResolveCgroup, FindsTheOneDirectoryOfV2WithTheSystemdDriver) {
  const auto paths = resolve_cgroup("0::/system.slice/docker-abc.scope\n", kV2Mounts);
  ASSERT_TRUE(paths);
  EXPECT_TRUE(paths->v2);
  EXPECT_EQ(paths->memory, "/sys/fs/cgroup/system.slice/docker-abc.scope");
  EXPECT_EQ(paths->cpu, paths->memory);
}

TEST(ResolveCgroup, LooksBelowASubtreeMount) {
  const auto mounts = "29 25 0:25 /outer /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
  EXPECT_EQ(resolve_cgroup("0::/outer/docker/x\n", mounts).value().memory,
            "/sys/fs/cgroup/docker/x");
  EXPECT_EQ(resolve_cgroup("0::/outer\n", mounts).value().memory, "/sys/fs/cgroup");
  EXPECT_FALSE(resolve_cgroup("0::/outermost/x\n", mounts));
}

TEST(ResolveCgroup, RefusesWhatItDoesNotUnderstand) {
  for (const auto* text : {"", "\n", "nonsense\n", "1:memory\n", "1:memory:relative\n"}) {
    const auto paths = resolve_cgroup(text, kV1Mounts);
    ASSERT_FALSE(paths) << text;
    EXPECT_EQ(paths.error().code, Code::kMalformed);
  }
  EXPECT_EQ(resolve_cgroup("8:memory:/x\n", "").error().code, Code::kNotFound);
}

class CgroupFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/deployclaw-cgroup-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    directory_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  void write(const char* name, const char* text) { std::ofstream(directory_ / name) << text; }
  std::filesystem::path directory_;
};

TEST_F(CgroupFiles, ReadsV2) {
  write("cpu.stat", "usage_usec 1234567\nuser_usec 1\n");
  write("memory.current", "900\n");
  write("memory.stat", "anon 700\nfile 210\ninactive_file 200\nactive_file 10\n");
  write("memory.max", "max\n");
  write("memory.events", "low 0\noom 3\noom_kill 2\noom_group_kill 0\n");
  write("pids.current", "31\n");
  const auto path = directory_.string();
  const auto reader = CgroupReader::open({.v2 = true, .cpu = path, .memory = path, .pids = path});
  ASSERT_TRUE(reader);
  const auto sample = reader->read().value();
  EXPECT_EQ(sample.cpu_microseconds, 1234567U);
  EXPECT_EQ(sample.memory_current, 900U);
  EXPECT_EQ(sample.memory_used, 700U);
  EXPECT_EQ(sample.memory_limit, std::nullopt);
  EXPECT_EQ(sample.oom_kills, 2U);
  EXPECT_EQ(sample.pids, 31U);
  write("memory.stat", "inactive_file 1000\n");
  EXPECT_EQ(reader->read().value().memory_used, 0U) << "never below nothing";
  write("memory.max", "2147483648\n");
  EXPECT_EQ(reader->read().value().memory_limit, 2147483648U);
}

TEST_F(CgroupFiles, ReadsV1) {
  write("cpuacct.usage", "5000000\n");
  write("memory.usage_in_bytes", "900\n");
  write("memory.stat", "inactive_file 1\ntotal_inactive_file 200\n");
  write("memory.limit_in_bytes", "9223372036854771712\n");
  write("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 4\n");
  write("pids.current", "2\n");
  const auto path = directory_.string();
  const auto reader = CgroupReader::open({.v2 = false, .cpu = path, .memory = path, .pids = path});
  ASSERT_TRUE(reader);
  const auto sample = reader->read().value();
  EXPECT_EQ(sample.cpu_microseconds, 5000U);
  EXPECT_EQ(sample.memory_used, 700U);
  EXPECT_EQ(sample.memory_limit, std::nullopt);
  EXPECT_EQ(sample.oom_kills, 4U);
}

TEST_F(CgroupFiles, SaysWhenTheCgroupIsGone) {
  const auto path = (directory_ / "absent").string();
  const auto reader = CgroupReader::open({.v2 = true, .cpu = path, .memory = path, .pids = path});
  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().code, Code::kNotFound);
}

TEST(CgroupReader, ReadsThisProcess) {
  const auto reader = CgroupReader::open(::getpid());
  if (!reader && reader.error().code == Code::kNotFound) GTEST_SKIP() << reader.error().message;
  ASSERT_TRUE(reader) << reader.error().message;
  const auto sample = reader->read();
  ASSERT_TRUE(sample) << sample.error().message;
  EXPECT_GT(sample->cpu_microseconds + sample->memory_current, 0U);
}

TEST(CgroupReader, TakesNoOtherProcessForTheContainers) {
  for (const char* container : {"", "4f2a9c0d6b1e8a7f3c5d"}) {
    const auto reader = CgroupReader::open_container(::getpid(), container);
    ASSERT_FALSE(reader);
    EXPECT_EQ(reader.error().code, Code::kNotFound);
  }
}

TEST(CgroupReader, SaysWhenTheProcessIsGone) {
  const auto reader = CgroupReader::open(0x7FFFFFF0);
  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().code, Code::kNotFound);
}

}  // namespace
}  // namespace deployclaw::linux
