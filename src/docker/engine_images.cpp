#include <boost/json/array.hpp>

#include "docker/engine.hpp"
#include "docker/engine_state.hpp"
#include "docker/json_values.hpp"

namespace deployclaw::docker {

namespace json = boost::json;

// Every call here has the long deadline: while a large image is being imported the daemon lets
// other calls about images wait.
namespace {

Image read_image(const json::value& value) {
  Image image;
  image.id = string_at(value, "Id");
  image.size_bytes = static_cast<std::uint64_t>(integer_at(value, {"Size"}));
  if (const auto* tags = find_at(value, {"RepoTags"}); tags != nullptr && tags->is_array()) {
    for (const auto& tag : tags->get_array()) {
      if (tag.is_string()) image.tags.emplace_back(tag.get_string());
    }
  }
  image.labels = map_at(value, {"Labels"});
  if (image.labels.empty()) image.labels = map_at(value, {"Config", "Labels"});
  return image;
}

// The answer to an import is a row of JSON objects, the last of which is the id or, in spite of the
// status 200, an error.
Result<std::string> read_import_answer(std::string_view body) {
  std::string status;
  while (!body.empty()) {
    const auto end = std::min(body.find('\n'), body.size());
    const auto line = body.substr(0, end);
    body.remove_prefix(std::min(end + 1, body.size()));
    const auto parsed = parse_json(line);
    if (!parsed) continue;
    if (const auto error = string_at(*parsed, "error"); !error.empty()) {
      return fail(Code::kInternal, "Docker: " + error);
    }
    status = string_at(*parsed, "status");
  }
  if (!status.starts_with("sha256:")) {
    return fail(Code::kInternal, "Docker: the import gave no image id");
  }
  return status;
}

// "repository:tag"; without a tag "latest".
std::pair<std::string, std::string> split_reference(const std::string& reference) {
  const auto colon = reference.rfind(':');
  const auto slash = reference.rfind('/');
  const bool has_tag = colon != std::string::npos && (slash == std::string::npos || colon > slash);
  if (!has_tag) return {reference, "latest"};
  return {reference.substr(0, colon), reference.substr(colon + 1)};
}

}  // namespace

Task<Result<Image>> Engine::inspect_image(std::string reference) {
  const auto name = encode_path(reference);
  if (!name) co_return fail(name.error());
  State::Call call{.path = "/images/" + *name + "/json"};
  const auto answer = co_await state_->json(std::move(call), kWork);
  if (!answer) co_return fail(answer.error());
  co_return read_image(*answer);
}

Task<Result<std::vector<Image>>> Engine::list_images(std::string label) {
  State::Call call{.path = "/images/json"};
  if (!label.empty()) call.query.emplace_back("filters", make_filters({{"label", {label}}}));
  const auto answer = co_await state_->json(std::move(call), kWork);
  if (!answer) co_return fail(answer.error());
  std::vector<Image> images;
  if (answer->is_array()) {
    for (const auto& item : answer->get_array()) images.push_back(read_image(item));
  }
  co_return images;
}

Task<Result<std::string>> Engine::import_image(std::filesystem::path tar, std::string reference,
                                               std::vector<std::string> changes,
                                               std::chrono::milliseconds deadline) {
  const auto [repository, tag] = split_reference(reference);
  Query query{{"fromSrc", "-"}, {"repo", repository}, {"tag", tag}};
  for (auto& change : changes) query.emplace_back("changes", std::move(change));
  net::ClientRequest request;
  request.method = http::Method::kPost;
  request.target = make_target("/images/create", query);
  request.headers.add("Host", "docker");
  request.headers.add("Content-Type", "application/x-tar");
  request.body = net::BodyFile{tar.string()};
  const auto response = co_await state_->pool.fetch(std::move(request), deadline);
  if (!response) co_return fail(state_->no_answer(response.error()));
  if (response->status != 200) co_return fail(to_error(response->status, response->body));
  co_return read_import_answer(response->body);
}

Task<Status> Engine::tag_image(std::string image, std::string repository, std::string tag) {
  const auto name = encode_path(image);
  if (!name) co_return fail(name.error());
  State::Call call{.method = http::Method::kPost, .path = "/images/" + *name + "/tag"};
  call.query.emplace_back("repo", std::move(repository));
  call.query.emplace_back("tag", std::move(tag));
  const auto response = co_await state_->succeed(std::move(call), kWork);
  if (!response) co_return fail(response.error());
  co_return Status{};
}

Task<Status> Engine::remove_image(std::string reference) {
  const auto name = encode_path(reference);
  if (!name) co_return fail(name.error());
  State::Call call{.method = http::Method::kDelete, .path = "/images/" + *name};
  const auto response = co_await state_->succeed(std::move(call), kWork);
  if (!response && response.error().code != Code::kNotFound) co_return fail(response.error());
  co_return Status{};
}

}  // namespace deployclaw::docker
