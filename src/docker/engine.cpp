#include "docker/engine.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "docker/engine_state.hpp"
#include "docker/json_values.hpp"
#include "http/url.hpp"

namespace deployclaw::docker {

namespace json = boost::json;

namespace {
constexpr std::string_view kVersionPrefix = "/v1.41";
constexpr std::chrono::minutes kStreamSlice{1};

class NetByteStream final : public ByteStream {
 public:
  explicit NetByteStream(std::unique_ptr<net::ResponseStream> stream)
      : stream_(std::move(stream)) {}
  Task<Result<std::string>> read_some(std::chrono::milliseconds deadline) override {
    if (deadline.count() > 0) {
      auto bytes = co_await stream_->read_some(deadline);
      co_return bytes;
    }
    for (;;) {
      auto bytes = co_await stream_->read_some(kStreamSlice);
      if (bytes || bytes.error().code != Code::kTimeout) co_return bytes;
    }
  }

 private:
  std::unique_ptr<net::ResponseStream> stream_;
};

}  // namespace

std::string make_target(std::string_view path, const Engine::Query& query) {
  std::string target(kVersionPrefix);
  target += path;
  char separator = '?';
  for (const auto& [key, value] : query) {
    target += separator;
    target += http::percent_encode(key) + "=" + http::percent_encode(value);
    separator = '&';
  }
  return target;
}

Error to_error(int status, std::string_view body) {
  std::string message;
  if (const auto parsed = parse_json(body)) message = string_at(*parsed, "message");
  if (message.empty()) message = "status " + std::to_string(status);
  auto code = Code::kInternal;
  if (status == 400) code = Code::kInvalid;
  if (status == 404) code = Code::kNotFound;
  if (status == 409) code = Code::kConflict;
  if (status == 503) code = Code::kUnavailable;
  return {.code = code, .message = "Docker: " + message};
}

Result<std::string> encode_path(std::string_view reference) {
  std::string encoded;
  std::size_t at = 0;
  for (;;) {
    const auto end = std::min(reference.find('/', at), reference.size());
    const auto segment = reference.substr(at, end - at);
    if (segment.empty() || segment == "." || segment == "..") {
      return fail(Code::kInvalid, "not an image or container name: " + std::string(reference));
    }
    encoded += http::percent_encode(segment);
    if (end == reference.size()) return encoded;
    encoded += '/';
    at = end + 1;
  }
}

Result<json::value> parse_json(std::string_view text) {
  boost::system::error_code error;
  auto value = json::parse(text, error);
  if (error) return fail(Code::kMalformed, "Docker: the answer is not JSON");
  return value;
}

std::unique_ptr<ByteStream> make_byte_stream(std::unique_ptr<net::ResponseStream> stream) {
  return std::make_unique<NetByteStream>(std::move(stream));
}

Engine::State::State(boost::asio::any_io_executor e, std::filesystem::path s)
    : executor(std::move(e)), socket(std::move(s)), pool(net::Endpoint::unix_socket(socket)) {}

Error Engine::State::no_answer(Error cause) const {
  if (cause.code != Code::kUnavailable) return cause;
  cause.message = "Docker does not answer at " + socket.string() + ": " + cause.message;
  return cause;
}

net::ClientRequest Engine::State::to_request(Call call) {
  net::ClientRequest request;
  request.method = call.method;
  request.target = make_target(call.path, call.query);
  request.headers.add("Host", "docker");
  request.max_response_bytes = std::size_t{64} << 20;
  if (call.body) {
    request.headers.add("Content-Type", "application/json");
    request.body = json::serialize(*call.body);
  }
  return request;
}

Task<Result<net::ClientResponse>> Engine::State::send(Call call,
                                                      std::chrono::milliseconds deadline) {
  auto request = to_request(std::move(call));
  auto response = co_await pool.fetch(std::move(request), deadline);
  if (!response) co_return fail(no_answer(std::move(response.error())));
  co_return response;
}

Task<Result<net::ClientResponse>> Engine::State::succeed(Call call,
                                                         std::chrono::milliseconds deadline) {
  auto response = co_await send(std::move(call), deadline);
  if (!response) co_return response;
  const bool good = response->status / 100 == 2 || response->status == 304;
  if (!good) co_return fail(to_error(response->status, response->body));
  co_return response;
}

Task<Result<json::value>> Engine::State::json(Call call, std::chrono::milliseconds deadline) {
  const auto response = co_await succeed(std::move(call), deadline);
  if (!response) co_return fail(response.error());
  co_return parse_json(response->body);
}

Task<Result<std::unique_ptr<net::ResponseStream>>> Engine::State::stream(Call call) {
  auto request = to_request(std::move(call));
  auto opened = co_await pool.open_stream(std::move(request), kQuick);
  if (!opened) co_return fail(no_answer(std::move(opened.error())));
  auto& stream = **opened;
  if (stream.status() / 100 == 2 || stream.status() == 101) co_return opened;
  std::string body;
  while (body.size() < 65536) {
    const auto bytes = co_await stream.read_some(kQuick);
    if (!bytes || bytes->empty()) break;
    body += *bytes;
  }
  co_return fail(to_error(stream.status(), body));
}

Engine::Engine(boost::asio::any_io_executor executor, std::filesystem::path socket)
    : state_(std::make_unique<State>(std::move(executor), std::move(socket))) {}

Engine::~Engine() = default;

const std::filesystem::path& Engine::socket() const { return state_->socket; }

Result<std::filesystem::path> Engine::parse_host(std::string_view docker_host) {
  constexpr std::string_view kScheme = "unix://";
  auto path = docker_host;
  if (path.starts_with(kScheme)) path.remove_prefix(kScheme.size());
  if (path.empty() || path.front() != '/') {
    return fail(Code::kInvalid,
                "DOCKER_HOST must be unix:///path, not " + std::string(docker_host));
  }
  return std::filesystem::path(path);
}

Task<Status> Engine::ping() {
  State::Call call{.path = "/_ping"};
  const auto response = co_await state_->succeed(std::move(call), kQuick);
  if (!response) co_return fail(response.error());
  co_return Status{};
}

Task<Result<EngineVersion>> Engine::version() {
  State::Call call{.path = "/version"};
  const auto answer = co_await state_->json(std::move(call), kQuick);
  if (!answer) co_return fail(answer.error());
  co_return EngineVersion{string_at(*answer, "Version"), string_at(*answer, "ApiVersion")};
}

}  // namespace deployclaw::docker
