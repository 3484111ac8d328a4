#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>

#include "base/ids.hpp"
#include "base/task.hpp"
#include "db/database.hpp"

// Each client's certificate authority: made once by the orchestrator's asking, used by egress.
namespace deployclaw::store {

struct ClientAuthority {
  std::string certificate;        // PEM
  boost::json::object encrypted;  // the private key, sealed with vault::client_ca_context()
};

// nullopt while the client has none. For the orchestrator and egress.
Task<Result<std::optional<ClientAuthority>>> find_client_authority(db::Database& db,
                                                                   ClientId client);

// Keeps it unless the client has one already, be it by another process a moment ago; gives the
// certificate that holds from now on. For the orchestrator.
Task<Result<std::string>> keep_client_authority(db::Database& db, ClientId client,
                                                ClientAuthority authority);

}  // namespace deployclaw::store
