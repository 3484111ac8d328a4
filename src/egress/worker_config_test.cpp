#include "egress/worker_config.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <boost/json/parse.hpp>

namespace deployclaw::egress {
namespace {

Secret every_byte() {
  Bytes bytes;
  for (int i = 0; i < 256; ++i) bytes.push_back(static_cast<unsigned char>(i));
  return Secret(std::move(bytes));
}

WorkerConfig sample() {
  WorkerConfig config;
  config.version = ~0ULL;
  config.client = ClientId::random();
  config.active = true;
  config.authority_certificate = "-----BEGIN CERTIFICATE-----\n";
  config.authority_key = Secret::copy_of("key\"\\\n]");
  config.nameservers = {"192.0.2.1", "192.0.2.2:5353"};
  config.deadlines.body = std::chrono::milliseconds(7);
  config.deadlines.tunnel = std::chrono::milliseconds(86'400'000);
  config.pins = {{"origin.example", {"127.0.0.1", "::1"}}};
  for (int i = 0; i < 2; ++i) {
    WorkerAgent agent;
    agent.id = AgentId::random();
    agent.permissions = boost::json::parse(R"({"scopes":["api:outbound"],"deep":[{"a":null}]})");
    agent.addresses = {{0xC6120001, "a.example"}, {1, "b\".example"}};
    agent.credentials.push_back({.name = "every",
                                 .kind = "generic",
                                 .hosts = {"a.example", "*.b.example"},
                                 .placeholder = "dcph_\"x\"",
                                 .value = every_byte()});
    agent.credentials.push_back(
        {.name = "renewed",
         .kind = "gmail",
         .hosts = {},
         .placeholder = "q",
         .value = Secret::copy_of("access"),
         .expires_at = Time(std::chrono::microseconds(1'764'000'000'123'456)),
         .grant_name = "an iv",
         .grant = {.client_id = "id\"",
                   .client_secret = Secret::copy_of("client"),
                   .refresh_token = Secret::copy_of("refresh"),
                   .previous_token = Secret::copy_of("previous")}});
    agent.credentials.push_back(
        {.name = "empty", .kind = "slack", .hosts = {}, .placeholder = "p", .value = {}});
    config.agents.push_back(std::move(agent));
  }
  config.agents[1].credentials[0].value = Secret::copy_of("another");
  return config;
}

linux::UniqueFd memory_of(std::string_view text) {
  linux::UniqueFd memory(memfd_create("test", MFD_CLOEXEC));
  if (write(memory.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    throw std::runtime_error("memfd");
  }
  return memory;
}

TEST(WorkerConfig, ComesOutAsItWentInWithSecretsOfAnyBytes) {
  const auto config = sample();
  const auto memory = seal_config(config);
  ASSERT_TRUE(memory);
  const auto back = open_config(*memory);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->version, config.version);
  EXPECT_EQ(back->client, config.client);
  EXPECT_TRUE(back->active);
  EXPECT_EQ(back->authority_certificate, config.authority_certificate);
  EXPECT_TRUE(back->authority_key.equals(config.authority_key));
  EXPECT_EQ(back->nameservers, config.nameservers);
  EXPECT_EQ(back->deadlines, config.deadlines);
  EXPECT_EQ(back->pins, config.pins);
  ASSERT_EQ(back->agents.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    const auto& was = config.agents[i];
    const auto& is = back->agents[i];
    EXPECT_EQ(is.id, was.id);
    EXPECT_EQ(is.permissions, was.permissions);
    EXPECT_EQ(is.addresses, was.addresses);
    ASSERT_EQ(is.credentials.size(), was.credentials.size());
    for (std::size_t k = 0; k < was.credentials.size(); ++k) {
      EXPECT_EQ(is.credentials[k].name, was.credentials[k].name);
      EXPECT_EQ(is.credentials[k].kind, was.credentials[k].kind);
      EXPECT_EQ(is.credentials[k].hosts, was.credentials[k].hosts);
      EXPECT_EQ(is.credentials[k].placeholder, was.credentials[k].placeholder);
      EXPECT_TRUE(is.credentials[k].value.equals(was.credentials[k].value)) << i << ", " << k;
      EXPECT_EQ(is.credentials[k].expires_at, was.credentials[k].expires_at);
      EXPECT_EQ(is.credentials[k].grant_name, was.credentials[k].grant_name);
      const auto& grant = is.credentials[k].grant;
      EXPECT_EQ(grant.client_id, was.credentials[k].grant.client_id);
      EXPECT_TRUE(grant.client_secret.equals(was.credentials[k].grant.client_secret));
      EXPECT_TRUE(grant.refresh_token.equals(was.credentials[k].grant.refresh_token));
      EXPECT_TRUE(grant.previous_token.equals(was.credentials[k].grant.previous_token));
    }
  }
}

TEST(WorkerConfig, OpensAgainAndAgain) {
  const auto memory = seal_config(sample());
  ASSERT_TRUE(memory);
  EXPECT_TRUE(open_config(*memory));
  EXPECT_TRUE(open_config(*memory));
}

TEST(WorkerConfig, CannotBeWrittenResizedOrUnsealed) {
  const auto memory = seal_config(sample());
  ASSERT_TRUE(memory);
  const int fd = memory->get();
  const auto size = static_cast<std::size_t>(lseek(fd, 0, SEEK_END));
  EXPECT_EQ(pwrite(fd, "x", 1, 0), -1);
  EXPECT_EQ(pwrite(fd, "x", 1, static_cast<off_t>(size)), -1);
  EXPECT_EQ(ftruncate(fd, 1), -1);
  EXPECT_EQ(mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
  EXPECT_TRUE(fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

TEST(WorkerConfig, RefusesWhatIsNone) {
  for (const std::string_view text :
       {"", "{", "{}", "[]", "[1]", "[{}]", R"([{"version":1}])", R"([[],""])"}) {
    const auto config = open_config(memory_of(text));
    ASSERT_FALSE(config) << text;
    EXPECT_EQ(config.error().code, Code::kMalformed) << text;
  }
  EXPECT_FALSE(open_config(linux::UniqueFd()));
}

TEST(WorkerConfig, RefusesOneThatIsCutAnywhere) {
  const auto memory = seal_config(sample());
  ASSERT_TRUE(memory);
  std::string text(static_cast<std::size_t>(lseek(memory->get(), 0, SEEK_END)), '\0');
  ASSERT_EQ(pread(memory->get(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
  for (std::size_t size = 0; size < text.size(); size += 7) {
    EXPECT_FALSE(open_config(memory_of(text.substr(0, size)))) << size;
  }
}

}  // namespace
}  // namespace deployclaw::egress
