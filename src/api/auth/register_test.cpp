#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json/parse.hpp>

#include "api/testing/fixture.hpp"

namespace deployclaw::api {
namespace {

namespace json = boost::json;
using testing::Answer;
using testing::Client;
using testing::Fixture;

TEST(Register, MakesAClientAndItsOwnerWithAPasswordLevelSession) {
  Fixture api;
  Client ada(api);
  const auto answer = ada.register_account(" Ada@Example.com", "Analytical Engines");
  ASSERT_EQ(answer.status, 201) << answer.text;
  EXPECT_EQ(answer.string_at("user", "email"), "ada@example.com");
  EXPECT_EQ(answer.string_at("user", "role"), "owner");
  EXPECT_FALSE(answer.at("user", "twoFactorEnabled").as_bool());
  EXPECT_EQ(answer.string_at("client", "name"), "Analytical Engines");
  EXPECT_EQ(answer.string_at("client", "plan"), "starter");
  EXPECT_EQ(answer.string_at("client", "status"), "active");
  const auto session = ada.get("/api/auth/session");
  ASSERT_EQ(session.status, 200) << session.text;
  EXPECT_EQ(session.string_at("level"), "password");
  EXPECT_FALSE(session.at("fresh").as_bool());
  EXPECT_TRUE(session.at("freshUntil").is_null());
  EXPECT_EQ(session.at("user"), answer.at("user"));
  EXPECT_EQ(session.at("client"), answer.at("client"));
}

TEST(Register, StoresNeitherPasswordNorToken) {
  Fixture api;
  Client ada(api);
  ASSERT_EQ(ada.register_account("ada@example.com").status, 201);
  EXPECT_TRUE(Fixture::sql("SELECT password_hash FROM users").starts_with("$2b$04$"));
  EXPECT_EQ(Fixture::sql("SELECT token_hash = sha256('" + ada.cookie + "') FROM sessions"), "t");
  EXPECT_EQ(
      Fixture::sql("SELECT count(*) FROM sessions s WHERE s::text LIKE '%" + ada.cookie + "%'"),
      "0");
  EXPECT_EQ(Fixture::sql("SELECT octet_length(vault_salt) FROM clients"), "32");
}

TEST(Register, IsRecordedInTheAuditLog) {
  Fixture api;
  Client ada(api, "198.51.100.7");
  ASSERT_EQ(ada.register_account("ada@example.com").status, 201);
  EXPECT_EQ(Fixture::sql("SELECT action_type || ' ' || outcome || ' ' || actor_id || ' ' || "
                         "host(ip_address) FROM audit_logs"),
            "client_registered success " + ada.user_id + " 198.51.100.7");
}

TEST(Register, RefusesATakenAddressInAnySpelling) {
  Fixture api;
  Client ada(api);
  ASSERT_EQ(ada.register_account("ada@example.com").status, 201);
  Client other(api);
  const auto answer = other.register_account("ADA@example.COM");
  EXPECT_EQ(answer.status, 409);
  EXPECT_EQ(answer.code(), "email_taken");
  EXPECT_TRUE(other.cookie.empty());
  EXPECT_EQ(Fixture::sql("SELECT count(*) FROM clients"), "1");
}

TEST(Register, OfOneAddressAtOnceSucceedsOnce) {
  Fixture api;
  Client ada(api);
  const auto answers = ada.send_at_once(
      5, http::Method::kPost, "/api/auth/register",
      {{"email", "ada@example.com"}, {"password", Client::kPassword}, {"clientName", "Acme"}});
  EXPECT_EQ(std::ranges::count(answers, 201, &Answer::status), 1);
  EXPECT_EQ(std::ranges::count(answers, 409, &Answer::status), 4);
  EXPECT_EQ(Fixture::sql("SELECT count(*) FROM users"), "1");
}

json::object good_body() {
  return {{"email", "ada@example.com"},
          {"password", Client::kPassword},
          {"clientName", "Analytical Engines"}};
}

TEST(Register, NamesTheFieldThatIsWrong) {
  Fixture api;
  Client ada(api);
  struct Case {
    std::string name;
    std::string json;
    std::string pointer;
  };
  const auto text = [](std::string inner) { return "\"" + inner + "\""; };
  const std::vector<Case> cases = {
      {"email", "null", "/email"},
      {"email", "7", "/email"},
      {"email", R"("")", "/email"},
      {"email", R"("ada")", "/email"},
      {"email", R"("ada@example.com\r\nBcc: x@example.com")", "/email"},
      {"password", R"("elevenchars")", "/password"},
      {"password", text(std::string(257, 'x')), "/password"},
      {"password", R"("with a newline\n here")", "/password"},
      {"password", R"("ADA@example.com")", "/password"},
      {"password", R"(["twelve", "characters"])", "/password"},
      {"clientName", R"("")", "/clientName"},
      {"clientName", R"("   ")", "/clientName"},
      {"clientName", text(std::string(101, 'x')), "/clientName"},
      {"clientName", R"("a\u0085b")", "/clientName"},
      {"role", R"("owner")", "/role"},
      {"plan", R"("enterprise")", "/plan"},
      {"clientId", R"("00000000-0000-4000-8000-000000000000")", "/clientId"},
      {"status", R"("active")", "/status"},
      {"totpEnabled", "true", "/totpEnabled"},
  };
  for (const auto& [name, value, pointer] : cases) {
    auto body = good_body();
    body[name] = json::parse(value);
    const auto answer = ada.post("/api/auth/register", body);
    EXPECT_EQ(answer.status, 422) << name << " " << answer.text;
    EXPECT_NE(answer.text.find("\"" + pointer + "\""), std::string::npos) << answer.text;
  }
  for (const char* name : {"email", "password", "clientName"}) {
    auto body = good_body();
    body.erase(name);
    EXPECT_EQ(ada.post("/api/auth/register", body).status, 422) << name;
  }
  EXPECT_EQ(Fixture::sql("SELECT count(*) FROM clients"), "0");
}

TEST(Register, RefusesWhatIsNoCleanJson) {
  Fixture api;
  Client ada(api);
  const auto status = [&ada](std::string body, Client::Fields extra = {}) {
    return ada
        .send_raw(http::Method::kPost, "/api/auth/register", std::move(body), std::move(extra))
        .status;
  };
  EXPECT_EQ(status("{"), 400);
  EXPECT_EQ(status("[]"), 422);
  EXPECT_EQ(status(R"({"email":"a@b.c"} x)"), 400);
  EXPECT_EQ(status("{\"email\":\"\xff\"}"), 400);
  EXPECT_EQ(status(R"({"email":"a\u0000b"})") / 100, 4);
  EXPECT_EQ(status(R"({"email":"a@b.cc","email":"x@y.zz"})"), 422);
  EXPECT_EQ(status(std::string(5000, '[')) / 100, 4);
  EXPECT_EQ(status(std::string(2'000'000, ' ')), 413);
  EXPECT_EQ(status("{}", {{"Content-Type", "text/plain"}}), 415);
  EXPECT_EQ(status("{}", {{"Content-Type", "application/x-www-form-urlencoded"}}), 415);
  EXPECT_EQ(status("{}", {{"Content-Type", ""}}), 415);
  EXPECT_EQ(status(""), 415);
}

TEST(Register, CountsFailuresPerAddressAndForgivesSuccess) {
  Fixture api;
  Client ada(api, "198.51.100.7");
  for (int i = 0; i < 7; ++i) {
    Client fresh(api, "198.51.100.7");
    ASSERT_EQ(fresh.register_account("ada" + std::to_string(i) + "@example.com").status, 201);
  }
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(ada.register_account("ada0@example.com").status, 409);
  }
  const auto refused = ada.register_account("ada99@example.com");
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.code(), "too_many_attempts");
  const int wait = std::stoi(std::string(refused.headers.get("retry-after").value_or("0")));
  EXPECT_GT(wait, 14 * 60);
  EXPECT_LE(wait, 15 * 60);
  EXPECT_EQ(refused.headers.get("ratelimit-policy"), "\"attempts\";q=5;w=900");
  EXPECT_TRUE(refused.headers.get("ratelimit")->starts_with("\"attempts\";r=0;t="));
  Client elsewhere(api, "198.51.100.8");
  EXPECT_EQ(elsewhere.register_account("ada99@example.com").status, 201);
}

}  // namespace
}  // namespace deployclaw::api
