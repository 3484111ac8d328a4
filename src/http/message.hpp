#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/task.hpp"

namespace deployclaw::http {

enum class Method : std::uint8_t { kGet, kHead, kPost, kPut, kPatch, kDelete, kOptions, kOther };
std::string_view to_string(Method method);
Method parse_method(std::string_view text);  // case-sensitive (RFC 9110 §9.1)

// Header fields in order; names compare without case (RFC 9110 §5.1).
class Headers {
 public:
  // First value of `name`.
  [[nodiscard]] std::optional<std::string_view> get(std::string_view name) const;
  [[nodiscard]] std::size_t count(std::string_view name) const;
  void add(std::string name, std::string value);
  void set(std::string name, std::string value);  // replaces all of that name
  void remove(std::string_view name);
  // Room for so many, so that adding them moves none.
  void reserve(std::size_t count) { fields_.reserve(count); }
  // The value of the field at `index` of all().
  void replace_value(std::size_t index, std::string value);
  void wipe_values();  // overwrites every value's bytes; the fields stay, empty
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& all() const {
    return fields_;
  }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

// A whole request as the server read it. `path` is percent-decoded once and already refused when
// ambiguous (dot segments, %2F, NUL, invalid UTF-8); `query` is raw.
struct Request {
  Method method = Method::kGet;
  std::string method_text;
  std::string path;
  std::string query;
  Headers headers;
  std::string body;
  std::string remote_address;  // textual IP without port; empty on unix sockets
  std::string id;              // request id, also answered as X-Request-Id
  std::vector<std::pair<std::string, std::string>> params;  // path parameters, set by the router

  [[nodiscard]] std::string_view param(std::string_view name) const;  // "" when absent
  // Decoded value of a query key; nullopt when absent. Bad escapes read as absent.
  [[nodiscard]] std::optional<std::string> query_value(std::string_view key) const;
  [[nodiscard]] std::optional<std::string> cookie(std::string_view name) const;  // RFC 6265 §4.2
};

// Where a streaming response writes. Implemented by src/net.
class BodyWriter {
 public:
  virtual ~BodyWriter() = default;
  // Sends one chunk and waits until the kernel took it (back-pressure). An error means that the
  // client went away: stop.
  virtual Task<Status> write(std::string chunk) = 0;
};

using StreamFn = std::function<Task<void>(std::shared_ptr<BodyWriter>)>;

// An answer made once and sent many times: sending it copies neither its fields nor its body.
struct PreparedAnswer {
  std::string fields;  // "Name: value\r\n" each, without those that are the server's own
  std::string body;
};

// `headers` as they stand in PreparedAnswer::fields; fields that could forge a line are left out.
std::string prepared_fields(const Headers& headers);

struct Response {
  int status = 200;
  Headers headers;
  std::string body;
  // When set, its fields are sent before `headers`, and its body instead of `body`.
  std::shared_ptr<const PreparedAnswer> prepared = {};
  // When set, the body is what this writes (chunked); `body` is ignored. Runs on the connection's
  // coroutine and is cancelled when the client leaves or the server stops.
  StreamFn stream;
};

}  // namespace deployclaw::http
