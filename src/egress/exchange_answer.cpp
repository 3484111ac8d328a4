#include <boost/json/array.hpp>
#include <cstring>

#include "egress/answer_body.hpp"
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
constexpr int kMostInterim = 32;  // answers before the answer
}  // namespace

Task<Result<http::ResponseHead>> Exchange::read_answer_head() {
  for (int interim = 0; interim <= kMostInterim; ++interim) {
    upstream_.stream->set_deadline(shared_.deadlines.response_head);
    auto head = parse_answer_head(co_await upstream_reader_->take_head(kMostHead));
    if (!head || head->status >= 200 || head->status == 101) co_return head;
    if (auto passed = co_await pass_interim(std::move(*head)); !passed) {
      co_return fail(std::move(passed.error()));
    }
  }
  co_return fail(broken("The upstream sent too many interim answers."));
}

Result<http::ResponseHead> Exchange::parse_answer_head(const Result<std::string_view>& text) const {
  if (!text && text.error().code == Code::kTimeout) {
    Error late = broken("The upstream did not answer in time.");
    late.code = Code::kTimeout;
    return fail(std::move(late));
  }
  if (!text || text->empty()) return fail(broken("The upstream closed the connection."));
  auto head = http::parse_response_head(*text, head_.method);
  if (!head) return fail(broken("The upstream's answer is not well-formed HTTP."));
  return head;
}

// 100 answers an Expect that the upstream never got; HTTP/1.0 knows no interim answers.
Task<Status> Exchange::pass_interim(http::ResponseHead head) {
  if (head.status == 100 || head_.minor_version == 0) co_return Status{};
  scrub_fields(head);
  const auto text = interim_head(head);
  reader_.stream().set_deadline(shared_.deadlines.response_body);
  auto written = co_await write_rest(reader_.stream(), text);
  co_return written;
}

void Exchange::scrub_fields(http::ResponseHead& head) {
  std::vector<scrub::Hit> hits;
  head.headers = scrubbed(std::move(head.headers), agent_->response_patterns, hits);
  note_hits(hits);
}

Task<void> Exchange::relay_answer() {
  auto head = co_await read_answer_head();
  if (!head) {
    co_await tell_no_answer(std::move(head.error()));
    co_return;
  }
  status_ = head->status;
  scrub_fields(*head);
  if (head->status == 101) {
    co_await switch_protocols(*head);
    co_return;
  }
  meter_with(*head);
  auto relayed = co_await relay_whole(*head);
  if (!relayed) {
    head_.keep_alive = false;
    if (answered_) {
      // Cut off in a way that the agent sees.
      reader_.stream().abort();
      finish("failure", {{"detail", json::string(relayed.error().message)}});
    } else {
      (void)co_await could_not(std::move(relayed.error()));
    }
    upstream_.stream->interrupt();
    co_return;
  }
  const bool cut = model_call_ && model_call_->meter()->was_cut();
  if (cut) {
    finish("failure", {{"detail", "cut: the spend limit is reached"}});
    upstream_.stream->abort();
    reusable_ = true;
    co_return;
  }
  finish(status_ < 400 ? "success" : "failure", {});
  reusable_ = true;
  // After an upgrade that was asked for, some servers read no more requests.
  const bool closes =
      !head->keep_alive || websocket_ || head->framing.kind == http::BodyFraming::Kind::kUntilClose;
  if (closes || !upstream_reader_->unread().empty()) upstream_.stream->close();
  // An answer before the whole request was read: the rest of it is not wanted, but read, or the
  // answer might be lost in a reset.
  if (!body_sent_ && !(body_->done() || whole_body_)) {
    head_.keep_alive = false;
    lingers_ = true;
    upstream_.stream->interrupt();
    (void)co_await reader_.stream().shutdown_send();
    reader_.stream().set_deadline(kLinger);
  }
}

// Why there is none: the request's own body, a new policy, or the upstream.
Task<void> Exchange::tell_no_answer(Error error) {
  head_.keep_alive = false;
  if (broken_off_ || agent_gone_) {
    finish("failure", {{"detail", agent_gone_ ? "the agent hung up"
                                              : "broken off: the agent's policy changed"}});
    co_return;
  }
  if (body_refused_) {
    error = std::move(*body_refused_);
  }
  (void)co_await could_not(std::move(error));
}

Task<void> Exchange::switch_protocols(const http::ResponseHead& head) {
  if (!websocket_) {
    head_.keep_alive = false;
    (void)co_await could_not(broken("The upstream switched protocols unasked."));
    co_return;
  }
  const auto front = response_head(head, Passing::kAsItCame, true, false, true);
  const auto written = co_await write_rest(reader_.stream(), front);
  answered_ = true;
  if (written) co_await relay_websocket();
  finish(broken_off_ ? "failure" : "success", {});
}

Task<Status> Exchange::relay_whole(const http::ResponseHead& head) {
  using Kind = http::BodyFraming::Kind;
  const bool has_secrets = !agent_->response_patterns->empty();
  const bool coded = head.headers.get("content-encoding") && head.framing.kind != Kind::kNone;
  const bool metered = model_call_ && model_call_->meter();
  const bool decode = coded && (metered || (has_secrets && binds_secret()));
  const bool length_is_lost = decode || head.framing.kind == Kind::kUntilClose ||
                              (metered && model_call_->meter()->changes_length());
  Passing passing = length_is_lost ? Passing::kChunked : Passing::kAsItCame;
  if (head_.minor_version == 0 && (length_is_lost || head.framing.kind == Kind::kChunked)) {
    passing = Passing::kUntilClose;
    head_.keep_alive = false;
  }
  std::optional<scrub::ContentDecoder> decoder;
  if (coded && (has_secrets || decode)) {
    const auto coding = scrub::parse_content_encoding(*head.headers.get("content-encoding"));
    if (!coding) return give_up(broken("The upstream's content coding cannot be looked into."));
    decoder.emplace(*coding);
  }
  auto front = response_head(head, passing, head_.keep_alive, decode, false);
  const bool chunked = passing == Passing::kChunked ||
                       (passing == Passing::kAsItCame && head.framing.kind == Kind::kChunked);
  return decoder && !decode ? watch(head, std::move(front), chunked, std::move(*decoder))
                            : pass_on(head, std::move(front), chunked, std::move(decoder));
}

Task<Status> Exchange::give_up(Error error) { co_return fail(std::move(error)); }

Task<void> Exchange::relay_websocket() {
  auto injections = decision_.injections;
  auto context = agent_;
  auto counts = co_await carry_websocket(shared_, std::move(context), std::move(injections),
                                         reader_, *upstream_reader_);
  sent_ += counts.sent;
  received_ += counts.received;
  note_hits(counts.hits);
  for (const auto& name : counts.used) shared_.on_used(id_, name);
  if (!counts.refused) co_return;
  const json::object details{{"requestId", request_id_},
                             {"layer", "secrets"},
                             {"reason", counts.refused->reason},
                             {"detail", counts.refused->public_detail}};
  shared_.trail.event(id_, {{"actionType", "websocket"},
                            {"target", origin_.authority()},
                            {"outcome", "denied"},
                            {"metadata", details}});
}

// Body bytes as they come, secrets turned back, decoded where they have to be.
Task<Status> Exchange::pass_on(const http::ResponseHead& head, std::string front, bool chunked,
                               std::optional<scrub::ContentDecoder> decoder) {
  AnswerBody body(shared_, *upstream_reader_, reader_.stream(), head, agent_->response_patterns,
                  std::move(decoder), chunked);
  if (model_call_) {
    body.count_with(*model_call_->meter(), [this] { lower_reservation(); });
  }
  auto carried = co_await body.carry(std::move(front));
  answered_ = answered_ || body.begun();
  received_ += body.received();
  note_hits(body.hits());
  note_hits(body.trailer_hits());
  co_return carried;
}

// A coded body from a host that is given no secret passes as it is, but is looked into beside: a
// secret in it breaks it off, since its coding cannot be written over.
Task<Status> Exchange::watch(const http::ResponseHead& head, std::string front, bool chunked,
                             scrub::ContentDecoder decoder) {
  BodyReader body(*upstream_reader_, head.framing);
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
    std::vector<scrub::Hit> hits;
    const auto end =
        last_chunk(scrubbed(body.trailers(), agent_->response_patterns, hits), head.headers);
    note_hits(hits);
    auto written = co_await write_rest(reader_.stream(), end);
    co_return written;
  }
  co_return Status{};
}

}  // namespace deployclaw::egress
