#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "services/policy.hpp"

// What the audit log still knows of requests, and what a policy would say to them. Pure.
namespace deployclaw::services {

// One request of an agent as its audit record tells it, or many that are alike.
struct RecordedRequest {
  std::string host;
  // None: only a name was asked for, or, with the layer "domain", a connection to the usual port.
  std::optional<std::uint16_t> port;
  bool tls = true;
  bool websocket = false;
  std::string method;  // "": a connection that was refused or carried unread
  std::string path;    // "": not recorded
  std::string rule;    // that decided then, "" for none
  bool denied = false;
  std::string layer;   // who refused: "scope", "domain", "dns", "rate", …
  std::string reason;  // as the record says it
};

struct RecordedVerdict {
  bool allowed = false;
  std::string layer;  // who would refuse now
  std::string rule;
  std::string scope;
  std::string missing_scope;
  std::string reason;
};

// What `policy` says to it now. The rule that decided then decides now as well: it may have looked
// into the body, which nobody kept. What the catalogue itself refused then it refuses now, whatever
// the permissions are.
RecordedVerdict judge(const AgentPolicy& policy, const RecordedRequest& request);

// "host" and "host:port" of a record whose target is all there is.
void read_target(std::string_view target, RecordedRequest& into);

// "POST https://host/path", "host:port" or "host": for people, at most 300 bytes.
std::string describe(const RecordedRequest& request);

}  // namespace deployclaw::services
