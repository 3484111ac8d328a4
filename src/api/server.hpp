#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <memory>
#include <string>

#include "api/health.hpp"
#include "api/services.hpp"
#include "http/router.hpp"

namespace deployclaw::api {

// What the process brings along; all of it must outlive the server.
struct ServerParts {
  db::Database& db;
  vault::Vault& vault;
  const Clock& clock;
  const runtimes::Catalogue& runtimes;
  const services::Catalogue& service_catalogue;
  VaultStatus vault_status = {};     // empty: readiness does not ask the vault
  std::string listen_conninfo = {};  // see Services
};

// The api process without its process: routes, the public listener, the internal one (metrics and
// readiness), and the housekeeping that runs beside them (hourly: expired sessions and attempts;
// which versions of the vault's key exist).
//
// Everything runs on `executor`'s one thread, but bcrypt, which has threads of its own. Life:
// construct, start() once, run the io_context, co_await stop(), destroy.
class ApiServer {
 public:
  ApiServer(boost::asio::any_io_executor executor, ServerParts parts, ApiConfig config);
  ~ApiServer();  // stop() must have returned, or the io_context must never run again
  ApiServer(const ApiServer&) = delete;
  ApiServer& operator=(const ApiServer&) = delete;

  // Listens on both addresses. Does not wait for the database: until it answers, requests get 503.
  Status start();
  // Stops accepting, lets running requests finish within config.stop_grace, ends housekeeping.
  Task<void> stop();

  // The ports listened on after start().
  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] std::uint16_t internal_port() const;
  // The public routes, for the OpenAPI test.
  [[nodiscard]] const http::Router& router() const;
  [[nodiscard]] Services& services();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace deployclaw::api
