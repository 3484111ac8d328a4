#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "audit/event.hpp"
#include "base/clock.hpp"
#include "base/ids.hpp"

namespace deployclaw::api {

// What a member of a client may do. Ordered: each role may do what those before it may.
enum class Role : std::uint8_t { kViewer, kMember, kAdmin, kOwner };
std::string_view to_string(Role role);
std::optional<Role> parse_role(std::string_view text);

// How far a session has proven itself. Ordered.
enum class Level : std::uint8_t {
  kPassword,  // the first factor only: may call nothing but /api/auth/*
  kFull,      // both factors
};
std::string_view to_string(Level level);

// Who is asking, as the database says at this moment: a changed role or a suspended client bites at
// the next request. Handlers get it by value from guard.hpp.
struct Principal {
  UserId user;
  std::string email;
  Role role = Role::kViewer;
  bool two_factor_enabled = false;
  Time user_created_at;

  ClientId client;
  std::string client_name;
  std::string plan;
  std::string client_status;  // active, suspended
  Time client_created_at;

  SessionId session;
  Level level = Level::kPassword;
  std::optional<Time> second_factor_at;
  Time session_created_at;
  Time session_expires_at;  // the absolute end
  bool fresh = false;       // the second factor was proven at most limits::kFresh ago

  std::string ip;          // the caller's address, proxies taken into account
  std::string request_id;  // for logs and problem documents

  // The running Idempotency-Key of this request (idempotency.hpp); empty without one.
  std::string idempotency_key = {};
  std::string idempotency_claim = {};
};

// An audit event of this caller, to be appended in the transaction of the change it tells of:
//   auto event = audit_event(principal, "agent_created", name);
audit::Event audit_event(const Principal& principal, std::string action_type, std::string target);

}  // namespace deployclaw::api
