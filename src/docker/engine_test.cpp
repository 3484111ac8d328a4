#include "docker/engine.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/json/object.hpp>

#include "docker/engine_state.hpp"
#include "docker/json_values.hpp"
#include "docker/testing/daemon.hpp"
#include "docker/testing/run.hpp"
#include "docker/testing/tiny_image.hpp"

namespace deployclaw::docker {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Key;
using testing::kTinyReference;
using testing::run;

TEST(EngineAddress, IsAUnixSocketOnly) {
  EXPECT_EQ(Engine::parse_host("unix:///run/docker.sock").value(), "/run/docker.sock");
  EXPECT_EQ(Engine::parse_host("/run/docker.sock").value(), "/run/docker.sock");
  for (const auto* host : {"", "tcp://10.0.0.1:2375", "unix://", "run/docker.sock"}) {
    EXPECT_FALSE(Engine::parse_host(host)) << host;
  }
}

TEST(EnginePaths, NeverLeaveTheirPlace) {
  EXPECT_EQ(encode_path("deployclaw/probe:1").value(), "deployclaw/probe%3A1");
  EXPECT_EQ(encode_path("a?b#c d").value(), "a%3Fb%23c%20d");
  for (const auto* reference : {"", "..", "a/../b", "/a", "a/", "a//b", "./a"}) {
    const auto encoded = encode_path(reference);
    ASSERT_FALSE(encoded) << reference;
    EXPECT_EQ(encoded.error().code, Code::kInvalid);
  }
  EXPECT_EQ(make_target("/x", {{"a b", "1&2"}, {"c", ""}}), "/v1.41/x?a%20b=1%262&c=");
}

TEST(EngineErrors, CarryTheDaemonsWords) {
  const auto error = to_error(409, R"({"message": "the name is in use"})");
  EXPECT_EQ(error.code, Code::kConflict);
  EXPECT_EQ(error.message, "Docker: the name is in use");
  EXPECT_EQ(to_error(404, "").code, Code::kNotFound);
  EXPECT_EQ(to_error(500, "<html>").message, "Docker: status 500");
}

TEST(EngineDown, SaysWhereNobodyAnswers) {
  boost::asio::io_context io;
  Engine engine(io.get_executor(), "/nonexistent/docker.sock");
  const auto answered = run(io, engine.ping());
  ASSERT_FALSE(answered);
  EXPECT_EQ(answered.error().code, Code::kUnavailable);
  EXPECT_THAT(answered.error().message,
              HasSubstr("Docker does not answer at /nonexistent/docker.sock"));
}

class EngineWithDocker : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto socket = testing::Daemon::shared_socket();
    if (!socket) GTEST_SKIP() << "no Docker: " << socket.error().message;
    engine_ = std::make_unique<Engine>(io_.get_executor(), *socket);
    auto imported = run(io_, testing::import_tiny_image(*engine_, DEPLOYCLAW_TINY_AGENT));
    ASSERT_TRUE(imported) << imported.error().message;
    image_id_ = *imported;
  }
  void TearDown() override {
    for (const auto& id : containers_) EXPECT_TRUE(run(io_, engine_->remove_container(id)));
  }
  std::string create(std::vector<std::string> command) {
    boost::json::object body;
    body["Image"] = kTinyReference;
    body["Cmd"] = boost::json::array(command.begin(), command.end());
    boost::json::object host;
    host["NetworkMode"] = "none";
    body["HostConfig"] = std::move(host);
    auto id = run(io_, engine_->create_container("test-" + std::to_string(::getpid()) + "-" +
                                                     std::to_string(containers_.size()),
                                                 std::move(body)));
    EXPECT_TRUE(id) << id.error().message;
    containers_.push_back(id.value_or(""));
    return containers_.back();
  }

  boost::asio::io_context io_;
  std::unique_ptr<Engine> engine_;
  std::string image_id_;
  std::vector<std::string> containers_;
};

TEST_F(EngineWithDocker, ImportsInspectsListsAndRemovesImages) {
  const auto image = run(io_, engine_->inspect_image(kTinyReference));
  ASSERT_TRUE(image) << image.error().message;
  EXPECT_EQ(image->id, image_id_);
  EXPECT_GT(image->size_bytes, 10'000U);
  EXPECT_THAT(image->labels, Contains(Key(testing::kTinyLabel)));
  const auto listed = run(io_, engine_->list_images(testing::kTinyLabel));
  ASSERT_TRUE(listed);
  EXPECT_FALSE(listed->empty());
  ASSERT_TRUE(run(io_, engine_->tag_image(image_id_, "deployclaw/tiny", "second")));
  EXPECT_TRUE(run(io_, engine_->inspect_image("deployclaw/tiny:second")));
  EXPECT_TRUE(run(io_, engine_->remove_image("deployclaw/tiny:second")));
  EXPECT_TRUE(run(io_, engine_->remove_image("deployclaw/tiny:second")));
  EXPECT_EQ(run(io_, engine_->inspect_image("deployclaw/tiny:second")).error().code,
            Code::kNotFound);
}

TEST_F(EngineWithDocker, RefusesToImportWhatIsNoArchive) {
  for (const auto* path : {DEPLOYCLAW_TINY_AGENT, "/nonexistent.tar"}) {
    const auto imported =
        run(io_, engine_->import_image(path, "deployclaw/bad:1", {}, std::chrono::seconds(10)));
    EXPECT_FALSE(imported) << path;
    EXPECT_FALSE(run(io_, engine_->inspect_image("deployclaw/bad:1")));
  }
}

TEST_F(EngineWithDocker, KnowsItsVersion) {
  const auto version = run(io_, engine_->version());
  ASSERT_TRUE(version);
  EXPECT_FALSE(version->version.empty());
  EXPECT_FALSE(version->api_version.empty());
}

TEST_F(EngineWithDocker, KillsWhatDoesNotHeedAStop) {
  const auto id = create({"/tiny", "stubborn"});
  ASSERT_TRUE(run(io_, engine_->start_container(id)));
  ASSERT_TRUE(run(io_, engine_->stop_container(id, std::chrono::seconds(1))));
  EXPECT_EQ(run(io_, engine_->wait_container(id, std::chrono::seconds(30))).value(), 137);
}

TEST_F(EngineWithDocker, GivesUpWaitingAtTheDeadline) {
  const auto id = create({"/tiny", "run"});
  ASSERT_TRUE(run(io_, engine_->start_container(id)));
  const auto waited = run(io_, engine_->wait_container(id, std::chrono::milliseconds(200)));
  ASSERT_FALSE(waited);
  EXPECT_EQ(waited.error().code, Code::kTimeout);
}

TEST_F(EngineWithDocker, SaysWhyAContainerCannotStart) {
  const auto id = create({"/absent"});
  const auto started = run(io_, engine_->start_container(id));
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().message, HasSubstr("/absent"));
}

TEST_F(EngineWithDocker, CarriesFilesInAndOut) {
  const auto id = create({"/tiny", "run"});
  const auto tar = testing::make_single_file_tar("note", "remember");
  const auto put = run(io_, engine_->put_archive(id, "/", tar));
  ASSERT_TRUE(put) << put.error().message;
  const auto got = run(io_, engine_->get_archive(id, "/note", 100'000));
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_THAT(*got, HasSubstr("remember"));
  EXPECT_EQ(run(io_, engine_->get_archive(id, "/absent", 1000)).error().code, Code::kNotFound);
}

TEST_F(EngineWithDocker, Renames) {
  const auto id = create({"/tiny", "run"});
  const auto name = "test-renamed-" + std::to_string(::getpid());
  ASSERT_TRUE(run(io_, engine_->rename_container(id, name)));
  EXPECT_EQ(string_at(run(io_, engine_->inspect_container(name)).value(), "Name"), "/" + name);
}

}  // namespace
}  // namespace deployclaw::docker
