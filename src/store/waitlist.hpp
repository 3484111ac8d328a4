#pragma once

#include <optional>
#include <string>

#include "base/task.hpp"
#include "db/database.hpp"

namespace deployclaw::store {

struct WaitlistEntry {
  std::string email;  // normalised
  std::optional<std::string> name;
  std::optional<std::string> company;
  std::optional<std::string> message;
};

// Adds somebody to the waiting list. Whether they were on it already is not told.
Task<Status> join_waitlist(db::Database& db, WaitlistEntry entry);

}  // namespace deployclaw::store
