// Hostile heads: what is passed on reads as one head with the same framing, so that no upstream and
// no agent sees another message than the one that was decided upon.
#include <algorithm>
#include <cstdlib>

#include "egress/forward_head.hpp"

namespace {

namespace egress = deployclaw::egress;
namespace http = deployclaw::http;

void require(bool holds) {
  if (!holds) std::abort();
}

bool same(const http::BodyFraming& a, const http::BodyFraming& b) {
  return a.kind == b.kind && a.length == b.length;
}

// Exactly one head, to its last byte.
void check_end(std::string_view out) {
  std::size_t from = 0;
  require(http::find_head_end(out, from) == out.size());
}

void check_request(std::string_view text) {
  const auto head = http::parse_request_head(text);
  if (!head) return;
  const auto target = http::canonical_target(head->target);
  if (!target) return;
  const bool websocket = egress::asks_for_websocket(*head);
  const auto out = egress::request_head(*head, *target, "origin.example", websocket, std::nullopt);
  check_end(out);
  const auto again = http::parse_request_head(out);
  require(again && same(again->framing, head->framing));
  require(again->method_text == head->method_text && again->target == target->origin_form());
  require(again->headers.get("host") == "origin.example" && !again->expect_continue);
  const auto sized = egress::request_head(*head, *target, "origin.example", false, 7);
  const auto resized = http::parse_request_head(sized);
  require(resized && same(resized->framing, {http::BodyFraming::Kind::kLength, 7}));
}

void check_response(std::string_view text) {
  const auto head = http::parse_response_head(text, http::Method::kGet);
  if (!head || head->status < 200) return;
  const auto out = egress::response_head(*head, egress::Passing::kAsItCame, true, false, false);
  check_end(out);
  const auto again = http::parse_response_head(out, http::Method::kGet);
  require(again && again->status == head->status && same(again->framing, head->framing));
  if (head->framing.kind == http::BodyFraming::Kind::kNone) return;
  const auto chunked = egress::response_head(*head, egress::Passing::kChunked, true, true, false);
  const auto rechunked = http::parse_response_head(chunked, http::Method::kGet);
  require(rechunked && rechunked->framing.kind == http::BodyFraming::Kind::kChunked);
}

// The text as trailers: what goes on reads as trailers again, and has nothing of a head in it.
void check_trailers(std::string_view text) {
  const auto trailers = http::parse_trailers(text);
  if (!trailers) return;
  const auto out = egress::last_chunk(*trailers, *trailers);
  http::ChunkedDecoder decoder;
  std::string body;
  const auto used = decoder.feed(out, body, 1);
  // One that is too large as a whole never got here.
  if (text.size() > 8UL * 1024) return;
  require(used && *used == out.size() && decoder.done() && body.empty());
  for (const char* never : {"host", "content-length", "transfer-encoding", "connection", "te",
                            "authorization", "cookie", "trailer", "upgrade"}) {
    require(decoder.trailers().count(never) == 0);
  }
  require(decoder.trailers().all().size() <= trailers->all().size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::size_t from = 0;
  const auto head = text.substr(0, http::find_head_end(text, from));
  check_request(head);
  check_response(head);
  check_trailers(head);
  // Behind a first line, as in the corpus of heads.
  check_trailers(head.substr(std::min(head.size(), head.find('\n') + 1)));
  return 0;
}
