#include "api/testing/fixture.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include "api/testing/catalogue.hpp"

namespace deployclaw::api::testing {
namespace asio = boost::asio;
namespace json = boost::json;

std::string Answer::code() const {
  const auto* object = body.if_object();
  const auto* code = object ? object->if_contains("code") : nullptr;
  return code && code->is_string() ? std::string(code->get_string()) : "";
}

const json::value* Answer::member(const json::value& value, std::string_view key) {
  static const json::value kNothing;
  const auto* object = value.if_object();
  const auto* found = object ? object->if_contains(key) : nullptr;
  if (!found) ADD_FAILURE() << "the answer has no member " << key;
  return found ? found : &kNothing;
}

namespace {

Task<Result<json::object>> vault_status(bool down) {
  if (down) co_return fail(Code::kUnavailable, "secret reason");
  co_return json::object{{"newest", 1}, {"versions", json::array()}};
}

}  // namespace

ApiConfig Fixture::test_config() {
  ApiConfig config;
  config.listen_port = 0;
  config.internal_port = 0;
  config.bcrypt_cost = 4;
  config.allow_test_runtimes = true;
  config.trusted_proxies = {"127.0.0.1"};
  config.stop_grace = std::chrono::milliseconds(200);
  return config;
}

Fixture::Fixture(ApiConfig config)
    : clock(std::chrono::time_point_cast<std::chrono::microseconds>(
          std::chrono::system_clock::now())) {
  auto& postgres = db::testing::Postgres::shared();
  postgres.reset();
  const auto conninfo = postgres.conninfo("deployclaw_api");
  db = std::make_unique<db::Database>(io.get_executor(), db::Options{.conninfo = conninfo});
  ServerParts parts{.db = *db,
                    .vault = vault,
                    .clock = clock,
                    .runtimes = test_catalogue(),
                    .service_catalogue = test_service_catalogue(),
                    .vault_status = [this] { return vault_status(vault_down); },
                    .listen_conninfo = conninfo};
  server = std::make_unique<ApiServer>(io.get_executor(), parts, std::move(config));
  const auto started = server->start();
  if (!started) ADD_FAILURE() << started.error().message;
  // A busy machine must not make the first request of a test fail.
  run(wait_for_database());
}

Task<void> Fixture::wait_for_database() {
  for (int i = 0; i < 3000 && !db->connected(); ++i) {
    co_await sleep_for(std::chrono::milliseconds(10));
  }
}

Fixture::~Fixture() {
  run(server->stop());
  run(db->close());
}

void Fixture::drive(Task<void> task) {
  std::vector<Task<void>> tasks;
  tasks.push_back(std::move(task));
  drive_all(std::move(tasks));
}

void Fixture::drive_all(std::vector<Task<void>> tasks) {
  std::size_t running = tasks.size();
  io.restart();
  for (auto& task : tasks) {
    asio::co_spawn(io, std::move(task), [&running](std::exception_ptr failure) {
      --running;
      if (failure) std::rethrow_exception(failure);
    });
  }
  while (running > 0 && io.run_one() > 0) {
  }
}

void Fixture::settle() {
  io.restart();
  while (server->services().background.size() > 1 && io.run_one() > 0) {
  }
}

std::string Fixture::sql(std::string_view text) {
  return db::testing::Postgres::shared().run(text);
}

}  // namespace deployclaw::api::testing
