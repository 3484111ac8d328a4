#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/encoding.hpp"
#include "base/ids.hpp"
#include "base/task.hpp"
#include "db/database.hpp"

// Policy in, audit out: what the egress role reads and writes.
namespace deployclaw::store {

struct EgressCredential {
  std::string name;
  std::string kind;
  std::vector<std::string> hosts;
  std::string placeholder;
  // {iv, ciphertext, tag, keyVersion}; one of the two is there, the other is empty.
  boost::json::object sealed;        // purpose "credential"
  boost::json::object sealed_grant;  // purpose "oauth-grant"
  std::optional<Time> expires_at = {};
};

struct EgressAgent {
  AgentId id;
  std::string address;  // the kernel-enforced one, empty before it has one
  boost::json::value permissions;
  std::vector<EgressCredential> credentials;  // by name
};

// Everything egress knows of one client's agents on one host.
struct EgressClient {
  ClientId id;
  bool active = false;  // not suspended
  std::string plan;
  Bytes salt;                       // clients.vault_salt
  std::vector<EgressAgent> agents;  // by id
  // The client's certificate authority; empty before the first deployment made it.
  std::string certificate;
  boost::json::object sealed_key;  // purpose "client-ca"
};

// Every client with an agent on `host`, by id.
Task<Result<std::vector<EgressClient>>> list_egress_clients(db::Database& db, std::string host);

// Notes that a credential was used just now. Gone is fine.
Task<Status> touch_credential(db::Database& db, AgentId agent, std::string name);

// Puts a renewed grant in the place of `present`, the very one that was renewed. False when the
// credential is gone or has another by now.
Task<Result<bool>> keep_grant(db::Database& db, AgentId agent, std::string name,
                              boost::json::object present, boost::json::object renewed,
                              Time expires_at);

// How far the spool of `host` is in the log; 0 for a new host.
Task<Result<std::uint64_t>> spool_position(db::Database& db, std::string host);

// One event of a stretch of the spool, as audit.append_egress takes it: JSON texts, "{}" for none.
struct SpooledEvent {
  ClientId client;
  AgentId agent;  // nil: the client as such
  std::string intent;
  std::string outcome;
};

// Writes the stretch [from, to), with what it charged (`charges` as audit.count_charges takes it),
// in one transaction and answers where the log then is: `to`, or something else when it was not at
// `from` and nothing was written. An event that is no JSON is noted as unreadable.
Task<Result<std::uint64_t>> append_spooled(db::Database& db, std::string host, std::uint64_t from,
                                           std::uint64_t to, std::vector<SpooledEvent> events,
                                           boost::json::object charges = {});

}  // namespace deployclaw::store
