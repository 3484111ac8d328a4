#include <gtest/gtest.h>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "api/auth/tokens.hpp"
#include "api/testing/contract.hpp"
#include "api/testing/fixture.hpp"
#include "base/encoding.hpp"
#include "crypto/totp.hpp"
#include "net/http_client.hpp"

namespace deployclaw::api::testing {
namespace json = boost::json;

Client::Client(Fixture& fixture, std::string from) : ip(std::move(from)), fixture_(fixture) {}

Answer Client::send(http::Method method, std::string target, std::optional<json::value> body,
                    Fields extra) {
  std::string text = body ? json::serialize(*body) : std::string();
  return send_raw(method, std::move(target), std::move(text), std::move(extra));
}

net::ClientRequest Client::prepare(http::Method method, std::string target, std::string body,
                                   Fields extra) const {
  net::ClientRequest request{.method = method, .target = std::move(target)};
  request.headers.add("Sec-Fetch-Site", "same-origin");
  if (!body.empty()) request.headers.add("Content-Type", "application/json");
  if (!ip.empty()) request.headers.add("X-Forwarded-For", ip);
  if (!cookie.empty()) {
    request.headers.add("Cookie", std::string(kSessionCookie) + "=" + cookie);
    if (method != http::Method::kGet) request.headers.add("X-CSRF-Token", csrf_token(cookie));
  }
  for (auto& [name, value] : extra) {
    request.headers.remove(name);
    if (!value.empty()) request.headers.add(name, value);
  }
  request.body = std::move(body);
  return request;
}

Answer Client::receive(Result<net::ClientResponse> response) {
  Answer answer;
  if (!response) {
    ADD_FAILURE() << "no answer: " << response.error().message;
    return answer;
  }
  answer.status = response->status;
  answer.headers = std::move(response->headers);
  answer.text = std::move(response->body);
  boost::system::error_code error;
  answer.body = json::parse(answer.text, error);
  if (const auto set = answer.headers.get("set-cookie")) {
    const auto start = set->find('=') + 1;
    cookie = set->substr(start, set->find(';') - start);
  }
  return answer;
}

Answer Client::send_raw(http::Method method, std::string target, std::string body, Fields extra) {
  auto request = prepare(method, target, std::move(body), std::move(extra));
  const auto endpoint = net::Endpoint::tcp("127.0.0.1", fixture_.server->port());
  auto answer =
      receive(fixture_.run(net::fetch(endpoint, std::move(request), std::chrono::seconds(20))));
  // Every answer of every test is held against the OpenAPI document.
  expect_in_contract(fixture_.server->router(), method, target, answer);
  return answer;
}

std::vector<Answer> Client::send_at_once(int times, http::Method method, std::string target,
                                         json::value body) {
  const auto endpoint = net::Endpoint::tcp("127.0.0.1", fixture_.server->port());
  std::vector<Task<Result<net::ClientResponse>>> tasks;
  for (int i = 0; i < times; ++i) {
    tasks.push_back(net::fetch(endpoint, prepare(method, target, json::serialize(body), {}),
                               std::chrono::seconds(20)));
  }
  std::vector<Answer> answers;
  for (auto& response : fixture_.run_all(std::move(tasks))) {
    answers.push_back(receive(std::move(response)));
  }
  return answers;
}

Task<Result<net::ClientResponse>> Client::post_later(std::string target, json::value body) const {
  const auto endpoint = net::Endpoint::tcp("127.0.0.1", fixture_.server->port());
  return net::fetch(endpoint,
                    prepare(http::Method::kPost, std::move(target), json::serialize(body), {}),
                    std::chrono::seconds(20));
}

Answer Client::get(std::string target, Fields extra) {
  return send(http::Method::kGet, std::move(target), std::nullopt, std::move(extra));
}

Answer Client::post(std::string target, json::value body, Fields extra) {
  return send(http::Method::kPost, std::move(target), std::move(body), std::move(extra));
}

Answer Client::del(std::string target, Fields extra) {
  return send(http::Method::kDelete, std::move(target), std::nullopt, std::move(extra));
}

Answer Client::register_account(std::string email, std::string client_name) {
  auto answer = post("/api/auth/register",
                     {{"email", email}, {"password", kPassword}, {"clientName", client_name}});
  if (answer.status == 201) {
    user_id = answer.string_at("user", "id");
    client_id = answer.string_at("client", "id");
  }
  return answer;
}

Answer Client::login(std::string email, std::string password) {
  return post("/api/auth/login", {{"email", email}, {"password", password}});
}

Answer Client::set_up() {
  auto answer = post("/api/auth/2fa/setup");
  if (answer.status == 200) totp_secret = answer.string_at("secret");
  return answer;
}

Answer Client::verify(std::string code) {
  auto answer = post("/api/auth/2fa/verify", {{"code", code}});
  if (answer.status == 200 && answer.body.get_object().contains("recoveryCodes")) {
    recovery_codes.clear();
    for (const auto& text : answer.at("recoveryCodes").get_array()) {
      recovery_codes.emplace_back(text.get_string());
    }
  }
  return answer;
}

std::string Client::code() const {
  const auto secret = base32_decode(totp_secret);
  if (!secret) return "no secret";
  return crypto::totp_code(Secret(*secret), crypto::totp_step(fixture_.clock.now()));
}

std::string Client::next_code() {
  fixture_.clock.advance(std::chrono::seconds(crypto::kTotpStepSeconds));
  return code();
}

void Client::sign_up(std::string email, std::string client_name) {
  ASSERT_EQ(register_account(std::move(email), std::move(client_name)).status, 201);
  ASSERT_EQ(set_up().status, 200);
  const auto verified = verify(code());
  ASSERT_EQ(verified.status, 200) << verified.text;
}

void Client::step_up() {
  const auto verified = verify(next_code());
  ASSERT_EQ(verified.status, 200) << verified.text;
}

}  // namespace deployclaw::api::testing
