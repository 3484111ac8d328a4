#include "egress/answer_body.hpp"

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
  // Nearly always nothing, which is told without a stream.
  if (!scrub::find_in(*patterns, text)) return false;
  scrub::Scrubber scrubber(patterns);
  scrubber.scrub(text.data(), text.size(), true);
  hits.insert(hits.end(), scrubber.hits().begin(), scrubber.hits().end());
  return true;
}

}  // namespace

http::Headers scrubbed(const http::Headers& fields,
                       const std::shared_ptr<const scrub::PatternSet>& patterns,
                       std::vector<scrub::Hit>& hits) {
  if (patterns->empty()) return fields;
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
      data_(buffer_.data() + kChunkRoom) {}

Task<Status> AnswerBody::carry(std::string front) {
  front_ = std::move(front);
  bool last = body_.done() && !decoder_;
  std::size_t fresh = 0;
  while (true) {
    if (!last) {
      auto taken = decoder_ ? take_decoded() : take();
      const auto got = co_await std::move(taken);
      if (!got) co_return fail(got.error());
      fresh = *got;
      last = fresh == 0 || (!decoder_ && body_.done());
    }
    auto given = co_await give(fresh, last);
    if (!given || last || (meter_ != nullptr && meter_->was_cut())) co_return given;
  }
}

Task<Result<std::size_t>> AnswerBody::take() {
  // The head does not wait for a body that has not come yet.
  if (!front_.empty() && upstream_.unread().empty()) {
    const auto sent = co_await send(front_);
    if (!sent) co_return fail(sent.error());
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

Task<Status> AnswerBody::give(std::size_t fresh, bool last) {
  const std::size_t ready = scrubber_.scrub(data_, held_ + fresh, last);
  // The chunk's end will be written over what is held back.
  const std::string rest(data_ + ready, held_ + fresh - ready);
  std::string_view piece(data_, ready);
  std::string metered;
  if (meter_ != nullptr) {
    last = !meter(piece, last, metered) || last;
    piece = metered;
  } else if (chunked_ && ready > 0) {
    piece = as_chunk(data_, ready);
  }
  const bool ends = chunked_ && last;
  if (!front_.empty() || ends) {
    front_ += piece;
    if (ends)
      front_ += last_chunk(scrubbed(body_.trailers(), patterns_, trailer_hits_), head_.headers);
    piece = front_;
  }
  if (!piece.empty()) {
    auto sent = co_await send(piece);
    if (!sent) co_return sent;
  }
  front_.clear();
  std::memcpy(data_, rest.data(), rest.size());
  held_ = rest.size();
  co_return Status{};
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

Task<Status> AnswerBody::send(std::string_view bytes) {
  begun_ = true;
  agent_.set_deadline(shared_.deadlines.response_body);
  auto sent = co_await write_rest(agent_, bytes);
  co_return sent;
}

}  // namespace deployclaw::egress
