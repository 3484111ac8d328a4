#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "docker/engine.hpp"
#include "docker/engine_state.hpp"
#include "docker/frames.hpp"
#include "docker/json_values.hpp"

namespace deployclaw::docker {

namespace json = boost::json;

Task<Result<std::unique_ptr<ByteStream>>> Engine::container_logs(std::string id,
                                                                 LogOptions options) {
  const auto name = encode_path(id);
  if (!name) co_return fail(name.error());
  State::Call call{.path = "/containers/" + *name + "/logs"};
  call.query = {{"stdout", "1"},
                {"stderr", "1"},
                {"timestamps", "1"},
                {"tail", std::to_string(options.tail)},
                {"follow", options.follow ? "1" : "0"}};
  if (!options.since.empty()) call.query.emplace_back("since", options.since);
  auto opened = co_await state_->stream(std::move(call));
  if (!opened) co_return fail(opened.error());
  co_return make_byte_stream(std::move(*opened));
}

Task<Result<std::unique_ptr<ByteStream>>> Engine::events(std::string label, std::string since) {
  State::Call call{.path = "/events"};
  call.query.emplace_back("filters",
                          make_filters({{"type", {"container"}},
                                        {"event", {"create", "start", "die", "oom", "destroy"}},
                                        {"label", {label}}}));
  if (!since.empty()) call.query.emplace_back("since", since);
  auto opened = co_await state_->stream(std::move(call));
  if (!opened) co_return fail(opened.error());
  co_return make_byte_stream(std::move(*opened));
}

namespace {

// Collects what a command prints; what exceeds the bound is read and forgotten.
Task<Result<std::string>> collect(std::unique_ptr<net::ResponseStream> stream,
                                  std::size_t most_bytes, std::chrono::milliseconds deadline) {
  std::string output;
  const FrameParser::Sink sink = [&](Stream, std::string_view payload) {
    output += payload.substr(0, most_bytes - std::min(most_bytes, output.size()));
  };
  const auto end = std::chrono::steady_clock::now() + deadline;
  FrameParser parser;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        end - std::chrono::steady_clock::now());
    if (left.count() <= 0) co_return fail(Code::kTimeout, "the command did not end in time");
    const auto bytes = co_await stream->read_some(left);
    if (!bytes) co_return fail(bytes.error());
    if (bytes->empty()) co_return output;
    const auto fed = parser.feed(*bytes, sink);
    if (!fed) co_return fail(fed.error());
  }
}

}  // namespace

Task<Result<Engine::ExecOutcome>> Engine::exec(std::string id, std::vector<std::string> command,
                                               std::size_t most_bytes,
                                               std::chrono::milliseconds deadline) {
  const auto name = encode_path(id);
  if (!name) co_return fail(name.error());
  json::array words;
  for (auto& word : command) words.emplace_back(std::move(word));
  State::Call create{.method = http::Method::kPost, .path = "/containers/" + *name + "/exec"};
  json::object body;
  body["AttachStdout"] = true;
  body["AttachStderr"] = true;
  body["Cmd"] = std::move(words);
  create.body = std::move(body);
  const auto created = co_await state_->json(std::move(create), kQuick);
  if (!created) co_return fail(created.error());
  const auto path = "/exec/" + string_at(*created, "Id");

  State::Call start{.method = http::Method::kPost, .path = path + "/start"};
  json::object options;
  options["Detach"] = false;
  options["Tty"] = false;
  start.body = std::move(options);
  auto started = co_await state_->stream(std::move(start));
  if (!started) co_return fail(started.error());
  auto stream = std::move(*started);
  auto output = co_await collect(std::move(stream), most_bytes, deadline);
  if (!output) co_return fail(output.error());

  State::Call look{.path = path + "/json"};
  const auto looked = co_await state_->json(std::move(look), kQuick);
  if (!looked) co_return fail(looked.error());
  ExecOutcome outcome;
  outcome.exit_code = integer_at(*looked, {"ExitCode"});
  outcome.output = std::move(*output);
  co_return outcome;
}

}  // namespace deployclaw::docker
