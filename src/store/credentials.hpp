#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/task.hpp"
#include "db/database.hpp"
#include "db/transaction.hpp"

// Agents' credentials: sealed values that only egress asks the vault to open. Nothing here ever
// reads `encrypted` or `oauth` back.
namespace deployclaw::store {

struct NewCredential {
  ClientId client;
  AgentId agent;
  std::string name;
  std::string kind;
  std::vector<std::string> hosts;
  std::string placeholder;
  // One of the two; name = `name`.
  std::optional<boost::json::object> sealed = {};        // purpose "credential"
  std::optional<boost::json::object> sealed_grant = {};  // purpose "oauth-grant"
  std::optional<Time> expires_at = {};
};
// kConflict (constraint agent_credentials_agent_id_name_key) when the agent has one of that name.
Task<Status> insert_credential(db::Transaction& tx, NewCredential credential);

struct StoredCredential {
  std::string name;
  std::string kind;
  std::vector<std::string> hosts;
  std::int64_t key_version = 0;
  bool renews = false;                    // its token is renewed with an OAuth grant
  std::optional<std::string> expires_at;  // of the value or access token, RFC 3339
  std::string created_at;                 // RFC 3339
  std::string updated_at;
  std::optional<std::string> last_used_at;
};
Task<Result<std::vector<StoredCredential>>> list_credentials(db::Database& db, ClientId client,
                                                             AgentId agent);
Task<Result<std::optional<StoredCredential>>> find_credential(db::Transaction& tx, AgentId agent,
                                                              std::string name);

// Puts another value in the place of the present one; the placeholder stays, so that the agent
// need not know. Of `replacement` hosts, sealed values and expiry count: what is not in it is gone.
Task<Status> replace_credential(db::Transaction& tx, NewCredential replacement);

// False when there was none.
Task<Result<bool>> delete_credential(db::Transaction& tx, AgentId agent, std::string name);
// How many there were.
Task<Result<std::int64_t>> delete_all_credentials(db::Transaction& tx, AgentId agent);
Task<Result<std::int64_t>> count_credentials(db::Transaction& tx, AgentId agent);

}  // namespace deployclaw::store
