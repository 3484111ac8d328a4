#include "dns/resolver.hpp"

#include <gmock/gmock.h>

#include <boost/asio/io_context.hpp>

#include "dns/testing/fake_nameserver.hpp"
#include "net/testing/run_task.hpp"

namespace deployclaw::dns {
namespace {

using net::testing::run_task;
using ::testing::ElementsAre;
using testing::FakeNameserver;
using testing::FakeRecord;
using ::testing::HasSubstr;
using namespace std::chrono_literals;
using Answer = Result<std::vector<Address>>;

Address ip(const char* text) { return boost::asio::ip::make_address(text); }

class ResolverTest : public ::testing::Test {
 protected:
  Resolver& resolver() {
    if (!resolver_) {
      if (config_.nameservers.empty()) config_.nameservers = {fake_.nameserver()};
      resolver_ = std::move(Resolver::create(io_.get_executor(), config_).value());
    }
    return *resolver_;
  }
  Answer resolve(const std::string& host) { return run_task(io_, resolver().resolve(host)); }
  Answer checked(const std::string& host) {
    return run_task(io_, resolver().resolve_checked(host));
  }

  boost::asio::io_context io_;
  FakeNameserver fake_{io_.get_executor()};
  ResolverConfig config_;
  std::unique_ptr<Resolver> resolver_;
};

TEST_F(ResolverTest, GivesBothFamiliesIpv4First) {
  fake_.set("api.example.com", {"2606:4700::1", "1.1.1.1", "1.0.0.1"});
  const auto addresses = checked("API.example.com.");
  ASSERT_TRUE(addresses) << addresses.error().message;
  EXPECT_THAT(*addresses, ElementsAre(ip("1.1.1.1"), ip("1.0.0.1"), ip("2606:4700::1")));
  EXPECT_EQ(fake_.queries_for("api.example.com"), 2U);
  EXPECT_EQ(resolver().questions(), 2U);
}

TEST_F(ResolverTest, FollowsAliases) {
  fake_.set("www.example.com", FakeRecord{.addresses = {ip("1.1.1.1")},
                                          .aliases = {"edge.example.net", "e7.example.net"}});
  const auto addresses = checked("www.example.com");
  ASSERT_TRUE(addresses) << addresses.error().message;
  EXPECT_THAT(*addresses, ElementsAre(ip("1.1.1.1")));
}

TEST_F(ResolverTest, AsksOnlyForIpv4WhereThereIsNoOther) {
  config_.ipv6 = false;
  fake_.set("api.example.com", {"1.1.1.1", "2606:4700::1"});
  EXPECT_THAT(resolve("api.example.com").value(), ElementsAre(ip("1.1.1.1")));
  EXPECT_EQ(fake_.queries(), 1U);
}

TEST_F(ResolverTest, RefusesANameOfWhichAnyAddressIsNotPublic) {
  struct Case {
    std::vector<std::string> addresses;
    const char* why;
  };
  const std::vector<Case> cases = {
      {{"10.0.0.5"}, "private"},
      {{"169.254.169.254"}, "metadata"},
      {{"1.1.1.1", "127.0.0.1"}, "loopback"},
      {{"1.1.1.1", "fd00:ec2::254"}, "private"},
      {{"1.1.1.1", "::ffff:10.0.0.1"}, "private"},
      {{"198.18.0.1"}, "benchmarking"},
      {{"0.0.0.0"}, "unspecified"},
  };
  int number = 0;
  for (const auto& [addresses, why] : cases) {
    const auto host = "rebind" + std::to_string(++number) + ".example";
    fake_.set(host, addresses);
    const auto refused = checked(host);
    ASSERT_FALSE(refused) << why;
    EXPECT_EQ(refused.error().code, Code::kForbidden);
    EXPECT_EQ(refused.error().reason, "address_not_public");
    EXPECT_THAT(refused.error().message, HasSubstr(why));
    EXPECT_TRUE(resolve(host)) << "the control: unchecked it resolves";
  }
}

TEST_F(ResolverTest, JudgesAddressesInPlaceOfNamesLikewise) {
  EXPECT_THAT(checked("1.1.1.1").value(), ElementsAre(ip("1.1.1.1")));
  for (const auto* address : {"10.0.0.1", "127.0.0.1", "::1", "::ffff:7f00:1", "fe80::1"}) {
    const auto refused = checked(address);
    ASSERT_FALSE(refused) << address;
    EXPECT_EQ(refused.error().code, Code::kForbidden);
  }
  EXPECT_EQ(fake_.queries(), 0U);
}

TEST_F(ResolverTest, AsksNobodyAboutWhatIsNoHostName) {
  for (const auto* host : {"", "localhost", "a.localhost", "2130706433", "0x7f.1", "0177.0.0.1",
                           "127.1", "a b", "evil.onion", "fe80::1%1", "[::1]"}) {
    for (const auto& refused : {resolve(host), checked(host)}) {
      ASSERT_FALSE(refused) << host;
      EXPECT_EQ(refused.error().code, Code::kInvalid) << host;
    }
  }
  EXPECT_EQ(fake_.queries(), 0U);
}

TEST_F(ResolverTest, APinnedHostHasExactlyItsPins) {
  config_.pins = {{"CRM.corp.example", {ip("10.20.0.5")}}, {"10.0.0.9", {ip("10.0.0.9")}}};
  fake_.set("crm.corp.example", {"6.6.6.6"});
  EXPECT_THAT(checked("crm.corp.EXAMPLE").value(), ElementsAre(ip("10.20.0.5")));
  EXPECT_THAT(checked("10.0.0.9").value(), ElementsAre(ip("10.0.0.9")));
  EXPECT_EQ(fake_.queries(), 0U);
  EXPECT_FALSE(checked("10.0.0.8"));
}

TEST_F(ResolverTest, RefusesAConfigurationThatCannotWork) {
  const auto code_of = [&](ResolverConfig config) {
    const auto made = Resolver::create(io_.get_executor(), std::move(config));
    return made ? std::nullopt : std::optional(made.error().code);
  };
  EXPECT_EQ(code_of({}), Code::kInvalid);
  const auto good = fake_.nameserver();
  EXPECT_EQ(code_of({.nameservers = {good}, .pins = {{"a b", {ip("10.0.0.1")}}}}), Code::kInvalid);
  EXPECT_EQ(code_of({.nameservers = {good}, .pins = {{"localhost", {ip("127.0.0.1")}}}}),
            Code::kInvalid);
  EXPECT_EQ(code_of({.nameservers = {good}, .pins = {{"a.example", {}}}}), Code::kInvalid);
}

TEST_F(ResolverTest, TellsThatANameDoesNotExistAndRemembersIt) {
  config_.negative_ttl = 60ms;
  for (int i = 0; i < 2; ++i) {
    const auto missing = resolve("missing.example");
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, Code::kNotFound);
  }
  EXPECT_EQ(fake_.queries(), 2U);
  run_task(io_, sleep_for(80ms));
  EXPECT_FALSE(resolve("missing.example"));
  EXPECT_EQ(fake_.queries(), 4U);
}

TEST_F(ResolverTest, ANameWithoutAddressesIsNotFound) {
  fake_.set("mail.example", FakeRecord{});
  EXPECT_EQ(resolve("mail.example").error().code, Code::kNotFound);
}

TEST_F(ResolverTest, KeepsAnswersForTheirTimeToLiveAtMostItsOwn) {
  config_.max_ttl = 100ms;
  fake_.set("long.example", FakeRecord{.addresses = {ip("1.1.1.1")}, .seconds = 86'400});
  fake_.set("zero.example", FakeRecord{.addresses = {ip("1.1.1.1")}, .seconds = 0});
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(resolve("long.example"));
  EXPECT_EQ(fake_.queries_for("long.example"), 2U);
  run_task(io_, sleep_for(120ms));
  fake_.set("long.example", {"9.9.9.9"});
  EXPECT_THAT(resolve("long.example").value(), ElementsAre(ip("9.9.9.9")));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(resolve("zero.example"));
  EXPECT_EQ(fake_.queries_for("zero.example"), 6U);
}

TEST_F(ResolverTest, ForgetsTheOldestAnswerWhenItsMemoryIsFull) {
  config_.cache_entries = 2;
  for (const auto* host : {"a.example", "b.example", "c.example"}) {
    fake_.set(host, {"1.1.1.1"});
    ASSERT_TRUE(resolve(host));
  }
  ASSERT_TRUE(resolve("c.example"));
  EXPECT_EQ(fake_.queries(), 6U);
  ASSERT_TRUE(resolve("a.example"));
  EXPECT_EQ(fake_.queries(), 8U);
}

Task<std::vector<Answer>> resolve_at_once(Resolver& resolver, TaskGroup& group,
                                          std::vector<std::string> hosts) {
  std::vector<Answer> answers;
  const auto one = [](Resolver& used, std::vector<Answer>& out, std::string host) -> Task<void> {
    auto answer = co_await used.resolve(std::move(host));
    out.push_back(std::move(answer));
  };
  for (auto& host : hosts) group.spawn("resolve", one(resolver, answers, std::move(host)));
  co_await group.join();
  co_return answers;
}

TEST_F(ResolverTest, AsksOnceForANameThatManyWant) {
  fake_.set("api.example.com", FakeRecord{.addresses = {ip("1.1.1.1")}, .delay = 50ms});
  TaskGroup group(io_.get_executor());
  const std::vector<std::string> hosts(20, "api.example.com");
  const auto answers = run_task(io_, resolve_at_once(resolver(), group, hosts));
  ASSERT_EQ(answers.size(), 20U);
  for (const auto& answer : answers) EXPECT_THAT(answer.value(), ElementsAre(ip("1.1.1.1")));
  EXPECT_EQ(fake_.queries(), 2U);
}

TEST_F(ResolverTest, RefusesMoreNamesAtOnceThanItMayAsk) {
  config_.parallel_names = 2;
  for (const auto* host : {"a.example", "b.example", "c.example"}) {
    fake_.set(host, FakeRecord{.addresses = {ip("1.1.1.1")}, .delay = 50ms});
  }
  TaskGroup group(io_.get_executor());
  const std::vector<std::string> hosts = {"a.example", "b.example", "c.example"};
  const auto answers = run_task(io_, resolve_at_once(resolver(), group, hosts));
  ASSERT_EQ(answers.size(), 3U);
  ASSERT_FALSE(answers[0]);
  EXPECT_EQ(answers[0].error().code, Code::kUnavailable);
  EXPECT_TRUE(answers[1] && answers[2]);
  EXPECT_TRUE(resolve("c.example")) << "the places are free again";
}

TEST_F(ResolverTest, GivesUpAtItsDeadline) {
  config_.deadline = 200ms;
  fake_.set("slow.example", FakeRecord{.silent = true});
  const auto began = std::chrono::steady_clock::now();
  const auto answer = resolve("slow.example");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::kTimeout);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 3s);
  fake_.set("slow.example", {"1.1.1.1"});
  EXPECT_TRUE(resolve("slow.example")) << "a failure is not remembered";
}

TEST_F(ResolverTest, DoesNotWaitLongForTheOtherHalf) {
  config_.patience = 50ms;
  fake_.set("half.example", FakeRecord{.addresses = {ip("1.1.1.1")}, .silent_ipv6 = true});
  const auto began = std::chrono::steady_clock::now();
  EXPECT_THAT(resolve("half.example").value(), ElementsAre(ip("1.1.1.1")));
  EXPECT_LT(std::chrono::steady_clock::now() - began, 3s);
}

TEST_F(ResolverTest, GoesOverToTcpWhenAnAnswerIsTruncated) {
  std::vector<Address> many;
  for (int i = 1; i <= 40; ++i) many.push_back(ip(("1.1.1." + std::to_string(i)).c_str()));
  fake_.set("many.example", FakeRecord{.addresses = many, .truncated = true});
  EXPECT_THAT(checked("many.example").value(), ::testing::UnorderedElementsAreArray(many));
  EXPECT_EQ(fake_.tcp_queries(), 2U);
}

TEST_F(ResolverTest, TellsThatNameserversFail) {
  fake_.set("broken.example", FakeRecord{.code = 2});
  const auto answer = resolve("broken.example");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::kUnavailable);
}

TEST_F(ResolverTest, AsksTheNextNameserverWhenOneFails) {
  FakeNameserver second(io_.get_executor());
  config_.nameservers = {fake_.nameserver(), second.nameserver()};
  fake_.set("api.example", FakeRecord{.code = 5});
  second.set("api.example", {"1.1.1.1"});
  EXPECT_THAT(resolve("api.example").value(), ElementsAre(ip("1.1.1.1")));
}

TEST_F(ResolverTest, BelievesNoForgeryAndNoGarbage) {
  config_.deadline = 300ms;
  fake_.set("forged.example", FakeRecord{.addresses = {ip("6.6.6.6")}, .wrong_id = true});
  fake_.set("garbage.example", FakeRecord{.garbage = true});
  EXPECT_FALSE(resolve("forged.example"));
  EXPECT_FALSE(resolve("garbage.example"));
}

TEST_F(ResolverTest, AWaitThatIsCancelledEndsAlone) {
  fake_.set("slow.example", FakeRecord{.addresses = {ip("1.1.1.1")}, .delay = 200ms});
  std::optional<Answer> cancelled;
  const auto waiter = [](Resolver& used, std::optional<Answer>& out) -> Task<void> {
    auto answer = co_await used.resolve("slow.example");
    out = std::move(answer);
  };
  TaskGroup group(io_.get_executor());
  group.spawn("waiter", waiter(resolver(), cancelled));
  run_task(io_, sleep_for(20ms));
  group.cancel();
  run_task(io_, group.join());
  EXPECT_FALSE(cancelled && *cancelled);
  EXPECT_TRUE(resolve("slow.example")) << "the question goes on for others";
  EXPECT_EQ(fake_.queries(), 2U);
}

TEST_F(ResolverTest, MayGoWhileItsNameserverIsSilent) {
  config_.deadline = 30ms;
  fake_.set("slow.example", FakeRecord{.silent = true});
  EXPECT_FALSE(resolve("slow.example"));
  resolver_.reset();  // c-ares still waits
  run_task(io_, sleep_for(50ms));
}

}  // namespace
}  // namespace deployclaw::dns
