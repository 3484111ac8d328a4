#include "egress/stream_reader.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace deployclaw::egress {

namespace {
constexpr std::size_t kReadSize = 16UL * 1024;
using Kind = net::Progress::Kind;
}  // namespace

BufferPool::Buffer BufferPool::take() {
  if (free_.empty()) return {*this, std::make_unique_for_overwrite<char[]>(kRoom)};
  auto bytes = std::move(free_.back());
  free_.pop_back();
  return {*this, std::move(bytes)};
}

void StreamReader::consume(std::size_t count) {
  consumed_ += count;
  if (consumed_ < buffer_.size()) return;
  buffer_.clear();
  consumed_ = 0;
}

Task<Result<std::size_t>> StreamReader::fill() {
  if (consumed_ > 0) {
    buffer_.erase(0, consumed_);
    consumed_ = 0;
  }
  // Room for a full read in every buffer would be allocated and given back for each small head.
  static thread_local std::array<char, kReadSize> room;
  while (true) {
    const net::Progress progress = stream_.read_now(room.data(), room.size());
    if (progress.kind == Kind::kBytes) {
      buffer_.append(room.data(), progress.count);
      co_return progress.count;
    }
    if (progress.kind == Kind::kEnd) co_return std::size_t{0};
    if (progress.kind == Kind::kFailed) co_return fail(stream_.failure());
    // A connection that waits holds no buffer.
    if (buffer_.empty()) std::string().swap(buffer_);
    const bool ready = co_await stream_.wait(progress.kind);
    if (!ready) co_return fail(stream_.failure());
  }
}

Task<bool> StreamReader::wait_for_more() {
  if (!unread().empty()) co_return true;
  const auto filled = co_await fill();
  co_return filled && *filled > 0;
}

Task<Result<std::string>> StreamReader::take_head(std::size_t most) {
  std::size_t from = 0;
  while (true) {
    // Wherever it was split, so the search may have gone past its first byte.
    while (unread().starts_with("\r\n")) {
      consume(2);
      from = 0;
    }
    const auto end = http::find_head_end(unread(), from);
    if (end != std::string_view::npos) {
      if (end > most) break;
      std::string head(unread().substr(0, end));
      consume(end);
      co_return head;
    }
    if (unread().size() > most) break;
    const auto got = co_await fill();
    if (!got) co_return fail(got.error());
    if (*got > 0) continue;
    if (unread().empty()) co_return std::string();
    co_return fail(Code::kMalformed, "the head was cut short");
  }
  co_return fail(Code::kTooLarge, "the head is too large");
}

Task<Result<std::size_t>> StreamReader::read(char* into, std::size_t room) {
  if (const auto have = unread(); !have.empty()) {
    const auto count = std::min(room, have.size());
    std::memcpy(into, have.data(), count);
    consume(count);
    co_return count;
  }
  while (true) {
    const auto progress = stream_.read_now(into, room);
    if (progress.kind == Kind::kBytes) co_return progress.count;
    if (progress.kind == Kind::kEnd) co_return std::size_t{0};
    if (progress.kind == Kind::kFailed) co_return fail(stream_.failure());
    const bool ready = co_await stream_.wait(progress.kind);
    if (!ready) co_return fail(stream_.failure());
  }
}

bool BodyReader::done() const {
  switch (framing_.kind) {
    case http::BodyFraming::Kind::kNone:
      return true;
    case http::BodyFraming::Kind::kLength:
      return left_ == 0;
    case http::BodyFraming::Kind::kChunked:
      return chunks_.done();
    case http::BodyFraming::Kind::kUntilClose:
      return ended_;
  }
  return true;
}

std::optional<std::uint64_t> BodyReader::left() const {
  if (framing_.kind == http::BodyFraming::Kind::kNone) return 0;
  if (framing_.kind == http::BodyFraming::Kind::kLength) return left_;
  return std::nullopt;
}

Task<Result<std::size_t>> BodyReader::read(char* into, std::size_t room) {
  if (done()) co_return std::size_t{0};
  if (framing_.kind == http::BodyFraming::Kind::kChunked) {
    auto got = co_await read_chunked(into, room);
    co_return got;
  }
  const bool by_length = framing_.kind == http::BodyFraming::Kind::kLength;
  const auto most = by_length ? std::min<std::uint64_t>(room, left_) : room;
  const auto got = co_await reader_.read(into, most);
  if (!got) co_return fail(got.error());
  if (*got == 0) {
    // A TLS peer that just hangs up may have been cut off by somebody else.
    if (by_length || reader_.stream().truncated()) {
      co_return fail(Code::kMalformed, "the body was cut short");
    }
    ended_ = true;
    co_return std::size_t{0};
  }
  left_ -= by_length ? *got : 0;
  co_return *got;
}

Task<Result<std::size_t>> BodyReader::read_chunked(char* into, std::size_t room) {
  std::string plain;
  while (true) {
    const auto used = chunks_.feed(reader_.unread(), plain, room);
    if (!used) co_return fail(used.error());
    reader_.consume(*used);
    if (!plain.empty() || chunks_.done()) break;
    const auto got = co_await reader_.fill();
    if (!got) co_return fail(got.error());
    if (*got == 0) co_return fail(Code::kMalformed, "the body was cut short");
  }
  std::memcpy(into, plain.data(), plain.size());
  co_return plain.size();
}

Task<Status> write_rest(net::ByteStream& stream, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto progress = stream.write_now(bytes);
    if (progress.kind == Kind::kBytes) {
      bytes.remove_prefix(progress.count);
      continue;
    }
    if (progress.kind == Kind::kFailed || progress.kind == Kind::kEnd) {
      co_return fail(stream.failure());
    }
    const bool ready = co_await stream.wait(progress.kind);
    if (!ready) co_return fail(stream.failure());
  }
  co_return Status{};
}

}  // namespace deployclaw::egress
