#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace deployclaw {

// What kind of trouble an Error is. One table in src/http/problem.cpp maps these to HTTP statuses.
enum class Code : std::uint8_t {
  kInvalid,          // the caller's input breaks a rule (fields may name them)
  kMalformed,        // the input cannot be parsed at all
  kUnauthenticated,  // no or bad credentials
  kForbidden,        // known, but not allowed
  kNotFound,
  kConflict,            // clashes with present state (name taken, still running)
  kPreconditionFailed,  // If-Match was stale
  kTooLarge,
  kUnsupported,  // media type, method, runtime feature
  kRateLimited,  // retry_after_seconds says when to come back
  kUnavailable,  // a dependency (database, vault, Docker) cannot answer now
  kTimeout,
  kCancelled,
  kCorrupt,   // stored data does not verify
  kInternal,  // a bug or an unforeseen state
};

// A rule that one field of the input breaks. `pointer` is a JSON pointer (RFC 6901).
struct FieldError {
  std::string pointer;
  std::string detail;
  bool operator==(const FieldError&) const = default;
};

// Trouble as a value. `message` is for the log and operator; `reason`, when set, is the stable
// public problem code (`two_factor_required`) and `public_detail` the text a client may read.
// Never holds a secret.
struct Error {
  Code code = Code::kInternal;
  std::string message;
  std::string reason = {};
  std::string public_detail = {};
  std::vector<FieldError> fields = {};
  std::int64_t retry_after_seconds = 0;
  // The source's own machine-readable detail; for the database "<sqlstate>" or
  // "<sqlstate>:<constraint>" (read it with db::sqlstate_of and db::constraint_of).
  std::string detail_key = {};
};

template <class T>
using Result = std::expected<T, Error>;
using Status = Result<void>;

// `return fail(Code::kNotFound, "no such agent");`
[[nodiscard]] inline std::unexpected<Error> fail(Code code, std::string message) {
  return std::unexpected(Error{.code = code, .message = std::move(message)});
}

// As above with the public problem code and text.
[[nodiscard]] inline std::unexpected<Error> fail(Code code, std::string reason,
                                                 std::string public_detail) {
  return std::unexpected(Error{.code = code,
                               .message = reason + ": " + public_detail,
                               .reason = std::move(reason),
                               .public_detail = std::move(public_detail)});
}

[[nodiscard]] inline std::unexpected<Error> fail(Error error) {
  return std::unexpected(std::move(error));
}

// Adds where it happened: context("start agent a1", error) reads "start agent a1: <cause>".
[[nodiscard]] inline std::unexpected<Error> context(std::string_view where, Error error) {
  error.message = std::string(where) + ": " + error.message;
  return std::unexpected(std::move(error));
}

// The stable lower-case name of a code ("not_found"), for logs and metrics labels.
std::string_view to_string(Code code);

}  // namespace deployclaw
