#include "scrub/decoder_engines.hpp"

#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <new>

namespace deployclaw::scrub {
namespace {

using Engine = ContentDecoder::Engine;
using Step = Engine::Step;

constexpr int kZstdMostWindowLog = 23;  // 8 MiB, RFC 9659

std::unexpected<Error> malformed(const char* why) {
  return fail(Code::kMalformed, std::string("content encoding: ") + why);
}

class IdentityEngine final : public Engine {
 public:
  Result<Step> decode(std::string_view in, std::span<char> out) override {
    const std::size_t size = std::min(in.size(), out.size());
    std::copy_n(in.begin(), size, out.begin());
    return Step{.consumed = size, .produced = size};
  }
  [[nodiscard]] bool complete() const override { return true; }
};

// gzip, and deflate in either of its forms (told apart by their first two bytes).
class ZlibEngine final : public Engine {
 public:
  explicit ZlibEngine(bool gzip) : gzip_(gzip) {
    if (gzip_) begin(MAX_WBITS + 16);
  }
  ZlibEngine(const ZlibEngine&) = delete;
  ZlibEngine& operator=(const ZlibEngine&) = delete;
  ~ZlibEngine() override {
    if (begun_) inflateEnd(&stream_);
  }

  Result<Step> decode(std::string_view in, std::span<char> out) override {
    Step step;
    if (!begun_) {
      while (head_size_ < head_.size() && step.consumed < in.size()) {
        head_[head_size_++] = in[step.consumed++];
      }
      if (head_size_ < head_.size()) return step;
      begin(is_zlib_head() ? MAX_WBITS : -MAX_WBITS);
      const auto head = inflate_some({head_.data(), head_.size()}, out);
      if (!head) return head;
      step.produced = head->produced;
      return step;
    }
    if (ended_) {
      if (in.empty()) return step;
      if (!gzip_) return malformed("bytes after the end");
      inflateReset(&stream_);
      ended_ = false;
    }
    return inflate_some(in, out);
  }
  [[nodiscard]] bool complete() const override { return ended_; }

 private:
  void begin(int window_bits) {
    if (inflateInit2(&stream_, window_bits) != Z_OK) throw std::bad_alloc();
    begun_ = true;
  }

  // RFC 1950 §2.2: method 8, window at most 32 KiB, check bits, no preset dictionary.
  [[nodiscard]] bool is_zlib_head() const {
    const unsigned method = static_cast<unsigned char>(head_[0]);
    const unsigned flags = static_cast<unsigned char>(head_[1]);
    return (method & 0x0FU) == 8 && method >> 4 <= 7 && (method * 256 + flags) % 31 == 0 &&
           (flags & 0x20U) == 0;
  }

  Result<Step> inflate_some(std::string_view in, std::span<char> out) {
    constexpr std::size_t kMost = std::numeric_limits<uInt>::max();
    const auto in_size = static_cast<uInt>(std::min(in.size(), kMost));
    const auto out_size = static_cast<uInt>(std::min(out.size(), kMost));
    // zlib does not write to its input; the field is not const for history's sake.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
    stream_.avail_in = in_size;
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = out_size;
    const int result = inflate(&stream_, Z_NO_FLUSH);
    if (result == Z_STREAM_END) {
      ended_ = true;
    } else if (result == Z_MEM_ERROR) {
      throw std::bad_alloc();
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      return malformed("not valid gzip or deflate data");
    }
    return Step{.consumed = in_size - stream_.avail_in, .produced = out_size - stream_.avail_out};
  }

  z_stream stream_{};
  bool gzip_;
  bool begun_ = false;
  bool ended_ = false;
  std::array<char, 2> head_{};
  std::size_t head_size_ = 0;
};

class BrotliEngine final : public Engine {
 public:
  BrotliEngine() : state_(BrotliDecoderCreateInstance(nullptr, nullptr, nullptr)) {
    if (state_ == nullptr) throw std::bad_alloc();
    BrotliDecoderSetParameter(state_, BROTLI_DECODER_PARAM_LARGE_WINDOW, 0);
  }
  BrotliEngine(const BrotliEngine&) = delete;
  BrotliEngine& operator=(const BrotliEngine&) = delete;
  ~BrotliEngine() override { BrotliDecoderDestroyInstance(state_); }

  Result<Step> decode(std::string_view in, std::span<char> out) override {
    if (ended_) {
      if (in.empty()) return Step{};
      return malformed("bytes after the end");
    }
    std::size_t in_left = in.size();
    std::size_t out_left = out.size();
    const auto* next_in = reinterpret_cast<const std::uint8_t*>(in.data());
    auto* next_out = reinterpret_cast<std::uint8_t*>(out.data());
    const auto result =
        BrotliDecoderDecompressStream(state_, &in_left, &next_in, &out_left, &next_out, nullptr);
    if (result == BROTLI_DECODER_RESULT_ERROR) return malformed("not valid brotli data");
    ended_ = result == BROTLI_DECODER_RESULT_SUCCESS;
    return Step{.consumed = in.size() - in_left, .produced = out.size() - out_left};
  }
  [[nodiscard]] bool complete() const override { return ended_; }

 private:
  BrotliDecoderState* state_;
  bool ended_ = false;
};

class ZstdEngine final : public Engine {
 public:
  ZstdEngine() : state_(ZSTD_createDStream()) {
    if (state_ == nullptr) throw std::bad_alloc();
    ZSTD_DCtx_setParameter(state_, ZSTD_d_windowLogMax, kZstdMostWindowLog);
  }
  ZstdEngine(const ZstdEngine&) = delete;
  ZstdEngine& operator=(const ZstdEngine&) = delete;
  ~ZstdEngine() override { ZSTD_freeDStream(state_); }

  Result<Step> decode(std::string_view in, std::span<char> out) override {
    if (between_frames_ && in.empty()) return Step{};
    ZSTD_inBuffer input{.src = in.data(), .size = in.size(), .pos = 0};
    ZSTD_outBuffer output{.dst = out.data(), .size = out.size(), .pos = 0};
    const std::size_t result = ZSTD_decompressStream(state_, &output, &input);
    if (ZSTD_isError(result) != 0) {
      if (ZSTD_getErrorCode(result) == ZSTD_error_frameParameter_windowTooLarge) {
        return fail(Code::kTooLarge, "content encoding: the zstd window is over 8 MiB");
      }
      return malformed("not valid zstd data");
    }
    between_frames_ = result == 0;
    return Step{.consumed = input.pos, .produced = output.pos};
  }
  [[nodiscard]] bool complete() const override { return between_frames_; }

 private:
  ZSTD_DStream* state_;
  bool between_frames_ = true;
};

}  // namespace

std::unique_ptr<ContentDecoder::Engine> make_engine(ContentCoding coding) {
  switch (coding) {
    case ContentCoding::kIdentity:
      return std::make_unique<IdentityEngine>();
    case ContentCoding::kGzip:
      return std::make_unique<ZlibEngine>(true);
    case ContentCoding::kDeflate:
      return std::make_unique<ZlibEngine>(false);
    case ContentCoding::kBrotli:
      return std::make_unique<BrotliEngine>();
    case ContentCoding::kZstd:
      return std::make_unique<ZstdEngine>();
  }
  return std::make_unique<IdentityEngine>();
}

}  // namespace deployclaw::scrub
