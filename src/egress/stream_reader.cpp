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
  searched_ = 0;
}

net::Progress StreamReader::fill_now() {
  if (consumed_ > 0) {
    buffer_.erase(0, consumed_);
    consumed_ = 0;
  }
  // Room for a full read in every buffer would be allocated and given back for each small head.
  static thread_local std::array<char, kReadSize> room;
  const net::Progress progress = stream_.read_now(room.data(), room.size());
  if (progress.kind == Kind::kBytes) {
    buffer_.append(room.data(), progress.count);
  } else if (buffer_.empty()) {
    std::string().swap(buffer_);  // a connection that waits holds no buffer
  }
  return progress;
}

Task<Result<std::size_t>> StreamReader::fill() {
  while (true) {
    const auto progress = fill_now();
    if (progress.kind == Kind::kBytes) co_return progress.count;
    if (progress.kind == Kind::kEnd) co_return std::size_t{0};
    if (progress.kind == Kind::kFailed) co_return fail(stream_.failure());
    const bool ready = co_await stream_.wait(progress.kind);
    if (!ready) co_return fail(stream_.failure());
  }
}

Task<bool> StreamReader::wait_for_more() {
  while (unread().empty()) {
    const auto progress = fill_now();
    if (progress.kind == Kind::kBytes) break;
    if (!net::must_wait(progress.kind)) co_return false;
    const bool ready = co_await stream_.wait(progress.kind);
    if (!ready) co_return false;
  }
  co_return true;
}

std::optional<Result<std::string_view>> StreamReader::take_head_now(std::size_t most) {
  // Wherever it was split, so the search may have gone past its first byte.
  while (unread().starts_with("\r\n")) consume(2);
  const auto end = http::find_head_end(unread(), searched_);
  const bool found = end != std::string_view::npos;
  if ((found ? end : unread().size()) > most) {
    return fail(Code::kTooLarge, "the head is too large");
  }
  if (!found) return std::nullopt;
  const auto head = unread().substr(0, end);
  consume(end);
  return head;
}

Task<Result<std::string_view>> StreamReader::take_head(std::size_t most) {
  while (true) {
    if (auto head = take_head_now(most)) co_return *std::move(head);
    const auto progress = fill_now();
    if (progress.kind == Kind::kBytes) continue;
    if (progress.kind == Kind::kFailed) co_return fail(stream_.failure());
    if (progress.kind == Kind::kEnd) {
      if (unread().empty()) co_return std::string_view();
      co_return fail(Code::kMalformed, "the head was cut short");
    }
    const bool ready = co_await stream_.wait(progress.kind);
    if (!ready) co_return fail(stream_.failure());
  }
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

std::optional<Result<std::size_t>> BodyReader::read_now(char* into, std::size_t room) {
  if (done()) return std::size_t{0};
  if (framing_.kind == http::BodyFraming::Kind::kChunked) return read_chunked_now(into, room);
  const auto have = reader_.unread();
  if (have.empty()) return std::nullopt;
  const bool by_length = framing_.kind == http::BodyFraming::Kind::kLength;
  const auto most = by_length ? std::min<std::uint64_t>(room, left_) : room;
  const auto count = std::min<std::uint64_t>(most, have.size());
  std::memcpy(into, have.data(), count);
  reader_.consume(count);
  left_ -= by_length ? count : 0;
  return count;
}

Task<Result<std::size_t>> BodyReader::read(char* into, std::size_t room) {
  if (auto got = read_now(into, room)) co_return *std::move(got);
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

std::optional<Result<std::size_t>> BodyReader::read_chunked_now(char* into, std::size_t room) {
  std::string plain;
  const auto used = chunks_.feed(reader_.unread(), plain, room);
  if (!used) return fail(used.error());
  reader_.consume(*used);
  if (plain.empty() && !chunks_.done()) return std::nullopt;
  std::memcpy(into, plain.data(), plain.size());
  return plain.size();
}

Task<Result<std::size_t>> BodyReader::read_chunked(char* into, std::size_t room) {
  while (true) {
    const auto got = co_await reader_.fill();
    if (!got) co_return fail(got.error());
    if (*got == 0) co_return fail(Code::kMalformed, "the body was cut short");
    if (auto read = read_chunked_now(into, room)) co_return *std::move(read);
  }
}

std::optional<Status> write_now(net::ByteStream& stream, std::string_view& bytes) {
  while (!bytes.empty()) {
    const auto progress = stream.write_now(bytes);
    if (net::must_wait(progress.kind)) return std::nullopt;
    if (progress.kind != Kind::kBytes) return fail(stream.failure());
    bytes.remove_prefix(progress.count);
  }
  return Status{};
}

Task<Status> write_rest(net::ByteStream& stream, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto progress = stream.write_now(bytes);
    if (progress.kind == Kind::kBytes) {
      bytes.remove_prefix(progress.count);
      continue;
    }
    if (!net::must_wait(progress.kind)) co_return fail(stream.failure());
    const bool ready = co_await stream.wait(progress.kind);
    if (!ready) co_return fail(stream.failure());
  }
  co_return Status{};
}

}  // namespace deployclaw::egress
