#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/wire.hpp"
#include "net/byte_stream.hpp"

namespace deployclaw::egress {

// Buffers for bodies on their way through, used again and again. One thread.
class BufferPool {
 public:
  static constexpr std::size_t kRoom = 64UL * 1024;
  class Buffer {
   public:
    Buffer(BufferPool& pool, std::unique_ptr<char[]> bytes)
        : pool_(pool), bytes_(std::move(bytes)) {}
    ~Buffer() { pool_.free_.push_back(std::move(bytes_)); }
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    [[nodiscard]] char* data() const { return bytes_.get(); }

   private:
    BufferPool& pool_;
    std::unique_ptr<char[]> bytes_;
  };
  Buffer take();
  // Frees those that are not in use.
  void give_back() { free_.clear(); }

 private:
  std::vector<std::unique_ptr<char[]>> free_;
};

// What has been read from a stream and not been used yet. Holds no memory while there is nothing.
class StreamReader {
 public:
  explicit StreamReader(net::ByteStream& stream) : stream_(stream) {}

  [[nodiscard]] std::string_view unread() const {
    return std::string_view(buffer_).substr(consumed_);
  }
  // What unread() showed stays where it is until more is read.
  void consume(std::size_t count);
  // Adds the bytes that are there now, without waiting.
  net::Progress fill_now();
  // Waits for more bytes and adds them. 0 at the end of the stream.
  Task<Result<std::size_t>> fill();
  // Waits for the first byte of something new, without holding memory. False at the end or on
  // failure.
  Task<bool> wait_for_more();
  // Waits for a whole head and takes it, blank line included. Empty lines before it are skipped.
  // "" at a clean end; kTooLarge above `most` bytes, kMalformed when it is cut short. The view
  // holds until more is read.
  Task<Result<std::string_view>> take_head(std::size_t most);
  // The same without waiting: nullopt when the whole head has not been read yet.
  std::optional<Result<std::string_view>> take_head_now(std::size_t most);
  // Up to `room` bytes: those that are there, else what comes next. 0 at the end.
  Task<Result<std::size_t>> read(char* into, std::size_t room);

  [[nodiscard]] net::ByteStream& stream() { return stream_; }

 private:
  net::ByteStream& stream_;
  std::string buffer_;
  std::size_t consumed_ = 0;
  std::size_t searched_ = 0;  // so much of unread() holds no end of a head
};

// The body of one message, whatever its framing, as plain bytes.
class BodyReader {
 public:
  BodyReader(StreamReader& reader, const http::BodyFraming& framing)
      : reader_(reader), framing_(framing), left_(framing.length) {}

  // The next bytes, at least one, as soon as there are any; 0 at the end of the body. kMalformed
  // when it is cut short or its chunks are not well-formed.
  Task<Result<std::size_t>> read(char* into, std::size_t room);
  // The same of what the reader holds already: nullopt when that is not enough.
  std::optional<Result<std::size_t>> read_now(char* into, std::size_t room);
  // The end has been seen (without waiting for it).
  [[nodiscard]] bool done() const;
  // Of a chunked body; complete once done().
  [[nodiscard]] const http::Headers& trailers() const { return chunks_.trailers(); }
  // Bytes of the body that are known to be still to come; nullopt when only its end will tell.
  [[nodiscard]] std::optional<std::uint64_t> left() const;

 private:
  std::optional<Result<std::size_t>> read_chunked_now(char* into, std::size_t room);
  Task<Result<std::size_t>> read_chunked(char* into, std::size_t room);

  StreamReader& reader_;
  const http::BodyFraming framing_;
  std::uint64_t left_;
  http::ChunkedDecoder chunks_;
  bool ended_ = false;
};

// Writes all of it. What `bytes` shows must outlive the call.
Task<Status> write_rest(net::ByteStream& stream, std::string_view bytes);
// Writes what goes now, and takes it off `bytes`: nullopt when write_rest() has to wait for the
// others. Most of what is sent goes at once, and then costs no coroutine.
std::optional<Status> write_now(net::ByteStream& stream, std::string_view& bytes);

}  // namespace deployclaw::egress
