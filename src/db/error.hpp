#pragma once

#include <string_view>

#include "base/result.hpp"

namespace deployclaw::db {

// The table from SQLSTATE to Code:
//   23505 unique violation        → kConflict    (constraint_of says which)
//   23503 23514 23502, class 22   → kInvalid     (the value breaks a rule of the schema)
//   40001 40P01 serialisation     → kConflict    (is_retryable: run the transaction again)
//   42501 privilege, row security → kForbidden
//   57014 query cancelled         → kTimeout     (statement_timeout)
//   08xxx 53xxx 57Pxx 25006       → kUnavailable
//   P0001 raise exception         → kInvalid, reason "refused", unless the SQL raises another state
//   anything else                 → kInternal
// The message is for the log: it holds the statement's name and the server's primary text, never
// the DETAIL line (which quotes row values).
Error make_error(std::string_view statement, std::string_view sqlstate, std::string_view message,
                 std::string_view constraint);

// The five-character SQLSTATE of an error that came from PostgreSQL; empty for any other.
std::string_view sqlstate_of(const Error& error);

// The name of the violated constraint ("users_email_key"); empty when there is none.
std::string_view constraint_of(const Error& error);

// True when running the same transaction again may succeed (serialisation failure, deadlock).
bool is_retryable(const Error& error);

}  // namespace deployclaw::db
