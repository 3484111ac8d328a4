#include "runtimes/catalogue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace deployclaw::runtimes {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::string_view kGood = R"(name = "tiny"
title = "Tiny"
version = "1.2"
command = ["agent-init", "tiny"]
deadline_seconds = 30
stop_timeout_seconds = 5
parallel_starts = 2
state_path = "/state"
uid = 10001
gid = 10001
tmpfs_mb = 16
[image]
source = "recipe"
name = "deployclaw/tiny"
recipe = "tiny"
changes = []
[environment]
HOME = "/state"
[probe]
port = 80
live = { path = "/healthz", expect = { ok = true } }
started = { path = "/healthz" }
ready = { path = "/readyz" }
[resources]
default = { cpus = 1.0, memory_mb = 64, disk_mb = 64, pids = 32 }
least = { cpus = 0.1, memory_mb = 32, disk_mb = 16, pids = 8 }
)";

std::string with(std::string_view what, std::string_view instead) {
  std::string text(kGood);
  const auto at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), instead);
}

std::vector<std::string> problems_of(std::string_view text) {
  std::vector<std::string> problems;
  read_runtime(text, "tiny.toml", problems);
  return problems;
}

TEST(Catalogue, OfTheProjectIsValidAndHasItsRuntimes) {
  const auto catalogue = Catalogue::load(DEPLOYCLAW_SOURCE_DIR "/catalog");
  ASSERT_TRUE(catalogue) << catalogue.error().message;
  for (const char* name : {"openclaw", "picoclaw", "custom"}) {
    EXPECT_NE(catalogue->find(name, false), nullptr) << name;
  }
  EXPECT_EQ(catalogue->find("nosuch", true), nullptr);
}

TEST(Catalogue, HidesTestRuntimesUnlessTheOperatorWantsThem) {
  const auto catalogue = Catalogue::load(DEPLOYCLAW_SOURCE_DIR "/catalog");
  ASSERT_TRUE(catalogue) << catalogue.error().message;
  EXPECT_EQ(catalogue->find("probe", false), nullptr);
  EXPECT_NE(catalogue->find("probe", true), nullptr);
}

TEST(Catalogue, TellsWhenTheFolderIsMissing) {
  EXPECT_EQ(Catalogue::load("/nonexistent").error().code, Code::kNotFound);
}

TEST(ReadRuntime, AcceptsACompleteFile) {
  std::vector<std::string> problems;
  const Runtime runtime = read_runtime(kGood, "tiny.toml", problems);
  EXPECT_THAT(problems, IsEmpty());
  EXPECT_EQ(runtime.version, "1.2");
  EXPECT_EQ(runtime.probe.port, 80);
  EXPECT_EQ(runtime.default_resources.memory_mb, 64);
  EXPECT_FALSE(runtime.config.has_value());
}

TEST(ReadRuntime, NamesFileLineAndFieldOfEveryProblem) {
  EXPECT_THAT(problems_of(with("uid = 10001", "uid = 0")),
              Contains(HasSubstr("tiny.toml:9: uid: must be a whole number from 1000")));
  EXPECT_THAT(problems_of(with("port = 80", "port = 70000")),
              Contains(HasSubstr("tiny.toml:20: probe.port:")));
  EXPECT_THAT(problems_of(with("title", "titel")),
              Contains(HasSubstr(":2: titel: is not a field")));
  EXPECT_THAT(problems_of(with("title", "titel")), Contains(HasSubstr("title: is missing")));
  EXPECT_THAT(problems_of("name = "), Contains(HasSubstr("tiny.toml:1: syntax:")));
}

TEST(ReadRuntime, APageSaysWhoAsksInItsOwnFields) {
  const auto page = [](std::string_view headers) {
    return problems_of(std::string(kGood) + "[page]\nport = 80\nheaders = { " +
                       std::string(headers) + " }\n");
  };
  EXPECT_THAT(page(R"("X-${page_key}" = "${user}", Origin = "${public_origin}")"), IsEmpty());
  EXPECT_THAT(page(R"(X-User = "${usr}")"), Contains(HasSubstr("page.headers")));
  EXPECT_THAT(page(R"("X-${user}" = "1")"), Contains(HasSubstr("page.headers")));
  EXPECT_THAT(page(R"("X: y" = "1")"), Contains(HasSubstr("page.headers")));
}

TEST(ReadRuntime, RefusesWhatWouldBeAHole) {
  EXPECT_THAT(problems_of(with("\"/state\"\n[probe]", "\"${gateway_token}\"\n[probe]")),
              Contains(HasSubstr("environment: must not hold the secret")));
  EXPECT_THAT(problems_of(with("recipe = \"tiny\"", "recipe = \"../../etc\"")),
              Contains(HasSubstr("image.recipe")));
  EXPECT_THAT(problems_of(with("state_path = \"/state\"", "state_path = \"/a/../b\"")),
              Contains(HasSubstr("state_path")));
  EXPECT_THAT(problems_of(with("HOME = \"/state\"", "HOME = \"${hostt}\"")),
              Contains(HasSubstr("knows no placeholder ${hostt}")));
  const std::string outside =
      std::string(kGood) + "[config]\npath = \"/etc/passwd\"\nmax_kb = 1\nallowed = []\n";
  EXPECT_THAT(problems_of(outside), Contains(HasSubstr("config.path: must be a plain")));
}

TEST(ReadRuntime, RefusesDefaultsBelowTheMinimum) {
  EXPECT_THAT(problems_of(with("memory_mb = 64", "memory_mb = 16")),
              Contains(HasSubstr("resources.default: must not be below")));
}

TEST(HttpCheck, HoldsOnlyForTheExpectedJson) {
  const HttpCheck check{.path = "/readyz", .expect = {{"ready", true}}};
  EXPECT_TRUE(check.holds(200, R"({"ready":true,"more":1})"));
  EXPECT_FALSE(check.holds(200, R"({"ready":false})"));
  EXPECT_FALSE(check.holds(200, R"({"ready":"true"})"));
  EXPECT_FALSE(check.holds(200, "<html>"));
  EXPECT_FALSE(check.holds(200, "[]"));
  EXPECT_FALSE(check.holds(503, R"({"ready":true})"));
  EXPECT_TRUE((HttpCheck{.path = "/", .expect = {}}.holds(200, "anything")));
}

TEST(Runtime, DescribesExitCodesItsOwnFirst) {
  Runtime runtime;
  runtime.exit_codes = {{78, "bad config"}, {143, "own"}};
  EXPECT_EQ(runtime.describe_exit(78), "bad config");
  EXPECT_EQ(runtime.describe_exit(143), "own");
  EXPECT_EQ(runtime.describe_exit(137), "killed (SIGKILL)");
  EXPECT_EQ(runtime.describe_exit(42), "");
}

}  // namespace
}  // namespace deployclaw::runtimes
