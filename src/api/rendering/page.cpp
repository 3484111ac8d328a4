#include "api/rendering/page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/encoding.hpp"
#include "http/url.hpp"

namespace deployclaw::api {

QueryReader::QueryReader(const http::Request& request) : pairs_(http::parse_query(request.query)) {}

std::optional<std::string> QueryReader::take(std::string_view name) {
  known_.emplace_back(name);
  std::optional<std::string> found;
  for (auto& [key, value] : pairs_) {
    if (key != name) continue;
    if (found) error(name, "is given twice");
    found = value;
  }
  return found;
}

void QueryReader::error(std::string_view name, std::string detail) {
  errors_.push_back({fmt::format("/query/{}", name), std::move(detail)});
}

std::optional<std::string> QueryReader::text(std::string_view name, std::size_t longest) {
  auto value = take(name);
  if (!value) return std::nullopt;
  if (value->empty() || value->size() > longest || !is_utf8(*value) || value->contains('\0')) {
    error(name, fmt::format("must be text of 1 to {} bytes", longest));
    return std::nullopt;
  }
  return value;
}

std::optional<std::int64_t> QueryReader::whole(std::string_view name, std::int64_t min,
                                               std::int64_t max) {
  const auto value = take(name);
  if (!value) return std::nullopt;
  const auto number = parse_whole(*value);
  if (!number || *number < min || *number > max) {
    error(name, fmt::format("must be a whole number from {} to {}", min, max));
    return std::nullopt;
  }
  return number;
}

std::optional<Time> QueryReader::time(std::string_view name) {
  const auto value = take(name);
  if (!value) return std::nullopt;
  const auto parsed = parse_time(*value);
  if (!parsed) error(name, "must be an RFC 3339 time");
  return parsed;
}

std::optional<AgentId> QueryReader::agent(std::string_view name) {
  const auto value = take(name);
  if (!value) return std::nullopt;
  const auto id = AgentId::parse(*value);
  if (!id) error(name, "must be a UUID");
  return id;
}

bool QueryReader::flag(std::string_view name) {
  const auto value = one_of(name, {"true", "false"});
  return value && *value == "true";
}

std::optional<std::string> QueryReader::one_of(std::string_view name,
                                               std::initializer_list<std::string_view> allowed) {
  auto value = take(name);
  if (!value) return std::nullopt;
  if (std::ranges::find(allowed, std::string_view(*value)) == allowed.end()) {
    error(name, fmt::format("must be one of {}", fmt::join(allowed, ", ")));
    return std::nullopt;
  }
  return value;
}

std::int64_t QueryReader::limit() { return whole("limit", 1, 200).value_or(50); }

Status QueryReader::finish() {
  for (const auto& [key, value] : pairs_) {
    if (std::ranges::find(known_, key) == known_.end()) error(key, "is not a known parameter");
  }
  if (errors_.empty()) return {};
  return fail(Error{.code = Code::kInvalid,
                    .message = "bad query",
                    .reason = "validation_failed",
                    .public_detail = "Some query parameters break a rule; see errors.",
                    .fields = std::move(errors_)});
}

std::string make_cursor(std::initializer_list<std::string> parts) {
  return base64url_encode(bytes_of(fmt::format("{}", fmt::join(parts, "."))));
}

std::optional<std::vector<std::string>> read_cursor(std::string_view cursor, std::size_t count) {
  const auto bytes = base64url_decode(cursor);
  if (!bytes || bytes->size() > 200) return std::nullopt;
  std::vector<std::string> parts(1);
  for (const unsigned char byte : *bytes) {
    if (byte == '.') {
      parts.emplace_back();
    } else {
      parts.back() += static_cast<char>(byte);
    }
  }
  if (parts.size() != count) return std::nullopt;
  return parts;
}

std::optional<std::int64_t> parse_whole(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace deployclaw::api
