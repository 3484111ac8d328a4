#include "services/target_naming.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/encoding.hpp"
#include "services/body_values.hpp"
#include "services/testing/policies.hpp"

namespace deployclaw::services {
namespace {

using namespace std::string_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::string named(std::string_view text, std::string_view body,
                  std::string_view type = "application/json", std::string_view query = "") {
  const BodyFacts known{.content_type = type, .bytes = body};
  return name_target(text, {.host = "h.example", .path = "/a/b", .query = query, .body = &known});
}

TEST(TargetNaming, TakesValuesByPointer) {
  EXPECT_EQ(named("to {body:/to}", R"({"to": "ada@example.com"})"), "to ada@example.com");
  EXPECT_EQ(named("chat {body:/chat_id}", R"({"chat_id": -100123})"), "chat -100123");
  EXPECT_EQ(named("{body:/m/*/a/x}", R"({"m": [{"a": {"x": "1"}}, {"a": {}}, {"a": {"x": "2"}}]})"),
            "1, 2");
  EXPECT_EQ(named("{body:/a~1b/0}", R"({"a/b": ["first"]})"), "first");
}

TEST(TargetNaming, WhatCannotBeReadIsUnknown) {
  for (const auto* body : {"", "{", R"({"to": null})", R"({"to": {}})", R"([])",
                           R"({"to": "", "x": 1})", R"({"to": "a", "to": "b"})"}) {
    EXPECT_EQ(named("to {body:/to}", body), "to unknown") << body;
  }
  EXPECT_EQ(name_target("to {body:/to}", {.host = "h", .path = "/", .query = ""}), "to unknown");
}

TEST(TargetNaming, TheFirstSourceWithAValueCounts) {
  constexpr auto kText = "{body:/channel|form:channel|query:channel}";
  EXPECT_EQ(named(kText, R"({"channel": "C1"})"), "C1");
  EXPECT_EQ(named(kText, "x=1&channel=C%202", "application/x-www-form-urlencoded"), "C 2");
  EXPECT_EQ(named(kText, "", "", "channel=C3"), "C3");
  EXPECT_EQ(named(kText, "", ""), "unknown");
}

TEST(TargetNaming, ReadsMultipartForms) {
  const auto body =
      "--B\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"chat_id\"\r\n\r\nxx\r\n"
      "--B\r\nContent-Disposition: form-data; name=\"chat_id\"\r\n\r\n-42\r\n--B--\r\n"s;
  EXPECT_EQ(named("{form:chat_id}", body, "multipart/form-data; boundary=B"), "-42");
  EXPECT_EQ(named("{form:none}", body, "multipart/form-data; boundary=\"B\""), "unknown");
  EXPECT_EQ(named("{form:chat_id}", body, "multipart/form-data"), "unknown");
}

TEST(TargetNaming, ReadsAMessagesRecipients) {
  const auto message =
      "From: me@example.com\r\nTo: Ada <ada@example.com>,\r\n\tbob@example.com\r\ncc: eve@x.example"
      "\r\nSubject: To: nobody\r\n\r\nTo: body@example.com\r\n"s;
  const auto body = R"({"raw": ")" + base64url_encode(bytes_of(message)) + R"("})";
  EXPECT_EQ(named("to {mime:/raw:to,cc,bcc}", body),
            "to Ada <ada@example.com>, bob@example.com, eve@x.example");
  EXPECT_EQ(named("to {mime::to}", message, "message/rfc822"),
            "to Ada <ada@example.com>, bob@example.com");
  EXPECT_EQ(named("to {mime:/raw:to}", R"({"raw": "!!!"})"), "to unknown");
}

// An agent chooses these bytes; a person reads them in a list.
TEST(TargetNaming, NothingForgesLinesOrReordersText) {
  const auto shown = named("{body:/to}", R"({"to": "a\nb\u202ec\u200bd\u0085e"})");
  EXPECT_EQ(shown,
            "a\xEF\xBF\xBD"
            "b\xEF\xBF\xBD"
            "c\xEF\xBF\xBD"
            "d\xEF\xBF\xBD"
            "e");
  EXPECT_EQ(named("{form:a}", "a=%FFx%C0%80", "application/x-www-form-urlencoded"),
            "\xEF\xBF\xBDx\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(named("{body:/to}", R"({"to": "Zoë 😀"})"), "Zoë 😀");
}

TEST(TargetNaming, IsBoundedAndCutBetweenCharacters) {
  std::string many;
  for (int i = 0; i < 400; ++i) many += "é";
  const auto shown = named("{body:/to}", R"({"to": ")" + many + R"("})");
  EXPECT_EQ(shown.size(), kLongestTargetText);
  EXPECT_TRUE(is_utf8(shown));
  EXPECT_LE(named("x{body:/to}", R"({"to": ")" + many + R"("})").size(), kLongestTargetText);
}

TEST(TargetNaming, TemplatesAreChecked) {
  const auto wrong = [](std::string_view text) {
    return check_target_template(text, [](std::string_view name) { return name == "user"; });
  };
  for (const auto* good : {"plain", "{user} {host}", "{body:/a|form:a|query:a|last}",
                           "{mime:/raw:to}", "{mime::to,cc}"}) {
    EXPECT_EQ(wrong(good), "") << good;
  }
  for (const auto* bad : {"{", "{user", "{nobody}", "{}", "{user|}", "{body:a}", "{body:}",
                          "{mime:/raw}", "{mime:/raw:}", "{mime:raw:to}", "{header:x}"}) {
    EXPECT_NE(wrong(bad), "") << bad;
  }
}

// The catalogue's own: what an agent does is told by whom it reaches.
TEST(TargetNaming, TheCatalogueNamesRecipients) {
  const auto policy = testing::policy_of(
      {.scopes = {"email:send", "messaging:send", "calendar:write", "files:write"}});
  const auto target = [&](const char* method, const char* host, const char* path,
                          std::string_view body, std::string_view type = "application/json") {
    const auto facts = testing::request(method, host, path);
    const auto decision = policy.decide(facts);
    EXPECT_TRUE(decision.allowed) << path;
    return policy.name_target(decision, facts, {.content_type = type, .bytes = body});
  };
  const auto mail = base64url_encode(bytes_of("To: ada@example.com\r\n\r\nhi"));
  EXPECT_EQ(target("POST", "gmail.googleapis.com", "/gmail/v1/users/me/messages/send",
                   R"({"raw": ")" + mail + R"("})"),
            "to ada@example.com");
  EXPECT_EQ(target("POST", "graph.microsoft.com", "/v1.0/me/sendMail",
                   R"({"message": {"toRecipients": [{"emailAddress": {"address": "a@x.example"}},
                       {"emailAddress": {"address": "b@x.example"}}]}})"),
            "to a@x.example, b@x.example");
  EXPECT_EQ(
      target("POST", "slack.com", "/api/chat.postMessage", R"({"channel": "C9", "text": "x"})"),
      "channel C9 (chat.postMessage)");
  EXPECT_EQ(target("POST", "slack.com", "/api/chat.postMessage", "channel=C8&text=x",
                   "application/x-www-form-urlencoded"),
            "channel C8 (chat.postMessage)");
  EXPECT_EQ(target("POST", "api.telegram.org", "/bot1:x/sendMessage", R"({"chat_id": 42})"),
            "chat 42 (sendMessage)");
  EXPECT_EQ(target("POST", "api.sendgrid.com", "/v3/mail/send",
                   R"({"personalizations": [{"to": [{"email": "a@x.example"}]}]})"),
            "to a@x.example");
  EXPECT_EQ(target("POST", "api.twilio.com", "/2010-04-01/Accounts/AC1/Messages.json",
                   "To=%2B15550001&From=x", "application/x-www-form-urlencoded"),
            "to +15550001");
  EXPECT_EQ(target("POST", "graph.facebook.com", "/v20.0/123/messages", R"({"to": "15550001"})"),
            "to 15550001 from 123");
  EXPECT_EQ(target("POST", "www.googleapis.com", "/calendar/v3/calendars/primary/events",
                   R"({"summary": "Lunch"})"),
            "calendar primary, event Lunch");
  EXPECT_EQ(target("POST", "www.googleapis.com", "/drive/v3/files", R"({"name": "plan.txt"})"),
            "file plan.txt");
}

}  // namespace
}  // namespace deployclaw::services
