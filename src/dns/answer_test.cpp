#include "dns/answer.hpp"

#include <gtest/gtest.h>

namespace deployclaw::dns {
namespace {

constexpr Time kNow{std::chrono::seconds{1'800'000'000}};

class Answer : public ::testing::Test {
 protected:
  // The name's labels, then type and class; with an id of its own.
  static Bytes query(const std::string& host, std::uint16_t type = kTypeA,
                     std::uint16_t query_class = kClassInternet) {
    Bytes bytes = {0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0};
    std::size_t from = 0;
    while (from < host.size()) {
      const auto end = std::min(host.find('.', from), host.size());
      bytes.push_back(static_cast<unsigned char>(end - from));
      for (; from < end; ++from) bytes.push_back(static_cast<unsigned char>(host[from]));
      ++from;
    }
    bytes.push_back(0);
    for (const auto value : {type, query_class}) {
      bytes.push_back(static_cast<unsigned char>(value >> 8));
      bytes.push_back(static_cast<unsigned char>(value));
    }
    return bytes;
  }
  Answered ask(const Bytes& bytes) {
    return answer_query(bytes, admitting_, addresses_, budget_, kNow);
  }
  static int code_of(const Answered& answered) { return answered.response.at(3) & 0xF; }
  static int answers_in(const Answered& answered) {
    return answered.response.at(6) << 8 | answered.response.at(7);
  }

  SyntheticAddresses addresses_;
  LabelBudget budget_{2};
  PatternAdmitting admitting_ = [](const std::string& host) -> std::optional<std::string> {
    if (host == "api.example.com" || host.find("localhost") != std::string::npos) return host;
    if (host.ends_with(".example.org")) return "*.example.org";
    return std::nullopt;
  };
};

TEST_F(Answer, OfAnAdmittedNameIsItsSyntheticAddress) {
  const auto answered = ask(query("API.example.com"));
  EXPECT_EQ(answered.finding, Finding::kNone);
  EXPECT_EQ(answered.host, "api.example.com");
  EXPECT_EQ(answered.pattern, "api.example.com");
  EXPECT_EQ(code_of(answered), 0);
  ASSERT_EQ(answers_in(answered), 1);
  const auto address = addresses_.address_of("api.example.com").to_bytes();
  EXPECT_TRUE(std::equal(address.begin(), address.end(), answered.response.end() - 4));
  EXPECT_EQ(answered.response.at(answered.response.size() - 7), kSyntheticSeconds);
}

TEST_F(Answer, OfAnyOtherTypeIsEmpty) {
  for (const int type : {28, 64, 65, 15, 16, 255}) {
    const auto answered = ask(query("api.example.com", static_cast<std::uint16_t>(type)));
    EXPECT_EQ(answered.finding, Finding::kNone) << type;
    EXPECT_EQ(code_of(answered), 0) << type;
    EXPECT_EQ(answers_in(answered), 0) << type;
  }
  EXPECT_EQ(addresses_.size(), 0U);
}

TEST_F(Answer, OfANameThatIsNotAdmittedIsThatThereIsNone) {
  for (const int type : {1, 28, 16}) {
    const auto answered = ask(query("evil.example", static_cast<std::uint16_t>(type)));
    EXPECT_EQ(answered.finding, Finding::kNotAdmitted);
    EXPECT_EQ(answered.host, "evil.example");
    EXPECT_EQ(code_of(answered), 3);
    EXPECT_EQ(answers_in(answered), 0);
  }
  EXPECT_EQ(addresses_.size(), 0U);
}

TEST_F(Answer, NeverIsAnAddressForWhatMeansThisMachineOrIsNoHostName) {
  for (const auto* host : {"localhost", "a.localhost", "127.0.0.1", "2130706433", "", "a b.com"}) {
    const auto answered = ask(query(host));
    EXPECT_EQ(answered.finding, Finding::kNotAdmitted) << host;
    EXPECT_EQ(code_of(answered), 3) << host;
  }
}

TEST_F(Answer, RefusesWhatIsBeyondTheBudget) {
  EXPECT_EQ(ask(query("a.example.org")).finding, Finding::kNone);
  EXPECT_EQ(ask(query("b.example.org", kTypeAaaa)).finding, Finding::kNone);
  const auto beyond = ask(query("c.example.org"));
  EXPECT_EQ(beyond.finding, Finding::kBudgetUsedUp);
  EXPECT_EQ(beyond.pattern, "*.example.org");
  EXPECT_EQ(code_of(beyond), 5);
  EXPECT_EQ(answers_in(beyond), 0);
  EXPECT_EQ(ask(query("A.example.org")).finding, Finding::kNone);
  EXPECT_EQ(addresses_.size(), 1U);
}

TEST_F(Answer, OfAnotherClassIsRefused) {
  const auto answered = ask(query("api.example.com", kTypeA, 3));
  EXPECT_EQ(code_of(answered), 5);
  EXPECT_EQ(answers_in(answered), 0);
}

TEST_F(Answer, OfAnUnreadableQueryIsAFormatErrorOrSilence) {
  auto bytes = query("api.example.com");
  bytes.push_back(0);
  EXPECT_EQ(ask(bytes).finding, Finding::kMalformed);
  EXPECT_EQ(code_of(ask(bytes)), 1);
  bytes[2] = 0x10;  // an opcode long gone
  EXPECT_EQ(code_of(ask(bytes)), 4);
  bytes[2] = 0x80;  // a response
  EXPECT_TRUE(ask(bytes).response.empty());
  EXPECT_TRUE(ask({1, 2, 3}).response.empty());
}

}  // namespace
}  // namespace deployclaw::dns
