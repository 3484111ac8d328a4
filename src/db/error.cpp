#include "db/error.hpp"

#include <array>
#include <string>

namespace deployclaw::db {

namespace {

struct Mapping {
  std::string_view prefix;
  Code code;
};

// The first prefix that fits decides.
constexpr std::array kMappings = {
    Mapping{"23505", Code::kConflict},  Mapping{"23P01", Code::kConflict},
    Mapping{"23", Code::kInvalid},      Mapping{"22", Code::kInvalid},
    Mapping{"40", Code::kConflict},     Mapping{"55P03", Code::kConflict},
    Mapping{"42501", Code::kForbidden}, Mapping{"57014", Code::kTimeout},
    Mapping{"57P", Code::kUnavailable}, Mapping{"08", Code::kUnavailable},
    Mapping{"53", Code::kUnavailable},  Mapping{"25006", Code::kUnavailable},
    Mapping{"P0001", Code::kInvalid},
};

Code code_of(std::string_view sqlstate) {
  for (const auto& mapping : kMappings) {
    if (sqlstate.starts_with(mapping.prefix)) return mapping.code;
  }
  return Code::kInternal;
}

}  // namespace

Error make_error(std::string_view statement, std::string_view sqlstate, std::string_view message,
                 std::string_view constraint) {
  Error error{.code = code_of(sqlstate), .message = std::string(statement)};
  error.message.append(": ").append(message).append(" (").append(sqlstate).append(")");
  if (sqlstate == "P0001") error.reason = "refused";
  error.detail_key = sqlstate;
  if (!constraint.empty()) error.detail_key.append(":").append(constraint);
  return error;
}

std::string_view sqlstate_of(const Error& error) {
  return std::string_view(error.detail_key).substr(0, 5);
}

std::string_view constraint_of(const Error& error) {
  const std::string_view key = error.detail_key;
  return key.size() > 6 ? key.substr(6) : std::string_view();
}

bool is_retryable(const Error& error) { return sqlstate_of(error).starts_with("40"); }

}  // namespace deployclaw::db
