#include "services/render_request.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/encoding.hpp"

namespace deployclaw::services {
namespace {

namespace json = boost::json;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kPlaceholder = "ya29.placeholder-0123456789";

class RenderRequest : public ::testing::Test {
 protected:
  json::object show(std::string_view service, std::string_view type, std::string_view body,
                    std::string_view target = "/send") {
    const std::vector<std::pair<std::string, std::string>> fields{
        {"Content-Type", std::string(type)},
        {"Authorization", "Bearer " + std::string(kPlaceholder)}};
    const AgentCredential credential{
        .name = "mailbox", .kind = "gmail", .hosts = {}, .placeholder = std::string(kPlaceholder)};
    const PlainRequest request{.method = "POST",
                               .scheme = "https",
                               .authority = "api.example.com",
                               .target = target,
                               .fields = fields,
                               .body = body};
    auto text = render_request(request, service, {&credential, 1});
    EXPECT_TRUE(text);
    return json::parse(*text).as_object();
  }
  static std::string said(const json::object& shown, const char* member) {
    return std::string(shown.at("message").at(member).as_string());
  }
  static std::string recipients(const json::object& shown) {
    std::string out;
    for (const auto& one : shown.at("message").at("recipients").as_array()) {
      out += std::string(one.at("role").as_string()) + ":" +
             std::string(one.at("address").as_string()) + ";";
    }
    return out;
  }
};

constexpr std::string_view kMail =
    "From: agent@example.com\r\n"
    "To: Ada <ada@example.com>,\r\n"
    "  bob@example.com\r\n"
    "Bcc: hidden@example.net\r\n"
    "Subject: =?utf-8?B?R3LDvMOfZQ==?= =?utf-8?Q?_aus_K=C3=B6ln?=\r\n"
    "MIME-Version: 1.0\r\n"
    "Content-Type: multipart/mixed; boundary=\"outer\"\r\n"
    "\r\n"
    "--outer\r\n"
    "Content-Type: multipart/alternative; boundary=inner\r\n"
    "\r\n"
    "--inner\r\n"
    "Content-Type: text/plain; charset=utf-8\r\n"
    "Content-Transfer-Encoding: quoted-printable\r\n"
    "\r\n"
    "Caf=C3=A9 at =\r\nnoon\r\n"
    "--inner\r\n"
    "Content-Type: text/html\r\n"
    "\r\n"
    "<b>something else</b>\r\n"
    "--inner--\r\n"
    "--outer\r\n"
    "Content-Type: application/pdf; name=\"a.pdf\"\r\n"
    "Content-Disposition: attachment; filename=\"plan.pdf\"\r\n"
    "Content-Transfer-Encoding: base64\r\n"
    "\r\n"
    "AAECAwQF\r\n"
    "--outer--\r\n";

void expect_the_mail(const json::object& shown) {
  ASSERT_TRUE(shown.at("message").is_object()) << json::serialize(shown);
  const auto& message = shown.at("message").as_object();
  EXPECT_EQ(message.at("kind").as_string(), "email");
  EXPECT_EQ(message.at("from").as_string(), "agent@example.com");
  EXPECT_EQ(message.at("subject").as_string(), "Grüße aus Köln");
  EXPECT_THAT(std::string(message.at("text").as_string()), HasSubstr("Café at noon"));
  EXPECT_THAT(std::string(message.at("html").as_string()), HasSubstr("<b>something else</b>"));
  ASSERT_EQ(message.at("attachments").as_array().size(), 1U);
  const auto& file = message.at("attachments").as_array()[0].as_object();
  EXPECT_EQ(file.at("name").as_string(), "plan.pdf");
  EXPECT_EQ(file.at("type").as_string(), "application/pdf");
  EXPECT_EQ(file.at("bytes").to_number<int>(), 6);
}

TEST_F(RenderRequest, GmailsRawMailIsTakenApart) {
  const auto raw = base64url_encode(bytes_of(kMail));
  const auto shown = show("gmail", "application/json", R"({"raw":")" + raw + R"("})");
  expect_the_mail(shown);
  EXPECT_EQ(recipients(shown), "to:Ada <ada@example.com>, bob@example.com;bcc:hidden@example.net;");
  // What it was taken from is there, too.
  EXPECT_THAT(std::string(shown.at("request").at("body").at("content").as_string()),
              HasSubstr(raw.substr(0, 40)));
}

TEST_F(RenderRequest, GmailsOtherWaysToSendAreTheSameMail) {
  expect_the_mail(show("gmail", "message/rfc822", kMail));
  expect_the_mail(show("gmail", "application/json",
                       R"({"message":{"raw":")" + base64url_encode(bytes_of(kMail)) + R"("}})"));
  expect_the_mail(
      show("gmail", "application/json", R"({"raw":")" + base64_encode(bytes_of(kMail)) + R"("})"));
  expect_the_mail(show("gmail", "multipart/related; boundary=b",
                       "--b\r\nContent-Type: application/json\r\n\r\n{}\r\n--b\r\n"
                       "Content-Type: message/rfc822\r\n\r\n" +
                           std::string(kMail) + "\r\n--b--\r\n"));
}

TEST_F(RenderRequest, AFieldThatIsThereTwiceIsShownTwice) {
  const auto shown = show("gmail", "message/rfc822",
                          "To: a@example.com\r\nTo: b@example.com\r\nSubject: one\r\n"
                          "Subject: two\r\n\r\nhi");
  EXPECT_EQ(recipients(shown), "to:a@example.com;to:b@example.com;");
  EXPECT_THAT(said(shown, "subject"), HasSubstr("one"));
  EXPECT_THAT(said(shown, "subject"), HasSubstr("two"));
}

TEST_F(RenderRequest, MicrosoftGraphsMail) {
  const auto shown = show("microsoft-graph", "application/json", R"({"message":{
    "subject":"Lunch","body":{"contentType":"Text","content":"at noon?"},
    "toRecipients":[{"emailAddress":{"address":"ada@example.com","name":"Ada"}}],
    "bccRecipients":[{"emailAddress":{"address":"b@example.net"}}],
    "attachments":[{"name":"a.txt","contentType":"text/plain","contentBytes":"AAAA"}],
    "importance":"high"}})");
  EXPECT_EQ(recipients(shown), "to:Ada <ada@example.com>;bcc:b@example.net;");
  EXPECT_EQ(said(shown, "subject"), "Lunch");
  EXPECT_EQ(said(shown, "text"), "at noon?");
  EXPECT_EQ(shown.at("message").at("attachments").as_array().size(), 1U);
  EXPECT_THAT(json::serialize(shown.at("warnings")), HasSubstr("importance"));
}

TEST_F(RenderRequest, SendGridsMail) {
  const auto shown = show("sendgrid", "application/json", R"({
    "personalizations":[{"to":[{"email":"ada@example.com","name":"Ada"}],
                         "cc":[{"email":"c@example.com"}]}],
    "from":{"email":"us@example.com"},"subject":"Hi",
    "content":[{"type":"text/plain","value":"hello"},{"type":"text/html","value":"<i>x</i>"}]})");
  EXPECT_EQ(recipients(shown), "to:Ada <ada@example.com>;cc:c@example.com;");
  EXPECT_EQ(said(shown, "from"), "us@example.com");
  EXPECT_EQ(said(shown, "text"), "hello");
  EXPECT_EQ(said(shown, "html"), "<i>x</i>");
}

TEST_F(RenderRequest, ChatAndTextMessages) {
  auto shown = show("twilio", "application/x-www-form-urlencoded",
                    "To=%2B491701234567&From=%2B1555&Body=on+my+way");
  EXPECT_EQ(recipients(shown), "to:+491701234567;");
  EXPECT_EQ(said(shown, "text"), "on my way");
  shown = show("slack", "application/json; charset=utf-8",
               R"({"channel":"#general","text":"hello","blocks":[{"type":"divider"}]})");
  EXPECT_EQ(recipients(shown), "channel:#general;");
  EXPECT_THAT(json::serialize(shown.at("warnings")), HasSubstr("blocks"));
  shown = show("telegram", "application/json", R"({"chat_id":-100123,"text":"hi"})");
  EXPECT_EQ(recipients(shown), "channel:-100123;");
  shown = show("telegram", "multipart/form-data; boundary=b",
               "--b\r\nContent-Disposition: form-data; name=\"chat_id\"\r\n\r\n5\r\n--b\r\n"
               "Content-Disposition: form-data; name=\"document\"; filename=\"x.txt\"\r\n\r\n"
               "abc\r\n--b--\r\n");
  EXPECT_EQ(recipients(shown), "channel:5;");
  EXPECT_EQ(shown.at("message").at("attachments").as_array().size(), 1U);
  shown =
      show("discord", "application/json", R"({"content":"hi"})", "/api/v10/channels/987/messages");
  EXPECT_EQ(recipients(shown), "channel:987;");
  shown = show("whatsapp-business", "application/json",
               R"({"messaging_product":"whatsapp","to":"49170","text":{"body":"hi"}})");
  EXPECT_EQ(recipients(shown), "channel:49170;");
  EXPECT_EQ(said(shown, "text"), "hi");
}

TEST_F(RenderRequest, WhatIsNotUnderstoodIsShownAsItStands) {
  for (const char* body : {"{\"raw\":\"!!!\"}", "not json", "{\"raw\":1}", ""}) {
    const auto shown = show("gmail", "application/json", body);
    EXPECT_TRUE(shown.at("message").is_null()) << body;
    EXPECT_EQ(shown.at("request").at("body").at("content").as_string(), body);
  }
  const auto shown = show("", "application/octet-stream", std::string("\xff\x00\x01", 3));
  EXPECT_EQ(shown.at("request").at("body").at("encoding").as_string(), "hex");
  EXPECT_EQ(shown.at("request").at("body").at("content").as_string(), "ff0001");
  EXPECT_EQ(shown.at("request").at("body").at("bytes").to_number<int>(), 3);
  EXPECT_EQ(shown.at("request").at("url").as_string(), "https://api.example.com/send");
}

TEST_F(RenderRequest, PlaceholdersAreCalledByTheirCredentialsName) {
  const auto shown = show("", "text/plain", "key=" + std::string(kPlaceholder) + ";");
  const auto text = json::serialize(shown);
  EXPECT_THAT(text, Not(HasSubstr(std::string(kPlaceholder))));
  EXPECT_THAT(text, HasSubstr("Bearer [credential mailbox]"));
  EXPECT_EQ(shown.at("request").at("body").at("content").as_string(), "key=[credential mailbox];");
}

TEST_F(RenderRequest, NothingIsHidden) {
  const auto shown = show("gmail", "message/rfc822",
                          "To: ada@example.com\r\nSubject: =?utf-8?B?4oCubW9j?=\r\n\r\n"
                          "a\xe2\x80\x8b\x1b[2Jb");
  EXPECT_EQ(said(shown, "subject"), "<U+202E>moc");
  EXPECT_EQ(said(shown, "text"), "a<U+200B><U+001B>[2Jb");
}

TEST_F(RenderRequest, TheLargestBodiesAreShownWithinBounds) {
  const std::string largest(1024UL * 1024, '\n');
  const std::string noise(1024UL * 1024, '\xff');
  for (const auto& body : {largest, noise}) {
    const auto shown = show("", "text/plain", body);
    EXPECT_EQ(shown.at("request").at("body").at("bytes").to_number<std::size_t>(), body.size());
  }
  // A mail that is spelt out at eight times its length is not taken apart.
  const auto mail = "To: a@example.com\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
                    base64_encode(bytes_of(std::string(700UL * 1024, '\x01')));
  const auto shown = show("gmail", "message/rfc822", mail);
  EXPECT_TRUE(shown.at("message").is_null());
  EXPECT_THAT(json::serialize(shown.at("warnings")), HasSubstr("too large"));
}

TEST_F(RenderRequest, MailNestedWithoutEndIsNotTakenApart) {
  std::string mail = "To: a@example.com\r\n";
  for (int i = 0; i < 40; ++i) {
    const auto mark = "b" + std::to_string(i);
    mail += "Content-Type: multipart/mixed; boundary=" + mark + "\r\n\r\n--" + mark + "\r\n";
  }
  EXPECT_TRUE(show("gmail", "message/rfc822", mail).at("message").is_null());
}

}  // namespace
}  // namespace deployclaw::services
