#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "docker/engine.hpp"
#include "docker/engine_state.hpp"
#include "docker/json_values.hpp"

namespace deployclaw::docker {

namespace json = boost::json;

namespace {

constexpr std::chrono::milliseconds kRemovalPoll{100};
constexpr int kRemovalPolls = 300;

std::string container_path(const std::string& id, std::string_view rest) {
  return "/containers/" + id + std::string(rest);
}

}  // namespace

Task<Result<std::string>> Engine::create_container(std::string name, json::value body) {
  State::Call call{.method = http::Method::kPost, .path = "/containers/create"};
  call.query.emplace_back("name", std::move(name));
  call.body = std::move(body);
  const auto answer = co_await state_->json(std::move(call), kWork);
  if (!answer) co_return fail(answer.error());
  co_return string_at(*answer, "Id");
}

Task<Status> Engine::start_container(std::string id) {
  const auto name = encode_path(id);
  if (!name) co_return fail(name.error());
  State::Call call{.method = http::Method::kPost, .path = container_path(*name, "/start")};
  const auto response = co_await state_->succeed(std::move(call), kWork);
  if (!response) co_return fail(response.error());
  co_return Status{};
}

Task<Status> Engine::stop_container(std::string id, std::chrono::seconds grace) {
  const auto name = encode_path(id);
  if (!name) co_return fail(name.error());
  State::Call call{.method = http::Method::kPost, .path = container_path(*name, "/stop")};
  if (grace.count() >= 0) call.query.emplace_back("t", std::to_string(grace.count()));
  const auto response = co_await state_->succeed(std::move(call), kStop);
  if (!response) co_return fail(response.error());
  co_return Status{};
}

Task<Status> Engine::kill_container(std::string id, std::string signal) {
  const auto name = encode_path(id);
  if (!name) co_return fail(name.error());
  State::Call call{.method = http::Method::kPost, .path = container_path(*name, "/kill")};
  call.query.emplace_back("signal", std::move(signal));
  const auto response = co_await state_->succeed(std::move(call), kWork);
  // 409: it does not run.
  if (!response && response.error().code != Code::kConflict) co_return fail(response.error());
  co_return Status{};
}

Task<Status> Engine::remove_container(std::string id) {
  const auto name = encode_path(id);
  if (!name) co_return fail(name.error());
  State::Call call{.method = http::Method::kDelete, .path = container_path(*name, "")};
  call.query = {{"force", "1"}, {"v", "1"}};
  auto response = co_await state_->succeed(std::move(call), kWork);
  if (response || response.error().code == Code::kNotFound) co_return Status{};
  if (response.error().code != Code::kConflict) co_return fail(response.error());
  // Someone else's removal is under way: it is done when the container is gone.
  for (int i = 0; i < kRemovalPolls; ++i) {
    const bool slept = co_await sleep_for(kRemovalPoll);
    if (!slept) break;
    const auto found = co_await inspect_container(id);
    if (!found && found.error().code == Code::kNotFound) co_return Status{};
  }
  co_return fail(response.error());
}

Task<Status> Engine::rename_container(std::string id, std::string name) {
  const auto encoded = encode_path(id);
  if (!encoded) co_return fail(encoded.error());
  State::Call call{.method = http::Method::kPost, .path = container_path(*encoded, "/rename")};
  call.query.emplace_back("name", std::move(name));
  const auto response = co_await state_->succeed(std::move(call), kQuick);
  if (!response) co_return fail(response.error());
  co_return Status{};
}

Task<Result<json::value>> Engine::inspect_container(std::string id) {
  const auto name = encode_path(id);
  if (!name) co_return fail(name.error());
  State::Call call{.path = container_path(*name, "/json")};
  auto answer = co_await state_->json(std::move(call), kQuick);
  co_return answer;
}

Task<Result<json::value>> Engine::list_containers(std::string label) {
  State::Call call{.path = "/containers/json"};
  call.query.emplace_back("all", "1");
  if (!label.empty()) call.query.emplace_back("filters", make_filters({{"label", {label}}}));
  auto answer = co_await state_->json(std::move(call), kQuick);
  if (answer && !answer->is_array()) co_return fail(Code::kMalformed, "Docker: not a list");
  co_return answer;
}

Task<Result<std::int64_t>> Engine::wait_container(std::string id,
                                                  std::chrono::milliseconds deadline) {
  const auto name = encode_path(id);
  if (!name) co_return fail(name.error());
  State::Call call{.method = http::Method::kPost, .path = container_path(*name, "/wait")};
  const auto answer = co_await state_->json(std::move(call), deadline);
  if (!answer) co_return fail(answer.error());
  co_return integer_at(*answer, {"StatusCode"});
}

Task<Status> Engine::put_archive(std::string id, std::string directory, std::string tar) {
  const auto name = encode_path(id);
  if (!name) co_return fail(name.error());
  net::ClientRequest request;
  request.method = http::Method::kPut;
  request.target = make_target(container_path(*name, "/archive"), {{"path", directory}});
  request.headers.add("Host", "docker");
  request.headers.add("Content-Type", "application/x-tar");
  request.body = std::move(tar);
  const auto response = co_await state_->pool.fetch(std::move(request), kWork);
  if (!response) co_return fail(state_->no_answer(response.error()));
  if (response->status != 200) co_return fail(to_error(response->status, response->body));
  co_return Status{};
}

Task<Result<std::string>> Engine::get_archive(std::string id, std::string path,
                                              std::size_t most_bytes) {
  const auto name = encode_path(id);
  if (!name) co_return fail(name.error());
  net::ClientRequest request;
  request.target = make_target(container_path(*name, "/archive"), {{"path", path}});
  request.headers.add("Host", "docker");
  request.max_response_bytes = most_bytes;
  auto response = co_await state_->pool.fetch(std::move(request), kWork);
  if (!response) co_return fail(state_->no_answer(response.error()));
  if (response->status != 200) co_return fail(to_error(response->status, response->body));
  co_return std::move(response->body);
}

}  // namespace deployclaw::docker
