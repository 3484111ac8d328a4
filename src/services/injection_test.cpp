#include "services/injection.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/encoding.hpp"
#include "services/testing/injection_fixture.hpp"

namespace deployclaw::services {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using InjectionTest = testing::InjectionTest;

const std::string kFake = "sk-FAKEFAKEFAKEFAKEFAKEFAKE";
const std::string kReal = "sk-real-value";

std::string basic(std::string_view pair) { return "Basic " + base64_encode(bytes_of(pair)); }

TEST_F(InjectionTest, AHeaderGetsItsSecret) {
  give("openai", kFake, kReal);
  const auto used = inject("/v1/models", headers({{"Host", "api.openai.com"},
                                                  {"authorization", "bearer " + kFake},
                                                  {"Accept", "*/*"}}));
  ASSERT_TRUE(used) << used.error().message;
  EXPECT_THAT(*used, ElementsAre("openai"));
  EXPECT_EQ(head_.headers.get("authorization"), "bearer " + kReal);
  EXPECT_EQ(head_.headers.get("accept"), "*/*");
  EXPECT_EQ(head_.headers.all().size(), 3U);
  wipe_injected(head_, target_);
  EXPECT_EQ(head_.headers.get("authorization"), "");
  EXPECT_EQ(target_.path, "");
}

TEST_F(InjectionTest, WithoutAPlaceholderNothingChanges) {
  give("openai", kFake, kReal);
  const auto used = inject("/v1/models?a=b", headers({{"Authorization", "Bearer other"}}));
  ASSERT_TRUE(used);
  EXPECT_THAT(*used, IsEmpty());
  EXPECT_EQ(head_.headers.get("authorization"), "Bearer other");
  EXPECT_EQ(target_.origin_form(), "/v1/models?a=b");
}

TEST_F(InjectionTest, AnyOtherPlaceRefuses) {
  give("openai", kFake, kReal);
  const std::string key = "Authorization";
  for (const auto& fields :
       {headers({{"X-Copy", kFake}}), headers({{"X-Copy", "a" + kFake + "b"}}),
        headers({{"Cookie", "k=" + kFake}}), headers({{"User-Agent", kFake}}),
        headers({{"Authorization", kFake}}), headers({{"Authorization", "Token " + kFake}}),
        headers({{"Authorization", "Bearer " + kFake + " "}}),
        headers({{"Authorization", "Bearer  " + kFake}}),
        headers({{"Authorization", "Bearer x" + kFake}}),
        headers({{"Authorization", "Bearer " + kFake + "," + kFake}}),
        headers({{"Authorization", basic("u:" + kFake)}}),
        headers({{"Authorization", basic(kFake)}}), headers({{kFake.c_str(), "x"}}),
        headers({{"Authorization", "Bearer " + kFake}, {"X-Copy", kFake}}),
        headers({{"Authorization", "Bearer " + kFake}, {"Authorization", "Bearer decoy"}})}) {
    EXPECT_EQ(reason(inject("/v1/models", fields)), "placeholder_misplaced");
    EXPECT_EQ(head_.headers.all(), fields.all()) << "an error changes nothing";
  }
  for (const auto& target :
       {"/v1/" + kFake, "/v1/x" + kFake + "y", "/v1?key=" + kFake, "/v1?" + kFake + "=a",
        "/v1?a=b&c=x" + kFake, "/v1?" + kFake, "/v1/%73k-" + kFake.substr(3)}) {
    EXPECT_EQ(reason(inject(target)), "placeholder_misplaced") << target;
  }
}

TEST_F(InjectionTest, AnotherCredentialsPlaceholderIsNoBetter) {
  give("openai", kFake, kReal);
  give("anthropic", "sk-ant-FAKEFAKEFAKEFAKE", "sk-ant-real");
  const auto openai_only = [&] {
    auto list = injections();
    std::erase_if(list, [](const Injection& i) { return i.credential->kind != "openai"; });
    return list;
  };
  head_.headers = headers({{"Authorization", "Bearer sk-ant-FAKEFAKEFAKEFAKE"}});
  target_ = *http::canonical_target("/v1/models");
  EXPECT_EQ(reason(inject_head(head_, target_, openai_only(), credentials_, source())),
            "placeholder_misplaced");
}

TEST_F(InjectionTest, APathSegmentGetsItsSecret) {
  give("telegram", "7000000000:AAfakefakefakefakefakefakefakefake", "123456:AA-real_token");
  for (const char* target : {"/bot7000000000:AAfakefakefakefakefakefakefakefake/sendMessage",
                             "/bot7000000000%3AAAfakefakefakefakefakefakefakefake/sendMessage"}) {
    const auto used = inject(target);
    ASSERT_TRUE(used) << used.error().message;
    EXPECT_THAT(*used, ElementsAre("telegram"));
    EXPECT_EQ(target_.path, "/bot123456:AA-real_token/sendMessage");
  }
  ASSERT_TRUE(inject("/file/bot7000000000:AAfakefakefakefakefakefakefakefake/photos/1.jpg"));
  EXPECT_EQ(target_.path, "/file/bot123456:AA-real_token/photos/1.jpg");
  for (const char* target : {"/bot7000000000:AAfakefakefakefakefakefakefakefakex/getMe",
                             "/x/bot7000000000:AAfakefakefakefakefakefakefakefake/getMe",
                             "/bot7000000000:AAfakefakefakefakefakefakefakefake/"
                             "7000000000:AAfakefakefakefakefakefakefakefake",
                             "/bot7000000000:AAfakefakefakefakefakefakefakefake/"
                             "sendMessage?text=7000000000:AAfakefakefakefakefakefakefakefake"}) {
    EXPECT_EQ(reason(inject(target)), "placeholder_misplaced") << target;
  }
}

TEST_F(InjectionTest, AValueThatCouldBendThePathIsRefused) {
  for (const char* bad : {"12345/../x", "12345\\x", "12345%2Fx"}) {
    credentials_.clear();
    give("telegram", "7000000000:AAfakefakefakefakefakefakefakefake", bad);
    EXPECT_EQ(reason(inject("/bot7000000000:AAfakefakefakefakefakefakefakefake/getMe")),
              "credential_unfit");
  }
}

TEST_F(InjectionTest, AQueryValueGetsItsSecretEncoded) {
  give("gemini", "AIzaFAKEFAKEFAKEFAKEFAKE", "AIza+real&=/ value");
  const auto used = inject("/v1beta/models?pageSize=5&key=AIzaFAKEFAKEFAKEFAKEFAKE&x=%20");
  ASSERT_TRUE(used) << used.error().message;
  EXPECT_EQ(*target_.query, "pageSize=5&key=AIza%2Breal%26%3D%2F%20value&x=%20");
  for (const char* target :
       {"/v1?Key=AIzaFAKEFAKEFAKEFAKEFAKE", "/v1?other=AIzaFAKEFAKEFAKEFAKEFAKE",
        "/v1?key=AIzaFAKEFAKEFAKEFAKEFAKE&key=decoy", "/v1?key=decoy&key=AIzaFAKEFAKEFAKEFAKEFAKE",
        "/v1?k%65y=x&key=AIzaFAKEFAKEFAKEFAKEFAKE"}) {
    EXPECT_EQ(reason(inject(target)), "placeholder_misplaced") << target;
  }
}

TEST_F(InjectionTest, AHalfOfABasicPairGetsItsSecret) {
  give("twilio", "0123456789abcdef0123456789abcdef", "real:token");
  const auto used =
      inject("/", headers({{"Authorization", basic("AC99:0123456789abcdef0123456789abcdef")}}));
  ASSERT_TRUE(used) << used.error().message;
  EXPECT_EQ(head_.headers.get("authorization"), basic("AC99:real:token"));
  EXPECT_EQ(reason(inject(
                "/", headers({{"Authorization", basic("0123456789abcdef0123456789abcdef:x")}}))),
            "placeholder_misplaced")
      << "the user half is no place of this kind";
  give("generic-basic", "dcph_USERUSERUSERUSER", "ann");
  const auto both =
      inject("/", headers({{"Authorization", basic("dcph_USERUSERUSERUSER:"
                                                   "0123456789abcdef0123456789abcdef")}}));
  ASSERT_TRUE(both) << both.error().message;
  EXPECT_THAT(*both, ElementsAre("generic-basic", "twilio"));
  EXPECT_EQ(head_.headers.get("authorization"), basic("ann:real:token"));
  values_.insert_or_assign("generic-basic", Secret::copy_of("a:b"));
  EXPECT_EQ(reason(inject("/", headers({{"Authorization", basic("dcph_USERUSERUSERUSER:x")}}))),
            "credential_unfit");
}

TEST_F(InjectionTest, AGenericSecretGoesIntoAnyFieldThatIsNotTheMessagesOwn) {
  give("generic", "dcph_FAKEFAKEFAKEFAKE", "real");
  for (const auto& [name, value, expected] :
       std::vector<std::tuple<const char*, std::string, std::string>>{
           {"X-Api-Key", "dcph_FAKEFAKEFAKEFAKE", "real"},
           {"Authorization", "Bearer dcph_FAKEFAKEFAKEFAKE", "Bearer real"},
           {"Authorization", "ApiKey dcph_FAKEFAKEFAKEFAKE", "ApiKey real"}}) {
    const auto used = inject("/", headers({{name, value}}));
    ASSERT_TRUE(used) << name << " " << used.error().message;
    EXPECT_EQ(head_.headers.get(name), expected);
  }
  for (const char* name : {"Host", "Cookie", "Referer", "X-Forwarded-For", "Sec-WebSocket-Protocol",
                           "Proxy-Authorization", "Content-Type", "User-Agent", "Origin"}) {
    EXPECT_EQ(reason(inject("/", headers({{name, "dcph_FAKEFAKEFAKEFAKE"}}))),
              "placeholder_misplaced")
        << name;
  }
}

TEST_F(InjectionTest, WithoutAValueTheRequestIsRefused) {
  give("openai", kFake, kReal);
  values_.clear();
  EXPECT_EQ(reason(inject("/", headers({{"Authorization", "Bearer " + kFake}}))),
            "credential_unavailable");
  EXPECT_EQ(head_.headers.get("authorization"), "Bearer " + kFake);
}

TEST_F(InjectionTest, AValueWithALineBreakNeverEntersAHeader) {
  give("openai", kFake, "real\r\nX: y");
  EXPECT_EQ(reason(inject("/", headers({{"Authorization", "Bearer " + kFake}}))),
            "credential_unfit");
}

TEST_F(InjectionTest, FieldsThatAskForAnotherRequestAreRefused) {
  for (const char* name : {"X-HTTP-Method-Override", "x-http-method", "X-Method-Override",
                           "X-Original-URL", "X-Rewrite-URL"}) {
    EXPECT_EQ(reason(inject("/", headers({{name, "DELETE"}}))), "method_override") << name;
  }
}

}  // namespace
}  // namespace deployclaw::services
