#pragma once

#include <boost/json/value.hpp>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "docker/engine.hpp"
#include "net/http_client.hpp"

namespace deployclaw::docker {

// Deadlines: what the daemon answers from memory, what it does to a container or image, and the
// longest a stop may take (an agent may drain for five minutes).
inline constexpr std::chrono::seconds kQuick{30};
inline constexpr std::chrono::seconds kWork{120};
inline constexpr std::chrono::seconds kStop{600};

// Private to the engine's sources.
struct Engine::State {
  State(boost::asio::any_io_executor e, std::filesystem::path s);

  boost::asio::any_io_executor executor;
  std::filesystem::path socket;
  net::ClientPool pool;

  struct Call {
    http::Method method = http::Method::kGet;
    std::string path;  // below the version prefix, encoded
    Query query = {};
    std::optional<boost::json::value> body = std::nullopt;
  };
  // The answer, whatever its status, or kUnavailable when there is none.
  Task<Result<net::ClientResponse>> send(Call call, std::chrono::milliseconds deadline);
  // Only a success (2xx or 304); other statuses become errors with the daemon's message.
  Task<Result<net::ClientResponse>> succeed(Call call, std::chrono::milliseconds deadline);
  Task<Result<boost::json::value>> json(Call call, std::chrono::milliseconds deadline);
  Task<Result<std::unique_ptr<net::ResponseStream>>> stream(Call call);

  [[nodiscard]] Error no_answer(Error cause) const;
  static net::ClientRequest to_request(Call call);
};

// "/v1.41/images/a%20b/json?x=1".
std::string make_target(std::string_view path, const Engine::Query& query);

// The error that an answer with a bad status stands for.
Error to_error(int status, std::string_view body);

// An image reference or container id as path segments; kInvalid when it could leave its place.
Result<std::string> encode_path(std::string_view reference);

Result<boost::json::value> parse_json(std::string_view text);

// A stream of the network module as one of ours.
std::unique_ptr<ByteStream> make_byte_stream(std::unique_ptr<net::ResponseStream> stream);

}  // namespace deployclaw::docker
