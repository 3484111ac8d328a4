// What the gateway makes of the bytes that an agent sends into a tunnel: reads cases from standard
// input (each a length of four bytes, little-endian, and the bytes), gives each to a worker on a
// connection of its own, and writes where the origin is and a line of JSON for each: the bytes that
// left towards the origin and the requests that we ourselves take them for. For framing.test.mjs.
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "base/encoding.hpp"
#include "egress/testing/worker_rig.hpp"
#include "http/wire.hpp"

namespace {

namespace http = deployclaw::http;
namespace json = boost::json;
using deployclaw::egress::RecordKind;
using deployclaw::egress::testing::WorkerRig;

std::optional<std::string> next_case() {
  std::uint32_t size = 0;
  if (!std::cin.read(reinterpret_cast<char*>(&size), sizeof size)) return std::nullopt;
  std::string bytes(size, '\0');
  std::cin.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  return bytes;
}

// Takes one whole request off the front of `bytes`, as our parser reads it.
std::optional<json::object> take_request(std::string_view& bytes) {
  std::size_t from = 0;
  const auto end = http::find_head_end(bytes, from);
  if (end == std::string_view::npos) return std::nullopt;
  const auto head = http::parse_request_head(bytes.substr(0, end));
  if (!head) return std::nullopt;
  std::string_view rest = bytes.substr(end);
  std::size_t body = head->framing.length;
  if (head->framing.kind == http::BodyFraming::Kind::kChunked) {
    http::ChunkedDecoder decoder;
    std::string out;
    const auto used = decoder.feed(rest, out, rest.size() + 1);
    if (!used || !decoder.done()) return std::nullopt;
    rest.remove_prefix(*used);
    body = out.size();
  } else {
    if (rest.size() < body) return std::nullopt;
    rest.remove_prefix(body);
  }
  bytes = rest;
  return json::object{{"method", head->method_text},
                      {"target", head->target},
                      {"host", *head->headers.get("host")},
                      {"body", body}};
}

class Forwarder {
 public:
  Forwarder() {
    auto config = rig_.config();
    config.agents[0].credentials.clear();
    rig_.configure(config);
  }

  [[nodiscard]] json::object greeting() const { return {{"authority", rig_.origin_authority()}}; }

  json::object run(const std::string& bytes) {
    std::vector<std::size_t> already;
    for (const auto& stream : rig_.origin.streams()) already.push_back(stream.size());
    const auto told = rig_.records().size();
    auto agent = rig_.connect();
    agent.send("CONNECT " + rig_.origin_authority() + " HTTP/1.1\r\nHost: a\r\n\r\n");
    agent.read_until("\r\n\r\n");
    agent.send(bytes);
    agent.shutdown_send();
    const auto answer = agent.read_to_end();
    settle();
    already.resize(rig_.origin.streams().size());
    json::array streams;
    for (std::size_t i = 0; i < already.size(); ++i) {
      const auto fresh = rig_.origin.streams()[i].substr(already[i]);
      if (!fresh.empty()) streams.push_back(describe_stream(fresh));
    }
    return describe(std::move(streams), told, answer);
  }

 private:
  // Bytes that are still on their way to the origin belong to this case.
  void settle() {
    rig_.io.restart();
    while (rig_.io.run_one_for(std::chrono::milliseconds(1)) > 0) {
    }
  }

  static json::object describe_stream(const std::string& forwarded) {
    json::array requests;
    std::string_view rest = forwarded;
    while (auto request = take_request(rest)) requests.push_back(std::move(*request));
    return {{"forwarded", deployclaw::base64_encode(deployclaw::bytes_of(forwarded))},
            {"requests", std::move(requests)},
            {"unfinished", rest.size()}};
  }

  json::object describe(json::array streams, std::size_t told, std::string_view answer) {
    std::size_t intents = 0;
    bool unread = false;
    for (std::size_t i = told; i < rig_.records().size(); ++i) {
      const auto& record = rig_.records()[i];
      if (record.kind != RecordKind::kIntent) continue;
      ++intents;
      unread = unread || !record.json.at("metadata").as_object().contains("method");
    }
    return {{"streams", std::move(streams)},
            {"intents", intents},
            {"unread", unread},  // no HTTP to us, and the policy carries such to this port
            {"answer", json::string_view(answer.substr(0, answer.find('\r')))}};
  }

  WorkerRig rig_;
};

}  // namespace

int main() {
  Forwarder forwarder;
  std::cout << json::serialize(forwarder.greeting()) << '\n' << std::flush;
  while (const auto bytes = next_case()) {
    std::cout << json::serialize(forwarder.run(*bytes)) << '\n' << std::flush;
  }
  return 0;
}
