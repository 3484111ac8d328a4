#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"
#include "http/message.hpp"

namespace deployclaw::api {

// Reads the query of a request and collects what is wrong with it, each at "/query/<name>".
// Unknown keys are errors too: a misspelt filter must not silently answer everything.
class QueryReader {
 public:
  explicit QueryReader(const http::Request& request);

  std::optional<std::string> text(std::string_view name, std::size_t longest = 200);
  std::optional<std::int64_t> whole(std::string_view name, std::int64_t min, std::int64_t max);
  std::optional<Time> time(std::string_view name);
  std::optional<AgentId> agent(std::string_view name);
  bool flag(std::string_view name);  // "true" or "false"; absent is false
  // One of `allowed`.
  std::optional<std::string> one_of(std::string_view name,
                                    std::initializer_list<std::string_view> allowed);
  // ?limit=, 1 to 200, 50.
  std::int64_t limit();
  void error(std::string_view name, std::string detail);

  // Good, or kInvalid (reason "validation_failed") with every error.
  Status finish();

 private:
  std::optional<std::string> take(std::string_view name);
  std::vector<std::pair<std::string, std::string>> pairs_;
  std::vector<std::string> known_;
  std::vector<FieldError> errors_;
};

// A cursor is opaque to callers: base64url of its parts joined by '.'. It holds only what the
// answer before it showed, and row security decides what it can reach, so it needs no signature.
std::string make_cursor(std::initializer_list<std::string> parts);
// Exactly `count` parts, else nullopt.
std::optional<std::vector<std::string>> read_cursor(std::string_view cursor, std::size_t count);
std::optional<std::int64_t> parse_whole(std::string_view text);

}  // namespace deployclaw::api
