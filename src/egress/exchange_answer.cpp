#include <boost/json/array.hpp>
#include <cstring>

#include "egress/exchange.hpp"
#include "egress/forward_head.hpp"
#include "egress/websocket_relay.hpp"
#include "http/ascii.hpp"
#include "scrub/content_decoder.hpp"
#include "scrub/finder.hpp"
#include "scrub/scrubber.hpp"

// The second half of an exchange, second part: the answer on its way back.
namespace deployclaw::egress {

namespace json = boost::json;

namespace {

constexpr std::size_t kMostHead = 64UL * 1024;
constexpr std::size_t kChunkRoom = 18;

Error broken(std::string detail) {
  return {.code = Code::kUnavailable,
          .message = detail,
          .reason = "upstream_failed",
          .public_detail = std::move(detail)};
}

// Scrubs one whole text in place; true when something was found.
bool scrub_text(const std::shared_ptr<const scrub::PatternSet>& patterns, std::string& text,
                std::vector<scrub::Hit>& hits) {
  scrub::Scrubber scrubber(patterns);
  scrubber.scrub(text.data(), text.size(), true);
  hits.insert(hits.end(), scrubber.hits().begin(), scrubber.hits().end());
  return !scrubber.hits().empty();
}

}  // namespace

Task<Result<http::ResponseHead>> Exchange::read_answer_head() {
  while (true) {
    upstream_.stream->set_deadline(shared_.deadlines.response_head);
    const auto text = co_await upstream_reader_->take_head(kMostHead);
    if (!text && text.error().code == Code::kTimeout) {
      Error late = broken("The upstream did not answer in time.");
      late.code = Code::kTimeout;
      co_return fail(std::move(late));
    }
    if (!text || text->empty()) co_return fail(broken("The upstream closed the connection."));
    auto head = http::parse_response_head(*text, head_.method);
    if (!head) co_return fail(broken("The upstream's answer is not well-formed HTTP."));
    // 100: we sent none of its kind. 102, 103: nobody needs them.
    if (head->status >= 200 || head->status == 101) co_return head;
  }
}

void Exchange::scrub_fields(http::ResponseHead& head) {
  std::vector<scrub::Hit> hits;
  http::Headers clean;
  bool found = false;
  for (const auto& [name, value] : head.headers.all()) {
    std::string own_name = name;
    std::string own_value = value;
    found |= scrub_text(agent_->response_patterns, own_value, hits);
    found |= scrub_text(agent_->response_patterns, own_name, hits);
    clean.add(std::move(own_name), std::move(own_value));
  }
  if (!found) return;
  head.headers = std::move(clean);
  note_hits(hits);
}

Task<void> Exchange::relay_answer() {
  auto head = co_await read_answer_head();
  if (!head) {
    // The request's own body was the trouble, or a new policy.
    if (body_refused_) {
      head_.keep_alive = false;
      ++shared_.refusals;
      Error refused = std::move(*body_refused_);
      (void)co_await could_not(std::move(refused));
    } else if (broken_off_) {
      finish("failure", {{"detail", "broken off: the agent's policy changed"}});
    } else {
      head_.keep_alive = false;
      (void)co_await could_not(std::move(head.error()));
    }
    co_return;
  }
  status_ = head->status;
  if (!agent_->response_patterns->empty()) scrub_fields(*head);
  if (head->status == 101) {
    if (websocket_) {
      auto front = response_head(*head, Passing::kAsItCame, true, false, true);
      auto written = co_await write_rest(reader_.stream(), front);
      answered_ = true;
      if (written) co_await relay_websocket();
      finish(broken_off_ ? "failure" : "success", {});
    } else {
      head_.keep_alive = false;
      (void)co_await could_not(broken("The upstream switched protocols unasked."));
    }
    co_return;
  }

  const bool sends_coded = head->headers.get("content-encoding").has_value() &&
                           head->framing.kind != http::BodyFraming::Kind::kNone;
  const bool decode = sends_coded && binds_secret() && !agent_->response_patterns->empty();
  const bool until_close = head->framing.kind == http::BodyFraming::Kind::kUntilClose;
  Passing passing = Passing::kAsItCame;
  if (decode || until_close) {
    passing = head_.minor_version == 0 ? Passing::kUntilClose : Passing::kChunked;
  }
  if (passing == Passing::kUntilClose ||
      (head_.minor_version == 0 && head->framing.kind == http::BodyFraming::Kind::kChunked)) {
    passing = Passing::kUntilClose;
    head_.keep_alive = false;
  }
  auto front = response_head(*head, passing, head_.keep_alive, decode, false);
  const bool chunked = passing == Passing::kChunked ||
                       (passing == Passing::kAsItCame &&
                        head->framing.kind == http::BodyFraming::Kind::kChunked);
  Status relayed;
  if (sends_coded && !decode && !agent_->response_patterns->empty()) {
    relayed = co_await watch(*head, std::move(front), chunked);
  } else {
    relayed = co_await pass_on(*head, std::move(front), chunked, decode);
  }
  if (!relayed) {
    if (answered_) {
      // Cut off in a way that the agent sees.
      reader_.stream().abort();
      finish("failure", {{"detail", json::string(relayed.error().message)}});
    } else {
      head_.keep_alive = false;
      (void)co_await could_not(std::move(relayed.error()));
    }
    upstream_.stream->interrupt();
    co_return;
  }
  finish(status_ < 400 ? "success" : "failure", {});
  reusable_ = true;
  if (!head->keep_alive || until_close || !upstream_reader_->unread().empty()) {
    upstream_.stream->close();
    upstream_.stream.reset();
  }
  // An answer before the whole request was read: the rest of it is not wanted.
  if (!body_sent_ && !(body_->done() || whole_body_)) {
    head_.keep_alive = false;
    (void)co_await reader_.stream().shutdown_send();
    reader_.stream().interrupt();
    if (upstream_.stream) upstream_.stream->interrupt();
  }
}

Task<void> Exchange::relay_websocket() {
  auto injections = decision_.injections;
  auto context = agent_;
  auto counts = co_await carry_websocket(shared_, std::move(context), std::move(injections), reader_,
                                         *upstream_reader_);
  sent_ += counts.sent;
  received_ += counts.received;
  note_hits(counts.hits);
  for (const auto& name : counts.used) shared_.on_used(id_, name);
  if (!counts.refused) co_return;
  ++shared_.refusals;
  const json::object details{{"requestId", request_id_},
                             {"layer", "secrets"},
                             {"reason", counts.refused->reason},
                             {"detail", counts.refused->public_detail}};
  shared_.trail.event(id_, {{"actionType", "websocket"},
                            {"target", origin_.authority()},
                            {"outcome", "denied"},
                            {"metadata", details}});
}

// Body bytes as they come, secrets turned back, nothing kept that cannot be part of one. `front` is
// the head: it goes out together with the first bytes.
Task<Status> Exchange::pass_on(const http::ResponseHead& head, std::string front, bool chunked,
                               bool decode) {
  BodyReader body(*upstream_reader_, head.framing);
  scrub::Scrubber scrubber(agent_->response_patterns);
  std::optional<scrub::ContentDecoder> decoder;
  if (decode) {
    const auto coding =
        scrub::parse_content_encoding(head.headers.get("content-encoding").value_or(""));
    if (!coding) co_return fail(broken("The upstream's content coding cannot be looked into."));
    decoder.emplace(*coding);
  }
  auto buffer = shared_.buffers.take();
  char* const data = buffer.data() + kChunkRoom;
  constexpr std::size_t kRoom = BufferPool::kRoom - kChunkRoom - 2;
  std::size_t held = 0;
  std::string coded;    // not yet decoded
  std::string decoded;
  bool ended = body.done();
  Status outcome;
  while (true) {
    std::size_t fresh = 0;
    if (!ended && coded.empty()) {
      // What is held back must not wait behind a head that could go out now.
      if (!front.empty() && upstream_reader_->unread().empty()) {
        outcome = co_await write_rest(reader_.stream(), front);
        front.clear();
        answered_ = true;
        if (!outcome) break;
      }
      upstream_.stream->set_deadline(shared_.deadlines.response_body);
      const auto got = co_await body.read(data + held, kRoom - held);
      if (!got) {
        outcome = fail(broken("The upstream's answer was cut short."));
        break;
      }
      ended = *got == 0 || body.done();
      received_ += *got;
      fresh = *got;
      if (decoder) coded.assign(data + held, *got);
    }
    if (decoder) {
      decoded.clear();
      const auto used = decoder->feed(coded, decoded, kRoom - held);
      if (!used) {
        outcome = fail(broken("The upstream's coded answer is not well-formed."));
        break;
      }
      coded.erase(0, *used);
      std::memcpy(data + held, decoded.data(), decoded.size());
      fresh = decoded.size();
    }
    const bool last = ended && coded.empty() && (!decoder || fresh == 0 || fresh < kRoom - held);
    if (last && decoder) {
      if (auto whole = decoder->finish(); !whole) {
        outcome = fail(broken("The upstream's coded answer was cut short."));
        break;
      }
    }
    const std::size_t ready = scrubber.scrub(data, held + fresh, last);
    const std::size_t rest = held + fresh - ready;
    char tail[256];
    std::string long_tail;
    const char* kept = data + ready;
    if (rest > 0 && chunked) {
      // The chunk's end will be written over it.
      if (rest <= sizeof tail) {
        std::memcpy(tail, kept, rest);
        kept = tail;
      } else {
        long_tail.assign(kept, rest);
        kept = long_tail.data();
      }
    }
    std::string_view piece(data, ready);
    if (ready > 0 && chunked) {
      char digits[kChunkRoom];
      const int length = std::snprintf(digits, sizeof digits, "%zx\r\n", ready);
      std::memcpy(data - length, digits, static_cast<std::size_t>(length));
      std::memcpy(data + ready, "\r\n", 2);
      piece = {data - length, static_cast<std::size_t>(length) + ready + 2};
    }
    const bool finishes = last && chunked;
    reader_.stream().set_deadline(shared_.deadlines.response_body);
    if (!front.empty() || finishes) {
      front += piece;
      if (finishes) front += "0\r\n\r\n";
      piece = front;
    }
    if (!piece.empty()) {
      answered_ = true;
      outcome = co_await write_rest(reader_.stream(), piece);
      if (!outcome) break;
      front.clear();
    }
    std::memmove(data, kept, rest);
    held = rest;
    if (last) break;
  }
  note_hits(scrubber.hits());
  co_return outcome;
}

// A coded body from a host that is given no secret passes as it is, but is looked into beside: a
// secret in it breaks it off, since its coding cannot be written over.
Task<Status> Exchange::watch(const http::ResponseHead& head, std::string front, bool chunked) {
  BodyReader body(*upstream_reader_, head.framing);
  const auto coding =
      scrub::parse_content_encoding(head.headers.get("content-encoding").value_or(""));
  if (!coding) co_return fail(broken("The upstream's content coding cannot be looked into."));
  scrub::ContentDecoder decoder(*coding);
  scrub::Finder finder(agent_->response_patterns);
  auto buffer = shared_.buffers.take();
  std::string plain;
  bool ended = body.done();
  while (!ended) {
    upstream_.stream->set_deadline(shared_.deadlines.response_body);
    const auto got = co_await body.read(buffer.data(), BufferPool::kRoom);
    if (!got) co_return fail(broken("The upstream's answer was cut short."));
    ended = *got == 0 || body.done();
    received_ += *got;
    std::string_view coded(buffer.data(), *got);
    while (true) {
      const auto used = decoder.feed(coded, plain, BufferPool::kRoom);
      if (!used) co_return fail(broken("The upstream's coded answer is not well-formed."));
      coded.remove_prefix(*used);
      const bool full = plain.size() >= BufferPool::kRoom;
      const auto seen = finder.scan(plain, ended && coded.empty() && !full);
      if (seen.finding) {
        note_hits({{.id = seen.finding->id, .form = seen.finding->form, .count = 1}});
        co_return fail(broken("The upstream's answer held a credential."));
      }
      plain.erase(0, seen.ready);
      if (coded.empty() && !full) break;
    }
    std::string piece = std::exchange(front, {});
    if (*got > 0) {
      if (chunked) {
        http::append_chunk(piece, {buffer.data(), *got});
      } else {
        piece.append(buffer.data(), *got);
      }
    }
    answered_ = true;
    reader_.stream().set_deadline(shared_.deadlines.response_body);
    auto written = co_await write_rest(reader_.stream(), piece);
    if (!written) co_return written;
  }
  if (chunked) {
    auto written = co_await write_rest(reader_.stream(), "0\r\n\r\n");
    co_return written;
  }
  co_return Status{};
}

}  // namespace deployclaw::egress
