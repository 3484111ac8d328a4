#include "egress/answer_body.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "egress/forward_head.hpp"
#include "scrub/finder.hpp"

namespace deployclaw::egress {

Error broken(std::string detail) {
  return {.code = Code::kUnavailable,
          .message = detail,
          .reason = "upstream_failed",
          .public_detail = std::move(detail)};
}

std::string_view as_chunk(char* data, std::size_t size) {
  char digits[kChunkRoom];
  const int length = std::snprintf(digits, sizeof digits, "%zx\r\n", size);
  std::memcpy(data - length, digits, static_cast<std::size_t>(length));
  std::memcpy(data + size, "\r\n", 2);
  return {data - length, static_cast<std::size_t>(length) + size + 2};
}

namespace {

// Scrubs one whole text in place; true when something was found.
bool scrub_text(const std::shared_ptr<const scrub::PatternSet>& patterns, std::string& text,
                std::vector<scrub::Hit>& hits) {
  if (!scrub::find_in(*patterns, text)) return false;
  scrub::Scrubber scrubber(patterns);
  scrubber.scrub(text.data(), text.size(), true);
  hits.insert(hits.end(), scrubber.hits().begin(), scrubber.hits().end());
  return true;
}

}  // namespace

http::Headers scrubbed(http::Headers fields,
                       const std::shared_ptr<const scrub::PatternSet>& patterns,
                       std::vector<scrub::Hit>& hits) {
  const auto holds_secret = [&patterns](const auto& field) {
    return scrub::find_in(*patterns, field.first) || scrub::find_in(*patterns, field.second);
  };
  if (patterns->empty() || std::ranges::none_of(fields.all(), holds_secret)) return fields;
  http::Headers clean;
  for (const auto& [name, value] : fields.all()) {
    std::string own_name = name;
    std::string own_value = value;
    scrub_text(patterns, own_value, hits);
    // A placeholder may have characters that a name may not.
    if (scrub_text(patterns, own_name, hits)) continue;
    clean.add(std::move(own_name), std::move(own_value));
  }
  return clean;
}

AnswerBody::AnswerBody(WorkerShared& shared, StreamReader& upstream, net::ByteStream& agent,
                       const http::ResponseHead& head,
                       std::shared_ptr<const scrub::PatternSet> patterns,
                       std::optional<scrub::ContentDecoder> decoder, bool chunked)
    : shared_(shared),
      upstream_(upstream),
      agent_(agent),
      head_(head),
      body_(upstream, head.framing),
      patterns_(std::move(patterns)),
      scrubber_(patterns_),
      decoder_(std::move(decoder)),
      chunked_(chunked),
      buffer_(shared.buffers.take()),
      data_(buffer_.data() + kFrontRoom + kChunkRoom) {}

Task<Status> AnswerBody::carry(std::string front) {
  front_ = std::move(front);
  bool last = body_.done() && !decoder_;
  std::size_t fresh = 0;
  while (true) {
    if (!last) {
      auto got = take_now();
      if (!got) {
        auto taken = decoder_ ? take_decoded() : take();
        got = co_await std::move(taken);
      }
      if (!*got) co_return fail(std::move(got->error()));
      fresh = **got;
      last = fresh == 0 || (!decoder_ && body_.done());
    }
    auto piece = prepare(fresh, last);
    auto sent = send_now(piece);
    if (!sent) sent = co_await write_rest(agent_, piece);
    if (!*sent) co_return *std::move(sent);
    keep_held();
    if (last || (meter_ != nullptr && meter_->was_cut())) co_return Status{};
  }
}

// Of a small answer all has come with its head.
std::optional<Result<std::size_t>> AnswerBody::take_now() {
  if (decoder_ || upstream_.unread().empty() || room() == 0) return std::nullopt;
  auto got = body_.read_now(data_ + held_, room());
  if (!got) return std::nullopt;
  if (!*got) return fail(broken("The upstream's answer was cut short."));
  received_ += **got;
  return got;
}

Task<Result<std::size_t>> AnswerBody::take() {
  // The head does not wait for a body that has not come yet.
  if (!front_.empty() && upstream_.unread().empty()) {
    std::string_view head = front_;
    auto sent = send_now(head);
    if (!sent) sent = co_await write_rest(agent_, head);
    if (!*sent) co_return fail(std::move(sent->error()));
    front_.clear();
  }
  // Only escapes of a huge secret, one inside another, are held back so long; an answer is not cut
  // short for them as if that were its end.
  if (room() == 0) co_return fail(broken("The upstream's answer cannot be looked into."));
  upstream_.stream().set_deadline(shared_.deadlines.response_body);
  const auto got = co_await body_.read(data_ + held_, room());
  if (!got) co_return fail(broken("The upstream's answer was cut short."));
  received_ += *got;
  co_return *got;
}

Task<Result<std::size_t>> AnswerBody::take_decoded() {
  std::string plain;
  while (true) {
    const auto used = decoder_->feed(coded_, plain, room());
    if (!used) co_return fail(broken("The upstream's coded answer is not well-formed."));
    coded_.erase(0, *used);
    if (!plain.empty()) break;
    if (coded_ended_) {
      if (!decoder_->finish()) co_return fail(broken("The upstream's coded answer was cut short."));
      co_return std::size_t{0};
    }
    const auto got = co_await take();
    if (!got) co_return fail(got.error());
    coded_.append(data_ + held_, *got);
    coded_ended_ = *got == 0 || body_.done();
  }
  std::memcpy(data_ + held_, plain.data(), plain.size());
  co_return plain.size();
}

std::string_view AnswerBody::prepare(std::size_t fresh, bool last) {
  const std::size_t ready = scrubber_.scrub(data_, held_ + fresh, last);
  // The chunk's end will be written over what is held back.
  rest_.assign(data_ + ready, held_ + fresh - ready);
  std::string_view piece(data_, ready);
  if (meter_ != nullptr) {
    metered_.clear();
    last = !meter(piece, last, metered_) || last;
    piece = metered_;
  } else if (chunked_ && ready > 0) {
    piece = as_chunk(data_, ready);
  }
  if (chunked_ && last) {
    front_ += piece;
    front_ += last_chunk(scrubbed(body_.trailers(), patterns_, trailer_hits_), head_.headers);
    return front_;
  }
  return front_.empty() ? piece : behind_front(piece);
}

// Both as one, so that they go in one write. `piece` is at data_ mostly, with room in front of it.
std::string_view AnswerBody::behind_front(std::string_view piece) {
  const bool fits = meter_ == nullptr && front_.size() <= kFrontRoom;
  if (!fits) {
    front_ += piece;
    return front_;
  }
  char* const begin = data_ + (piece.data() - data_) - front_.size();
  std::memcpy(begin, front_.data(), front_.size());
  return {begin, front_.size() + piece.size()};
}

void AnswerBody::keep_held() {
  front_.clear();
  std::memcpy(data_, rest_.data(), rest_.size());
  held_ = rest_.size();
}

// What the agent gets of the bytes, as a chunk where it gets chunks. False: that was the end.
bool AnswerBody::meter(std::string_view bytes, bool last, std::string& metered) {
  std::string plain;
  const bool goes_on = meter_->take(bytes, last, plain);
  counted_();
  if (!chunked_) {
    metered = std::move(plain);
  } else if (!plain.empty()) {
    http::append_chunk(metered, plain);
  }
  return goes_on;
}

std::optional<Status> AnswerBody::send_now(std::string_view& bytes) {
  if (bytes.empty()) return Status{};
  begun_ = true;
  agent_.set_deadline(shared_.deadlines.response_body);
  return write_now(agent_, bytes);
}

}  // namespace deployclaw::egress
