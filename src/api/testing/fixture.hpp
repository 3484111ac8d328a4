#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/json/value.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/server.hpp"
#include "base/clock.hpp"
#include "base/task.hpp"
#include "db/database.hpp"
#include "db/testing/postgres.hpp"
#include "http/message.hpp"
#include "net/http_client.hpp"
#include "vault/testing/in_memory_vault.hpp"

namespace deployclaw::api::testing {

// What a test client got.
struct Answer {
  int status = 0;
  http::Headers headers;
  std::string text;
  boost::json::value body;  // null when the text is no JSON

  // A member by its path of keys: answer.at("client", "id"). Fails the test when absent.
  template <class... Keys>
  [[nodiscard]] const boost::json::value& at(Keys... keys) const {
    const boost::json::value* value = &body;
    ((value = member(*value, keys)), ...);
    return *value;
  }
  template <class... Keys>
  [[nodiscard]] std::string string_at(Keys... keys) const {
    const auto& value = at(keys...);
    return value.is_string() ? std::string(value.get_string()) : "";
  }
  // The problem code, "" when this is no problem document.
  [[nodiscard]] std::string code() const;

 private:
  static const boost::json::value* member(const boost::json::value& value, std::string_view key);
};

// A whole api process inside the test's thread: real PostgreSQL, an in-memory vault, a clock to
// turn, the server on port 0 of the loopback. Nothing runs but while a call is waited for. Each
// fixture begins with empty tables.
class Fixture {
 public:
  static ApiConfig test_config();  // bcrypt at its lowest cost, ports 0
  explicit Fixture(ApiConfig config = test_config());
  ~Fixture();
  Fixture(const Fixture&) = delete;
  Fixture& operator=(const Fixture&) = delete;

  // Runs the event loop until `task` is done.
  template <class T>
  T run(Task<T> task) {
    std::optional<T> result;
    drive(store(std::move(task), result));
    return std::move(*result);
  }
  void run(Task<void> task) { drive(std::move(task)); }
  // Runs all of them at once.
  template <class T>
  std::vector<T> run_all(std::vector<Task<T>> tasks) {
    std::vector<std::optional<T>> results(tasks.size());
    std::vector<Task<void>> stores;
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      stores.push_back(store(std::move(tasks[i]), results[i]));
    }
    drive_all(std::move(stores));
    std::vector<T> out;
    for (auto& result : results) out.push_back(std::move(*result));
    return out;
  }
  // Runs until nothing is left in the background but the housekeeping.
  void settle();

  // SQL as the superuser; the first column of the first row.
  static std::string sql(std::string_view text);

  boost::asio::io_context io;
  ManualClock clock;        // starts at the system's time
  bool vault_down = false;  // what readiness is told; see vault.set_down() for its callers
  vault::InMemoryVault vault;
  std::unique_ptr<db::Database> db;
  std::unique_ptr<ApiServer> server;

 private:
  template <class T>
  static Task<void> store(Task<T> task, std::optional<T>& result) {
    result.emplace(co_await std::move(task));
  }
  Task<void> wait_for_database();
  void drive(Task<void> task);
  void drive_all(std::vector<Task<void>> tasks);
};

// A browser: keeps the session cookie, sends what a page of ours would send with it. An
// authenticator app too. Public members may be changed to play an attacker.
class Client {
 public:
  explicit Client(Fixture& fixture, std::string ip = "");

  using Fields = std::vector<std::pair<std::string, std::string>>;
  // One request. `extra` fields replace those of the browser; an empty value leaves one out.
  Answer send(http::Method method, std::string target,
              std::optional<boost::json::value> body = std::nullopt, Fields extra = {});
  Answer send_raw(http::Method method, std::string target, std::string body, Fields extra = {});
  // The same request `times` times at once, over as many connections.
  std::vector<Answer> send_at_once(int times, http::Method method, std::string target,
                                   boost::json::value body);
  // A POST that has not been sent: for Fixture::run_all, together with those of other clients.
  Task<Result<net::ClientResponse>> post_later(std::string target, boost::json::value body) const;
  Answer get(std::string target, Fields extra = {});
  Answer post(std::string target, boost::json::value body = boost::json::object(),
              Fields extra = {});
  Answer del(std::string target, Fields extra = {});

  Answer register_account(std::string email, std::string client_name = "Acme");
  Answer login(std::string email, std::string password = kPassword);
  // 2fa/setup; keeps the secret.
  Answer set_up();
  // 2fa/verify.
  Answer verify(std::string code);
  // The code of the present step; next_code() first turns the clock to a step not used yet.
  [[nodiscard]] std::string code() const;
  std::string next_code();
  // Register, set up, verify: a fresh full session of an owner. Fails the test if a step does.
  void sign_up(std::string email, std::string client_name = "Acme");
  // Makes the session fresh again.
  void step_up();

  static constexpr const char* kPassword = "correct horse battery";
  std::string ip;           // sent as X-Forwarded-For when not empty
  std::string cookie;       // the session token; empty: none
  std::string totp_secret;  // base32
  std::string user_id;      // after register_account
  std::string client_id;    // after register_account
  std::vector<std::string> recovery_codes;

 private:
  net::ClientRequest prepare(http::Method method, std::string target, std::string body,
                             Fields extra) const;
  Answer receive(Result<net::ClientResponse> response);
  Fixture& fixture_;
};

}  // namespace deployclaw::api::testing
