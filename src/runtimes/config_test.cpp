#include "runtimes/config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "runtimes/catalogue.hpp"

namespace deployclaw::runtimes {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

boost::json::object json(std::string_view text) { return boost::json::parse(text).as_object(); }

const Catalogue& catalogue() {
  static const Catalogue loaded = Catalogue::load(DEPLOYCLAW_SOURCE_DIR "/catalog").value();
  return loaded;
}

class OpenClawConfig : public ::testing::Test {
 protected:
  const Runtime& runtime_ = *catalogue().find("openclaw", false);
  TemplateValues values_{.agent_id = "a1",
                         .host = "agent-a1",
                         .gateway_token = "t0k3n",
                         .gateway_address = "10.231.0.1",
                         .proxy_url = "http://10.231.0.1:3128",
                         .public_origin = "http://localhost:8080",
                         .model_api_key = "sk-placeholder",
                         .placeholder = {}};
  std::vector<FieldError> check(std::string_view text) {
    return validate_customer_config(runtime_, json(text));
  }
};

TEST_F(OpenClawConfig, FillsInWhatThePlatformKnows) {
  const auto rendered = render_config(runtime_, {}, values_);
  ASSERT_TRUE(rendered) << rendered.error().message;
  const auto& auth = rendered->at("gateway").at("auth");
  EXPECT_EQ(auth.at("trustedProxy").at("userHeader"), "x-deployclaw-user-" + page_key("t0k3n"));
  EXPECT_EQ(auth.at("password"), "t0k3n");
  EXPECT_EQ(page_key("t0k3n").size(), 32U);
  EXPECT_NE(page_key("t0k3n"), page_key("t0k3o"));
  EXPECT_FALSE(auth.as_object().contains("token")) << "OpenClaw refuses it in this mode";
  EXPECT_EQ(rendered->at("gateway").at("trustedProxies").at(0), "10.231.0.1");
  EXPECT_EQ(rendered->at("gateway").at("terminal").at("enabled"), false);
  EXPECT_EQ(rendered->at("proxy").at("proxyUrl"), "http://10.231.0.1:3128");
  EXPECT_EQ(boost::json::serialize(*rendered).find("${"), std::string::npos);
}

TEST_F(OpenClawConfig, MergesTheCustomersPartOverTheTemplate) {
  const auto rendered = render_config(
      runtime_,
      json(R"({"models":{"providers":{"anthropic":{"baseUrl":"https://api.anthropic.com"}}},
               "agents":{"defaults":{"model":{"primary":"anthropic/x"}}}})"),
      values_);
  ASSERT_TRUE(rendered) << rendered.error().message;
  EXPECT_TRUE(rendered->at("models").at("providers").as_object().contains("anthropic"));
  EXPECT_TRUE(rendered->at("models").at("providers").as_object().contains("openai"));
  EXPECT_EQ(rendered->at("models").at("mode"), "replace");
  EXPECT_EQ(rendered->at("agents").at("defaults").at("model").at("primary"), "anthropic/x");
  EXPECT_EQ(rendered->at("agents").at("defaults").at("workspace"), "/state/workspace");
}

TEST_F(OpenClawConfig, RefusesWhatBelongsToThePlatformWithTheReason) {
  const auto errors = check(R"({"gateway":{"port":1}})");
  ASSERT_THAT(errors, SizeIs(1));
  EXPECT_EQ(errors[0].pointer, "/config/gateway");
  EXPECT_THAT(errors[0].detail, HasSubstr("the platform sets"));
  EXPECT_THAT(check(R"({"plugins":{"load":{"paths":["/x"]}}})"), SizeIs(1));
  EXPECT_THAT(check(R"({"plugins":{"entries":{}}})"), IsEmpty());
}

TEST_F(OpenClawConfig, CannotBeBypassedByReplacingAWholeBranch) {
  EXPECT_THAT(check(R"({"models":7})"), SizeIs(2));  // models.mode and models.catalogRefresh
  EXPECT_THAT(check(R"({"agents":{"defaults":null}})"), SizeIs(1));
  EXPECT_FALSE(render_config(runtime_, json(R"({"proxy":{"proxyUrl":"http://evil"}})"), values_));
}

TEST_F(OpenClawConfig, RefusesKeysItDoesNotKnowAndTooMuch) {
  const auto errors = check(R"({"a/b":1})");
  ASSERT_THAT(errors, SizeIs(1));
  EXPECT_EQ(errors[0].pointer, "/config/a~1b");
  const auto big = boost::json::object{{"messages", std::string(300 * 1024, 'x')}};
  EXPECT_THAT(validate_customer_config(runtime_, big), SizeIs(1));
}

TEST_F(OpenClawConfig, LeavesPlaceholdersInTheCustomersStringsAlone) {
  const auto rendered =
      render_config(runtime_, json(R"({"messages":{"prefix":"${gateway_token}"}})"), values_);
  ASSERT_TRUE(rendered);
  EXPECT_EQ(rendered->at("messages").at("prefix"), "${gateway_token}");
}

TEST_F(OpenClawConfig, GivesTheAgentAPlaceholderForASealedValue) {
  const auto config =
      json(R"({"channels":{"telegram":{"botToken":{"$sealed":{"iv":"x","ciphertext":"y"}}}}})");
  EXPECT_THAT(validate_customer_config(runtime_, config), IsEmpty());
  auto rendered = render_config(runtime_, config, values_);
  ASSERT_TRUE(rendered);
  EXPECT_EQ(rendered->at("channels").at("telegram").at("botToken"), "placeholder-not-a-key");

  values_.placeholder = [](std::string_view pointer) { return "for " + std::string(pointer); };
  rendered = render_config(runtime_, config, values_);
  ASSERT_TRUE(rendered);
  EXPECT_EQ(rendered->at("channels").at("telegram").at("botToken"),
            "for /channels/telegram/botToken");
}

TEST_F(OpenClawConfig, GivesTheAgentThePlaceholderOfANamedCredential) {
  const auto config = json(
      R"({"channels":{"slack":{"botToken":{"$credential":"slack"},"appToken":{"$credential":"gone"}}}})");
  EXPECT_THAT(validate_customer_config(runtime_, config), IsEmpty());
  auto rendered = render_config(runtime_, config, values_);
  ASSERT_TRUE(rendered);
  EXPECT_EQ(rendered->at("channels").at("slack").at("botToken"), "placeholder-not-a-key");

  values_.credential = [](std::string_view name) {
    return name == "slack" ? std::string("xoxb-placeholder") : std::string();
  };
  rendered = render_config(runtime_, config, values_);
  ASSERT_TRUE(rendered);
  EXPECT_EQ(rendered->at("channels").at("slack").at("botToken"), "xoxb-placeholder");
  EXPECT_EQ(rendered->at("channels").at("slack").at("appToken"), "placeholder-not-a-key");
}

TEST_F(OpenClawConfig, AReferenceToACredentialCannotReplaceABranchOfThePlatform) {
  EXPECT_THAT(check(R"({"models":{"$credential":"x"}})"), SizeIs(2));
  EXPECT_THAT(check(R"({"agents":{"defaults":{"$credential":"x"}}})"), SizeIs(1));
  EXPECT_THAT(check(R"({"models":{"providers":{"openai":{"apiKey":{"$credential":"x"}}}}})"),
              IsEmpty());
}

TEST_F(OpenClawConfig, AFilledInValueIsNotFilledInAgain) {
  values_.host = "${gateway_token}";
  Runtime runtime = runtime_;
  runtime.config->base = json(R"({"x":"<${host}>"})");
  EXPECT_EQ(render_config(runtime, {}, values_)->at("x"), "<${gateway_token}>");
}

TEST_F(OpenClawConfig, EnvironmentHoldsNoToken) {
  for (const auto& [name, value] : render_environment(runtime_, values_)) {
    EXPECT_THAT(value, ::testing::Not(HasSubstr("t0k3n"))) << name;
  }
}

TEST(CustomConfig, NeedsAnImageTheOperatorAllowed) {
  Runtime runtime = *catalogue().find("custom", false);
  EXPECT_THAT(validate_customer_config(runtime, {}), SizeIs(1));
  const auto config = json(R"({"image":"example/agent:1","free":{"form":true}})");
  EXPECT_THAT(validate_customer_config(runtime, config), SizeIs(1));
  runtime.image.allowed = {"example/agent:1"};
  EXPECT_THAT(validate_customer_config(runtime, config), IsEmpty());
  EXPECT_EQ(image_of(runtime, config), "example/agent:1");
  const auto rendered = render_config(runtime, config, {});
  ASSERT_TRUE(rendered);
  EXPECT_FALSE(rendered->contains("image"));
  EXPECT_EQ(rendered->at("free").at("form"), true);
}

TEST(Placeholders, UnknownUnclosedAndSecretOnesAreFound) {
  EXPECT_EQ(bad_placeholder("plain $x {y} ${host}", false), "");
  EXPECT_THAT(bad_placeholder("${host", false), HasSubstr("without }"));
  EXPECT_THAT(bad_placeholder("${nosuch}", false), HasSubstr("knows no"));
  EXPECT_THAT(bad_placeholder("${gateway_token}", false), HasSubstr("secret"));
  EXPECT_EQ(bad_placeholder("${gateway_token}", true), "");
}

}  // namespace
}  // namespace deployclaw::runtimes
