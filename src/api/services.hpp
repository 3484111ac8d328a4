#pragma once

#include <boost/json/object.hpp>
#include <functional>
#include <memory>
#include <string>

#include "api/config.hpp"
#include "base/clock.hpp"
#include "base/task.hpp"
#include "crypto/password.hpp"
#include "db/database.hpp"
#include "vault/vault.hpp"

namespace deployclaw::runtimes {
class Catalogue;
}
namespace deployclaw::services {
class Catalogue;
}

namespace deployclaw::api {

class Metrics;
namespace events {
class Hub;
}

// Everything a handler may reach, assembled once by ApiServer. Handlers keep a reference; it
// outlives them. One thread, the server's.
struct Services {
  db::Database& db;
  vault::Vault& vault;
  const Clock& clock;
  const runtimes::Catalogue& runtimes;
  const services::Catalogue& service_catalogue;
  BlockingPool& hashing;                    // bcrypt
  const crypto::PasswordHasher& passwords;  // use on `hashing` only
  TaskGroup& background;                    // work that outlives its request; cancelled on stop
  Metrics& metrics;
  std::shared_ptr<events::Hub> events;  // who hears of changes
  // For whoever needs LISTEN on a connection of their own (db::Listener); empty when unknown.
  std::string listen_conninfo;
  ApiConfig config;
};

}  // namespace deployclaw::api
