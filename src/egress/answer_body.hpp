#pragma once

#include <functional>
#include <optional>
#include <string>

#include "egress/worker_shared.hpp"
#include "http/wire.hpp"
#include "scrub/content_decoder.hpp"
#include "scrub/scrubber.hpp"

namespace deployclaw::egress {

// A chunk's head fits in front of its data.
inline constexpr std::size_t kChunkRoom = 18;
// And before that the head of most answers.
inline constexpr std::size_t kFrontRoom = 2048;
// Makes data[0, size) one chunk in place: its head before it (kChunkRoom bytes must be there), CRLF
// behind it (2 bytes).
std::string_view as_chunk(char* data, std::size_t size);

// An upstream that did not answer as it should; `detail` is for the agent's developer too.
Error broken(std::string detail);

// `fields` with secrets turned back; one whose name holds a secret is left out. What is found is
// added to `hits`.
http::Headers scrubbed(http::Headers fields,
                       const std::shared_ptr<const scrub::PatternSet>& patterns,
                       std::vector<scrub::Hit>& hits);

// Carries the body of an upstream's answer to the agent: decoded where it has to be, secrets turned
// back into placeholders, every byte passed on as soon as it cannot be part of a secret. Trailers
// go along where the agent gets chunks.
class AnswerBody {
 public:
  // `decoder` set: the body is decoded on the way. `chunked`: how it goes to the agent. `head` must
  // outlive this.
  AnswerBody(WorkerShared& shared, StreamReader& upstream, net::ByteStream& agent,
             const http::ResponseHead& head, std::shared_ptr<const scrub::PatternSet> patterns,
             std::optional<scrub::ContentDecoder> decoder, bool chunked);

  // The bytes go through the meter of a model call, which may end them; it must outlive this.
  // `counted` is called whenever it has seen some.
  void count_with(models::AnswerMeter& meter, std::function<void()> counted) {
    meter_ = &meter;
    counted_ = std::move(counted);
  }

  // `front`, the head, goes out together with the first bytes if they are there already. On an
  // error the agent may have got a part; begun() tells whether it got anything.
  Task<Status> carry(std::string front);

  [[nodiscard]] bool begun() const { return begun_; }
  [[nodiscard]] std::uint64_t received() const { return received_; }
  [[nodiscard]] const std::vector<scrub::Hit>& hits() const { return scrubber_.hits(); }
  [[nodiscard]] const std::vector<scrub::Hit>& trailer_hits() const { return trailer_hits_; }

 private:
  // All put fresh bytes behind the held ones; 0 means that there will be no more.
  std::optional<Result<std::size_t>> take_now();  // nullopt: it has to wait
  Task<Result<std::size_t>> take();
  Task<Result<std::size_t>> take_decoded();
  // What the agent gets of them; it holds until keep_held().
  std::string_view prepare(std::size_t fresh, bool last);
  void keep_held();
  std::optional<Status> send_now(std::string_view& bytes);
  bool meter(std::string_view bytes, bool last, std::string& metered);
  [[nodiscard]] std::string_view behind_front(std::string_view piece);
  [[nodiscard]] std::size_t room() const {
    return BufferPool::kRoom - kFrontRoom - kChunkRoom - 2 - held_;
  }

  WorkerShared& shared_;
  StreamReader& upstream_;
  net::ByteStream& agent_;
  const http::ResponseHead& head_;
  BodyReader body_;
  const std::shared_ptr<const scrub::PatternSet> patterns_;
  scrub::Scrubber scrubber_;
  std::vector<scrub::Hit> trailer_hits_;
  std::optional<scrub::ContentDecoder> decoder_;
  const bool chunked_;
  BufferPool::Buffer buffer_;
  char* const data_;
  std::size_t held_ = 0;  // bytes at data_ that may be the beginning of a secret
  std::string rest_;      // those, while what is before them is on its way
  std::string metered_;   // what the meter lets through
  std::string coded_;     // not yet decoded
  bool coded_ended_ = false;
  std::string front_;
  models::AnswerMeter* meter_ = nullptr;
  std::function<void()> counted_;
  std::uint64_t received_ = 0;
  bool begun_ = false;
};

}  // namespace deployclaw::egress
