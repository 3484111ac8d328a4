#include <boost/asio/experimental/awaitable_operators.hpp>

#include "domain/default_limits.hpp"
#include "domain/names.hpp"
#include "egress/answer_body.hpp"
#include "egress/exchange.hpp"
#include "egress/forward_head.hpp"
#include "http/problem.hpp"
#include "scrub/finder.hpp"

// The second half of an exchange, first part: the intent, the connection, the request.
namespace deployclaw::egress {

Task<bool> Exchange::forward() {
  charge_.scope = domain::scope_index(decision_.scope).value_or(kNoScope);
  intent_ = tell_intent();
  auto granted = co_await intent_.durable();
  if (!granted) {
    auto refused = not_forwarded(std::move(granted.error()));
    const bool goes_on = co_await std::move(refused);
    co_return goes_on;
  }
  grant_ = *granted;
  if (model_call_) model_call_->grant(grant_.micro_dollars, *whole_body_);
  upstream_ = shared_.upstreams.take_idle(upstream_key());
  if (!upstream_.stream) {
    // Dialling is an effect too: it waits for the intent to be admitted and on disk.
    auto dialled = co_await shared_.upstreams.dial(upstream_key());
    if (!dialled) {
      const bool goes_on = co_await could_not(std::move(dialled.error()));
      co_return goes_on;
    }
    upstream_ = std::move(*dialled);
  }
  upstream_reader_.emplace(*upstream_.stream);
  for (const auto name : injected_) shared_.on_used(id_, name);
  const bool goes_on = co_await send_and_relay();
  co_return goes_on;
}

Task<bool> Exchange::not_forwarded(Error error) {
  return intent_.refusal() ? refuse_by_limit(*intent_.refusal()) : could_not(std::move(error));
}

UpstreamKey Exchange::upstream_key() const {
  return {.host = origin_.host, .port = origin_.port, .tls = origin_.tls};
}

Task<bool> Exchange::send_and_relay() {
  const bool no_body = body_->done() || whole_body_;
  if (no_body) {
    auto rest = front();
    auto sent = send_now(rest);
    if (!sent) sent = co_await send(rest);
    wipe_front();
    body_sent_ = sent->has_value();
    co_await relay_answer();
  } else {
    using namespace boost::asio::experimental::awaitable_operators;
    auto both = send_body() && relay_answer();
    co_await std::move(both);
  }
  if (lingers_) co_await linger();
  auto& agent = reader_.stream();
  if (upstream_.stream->is_open() && reusable_ && body_sent_) {
    agent.clear_deadline();
    shared_.upstreams.give_back(upstream_key(), std::move(upstream_));
    co_return head_.keep_alive;
  }
  // The answer ended well, and so may the agent's side, whatever becomes of the upstream's.
  if (reusable_ && (body_->done() || whole_body_)) co_return head_.keep_alive;
  co_return false;
}

std::string_view Exchange::front() {
  if (whole_body_) {
    head_text_ += *whole_body_;
    sent_ += whole_body_->size();
  }
  return head_text_;
}

void Exchange::wipe_front() {
  wipe_string(head_text_);
  head_text_.clear();
}

Task<Status> Exchange::send(std::string_view bytes) {
  auto sent = send_now(bytes);
  if (!sent) {
    sent = co_await write_rest(*upstream_.stream, bytes);
    upstream_takes_no_more_ = !*sent;
  }
  co_return *std::move(sent);
}

std::optional<Status> Exchange::send_now(std::string_view& bytes) {
  left_ = true;
  if (model_call_) model_call_->sent();
  upstream_.stream->set_deadline(shared_.deadlines.body);
  auto sent = write_now(*upstream_.stream, bytes);
  upstream_takes_no_more_ = sent && !*sent;
  return sent;
}

Task<void> Exchange::send_body() {
  auto sent = co_await pump_body();
  if (sent) {
    body_sent_ = true;
    // The deadline was one for the next piece; from now on the upstream thinks.
    if (status_ == 0) upstream_.stream->set_deadline(shared_.deadlines.response_head);
    co_return;
  }
  const bool malformed = sent.error().code == Code::kMalformed && !sent.error().reason.empty();
  if (sent.error().code == Code::kForbidden || malformed) {
    body_refused_ = std::move(sent.error());
    // What has left so far is not a whole request, and never will be.
    upstream_.stream->abort();
  } else if (upstream_takes_no_more_) {
    // It may have answered before it closed.
    if (!answered_ && !upstream_.stream->timed_out()) upstream_.stream->set_deadline(kLinger);
  } else if (!answered_) {
    upstream_.stream->interrupt();
  }
}

Task<Status> Exchange::pump_body() {
  auto asked = co_await ask_for_body();
  if (!asked) co_return asked;
  auto head_sent = co_await send(front());
  wipe_front();
  if (!head_sent) co_return head_sent;
  const bool chunked = head_.framing.kind == http::BodyFraming::Kind::kChunked;
  scrub::Finder finder(agent_->request_patterns);
  auto buffer = shared_.buffers.take();
  char* const data = buffer.data() + kChunkRoom;
  constexpr std::size_t kRoom = BufferPool::kRoom - kChunkRoom - 2;
  std::size_t held = 0;
  for (bool end = false; !end;) {
    // As in answers: only escapes of a huge secret are held back so long.
    if (held == kRoom) {
      co_return fail(Code::kForbidden, "body_unreadable",
                     "The request's body cannot be looked into.");
    }
    reader_.stream().set_deadline(shared_.deadlines.body);
    const auto got = co_await body_->read(data + held, kRoom - held);
    if (!got) co_return fail(got.error());
    end = *got == 0 || body_->done();
    const auto outcome = finder.scan({data, held + *got}, end);
    if (outcome.finding) {
      co_return fail(agent_->misplaced(outcome.finding->id, "The request's body"));
    }
    std::string rest(data + outcome.ready, held + *got - outcome.ready);
    if (outcome.ready > 0) {
      sent_ += outcome.ready;
      const auto piece =
          chunked ? as_chunk(data, outcome.ready) : std::string_view(data, outcome.ready);
      auto written = co_await send(piece);
      if (!written) co_return written;
    }
    held = rest.size();
    std::memcpy(data, rest.data(), held);
  }
  if (auto good = check_trailers(); !good) co_return good;
  if (chunked) {
    const auto last = last_chunk(body_->trailers(), connection_fields_);
    auto written = co_await send(last);
    if (!written) co_return written;
  }
  co_return Status{};
}

// Nothing is ever put into a trailer, so neither placeholder nor secret may be in one.
Status Exchange::check_trailers() const {
  for (const auto& [name, value] : body_->trailers().all()) {
    auto found = scrub::find_in(*agent_->request_patterns, name);
    if (!found) found = scrub::find_in(*agent_->request_patterns, value);
    if (found) return fail(agent_->misplaced(found->id, "A trailer of the request"));
  }
  return {};
}

void Exchange::on_new_policy() {
  if (holding_ != nullptr) holding_->interrupt();
  const auto next = shared_.agent(id_);
  // Not yet under way, or not under a policy: what follows is decided by the new one anyway.
  if (!upstream_.stream || next == agent_) return;
  const bool goes_on = !websocket_ && next &&
                       next->policy.admits_name(origin_.host, origin_.port) &&
                       next->policy.client_active();
  if (goes_on) return;
  broken_off_ = true;
  upstream_.stream->interrupt();
  reader_.stream().interrupt();
}

void Exchange::end_if_agent_is_gone() {
  // Nobody waits for what a person would allow, not even one that only ended its own half: sent
  // later, it would surprise.
  if (holding_ != nullptr && reader_.stream().ended_by_peer()) return end_hold();
  if (!upstream_.stream || !reader_.stream().reset_by_peer()) return;
  agent_gone_ = true;
  upstream_.stream->interrupt();
  reader_.stream().interrupt();
}

bool Exchange::binds_secret() const {
  for (const auto& credential : agent_->policy.credentials()) {
    for (const auto& host : credential.hosts) {
      if (domain::host_matches(host, origin_.host)) return true;
    }
  }
  return false;
}

}  // namespace deployclaw::egress
