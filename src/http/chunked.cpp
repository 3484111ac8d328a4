#include <algorithm>

#include "http/ascii.hpp"
#include "http/wire.hpp"

namespace deployclaw::http {
namespace {

constexpr std::size_t kMaxTrailerBytes = 8 * 1024;
constexpr std::uint32_t kMaxSizeDigits = 15;  // cannot overflow 64 bits

std::unexpected<Error> refuse(std::string_view why) {
  return fail(Code::kMalformed, "malformed_request", "The chunked body " + std::string(why) + ".");
}

}  // namespace

Status ChunkedDecoder::end_trailers() {
  if (trailer_section_.empty()) return {};
  trailer_section_ += "\r\n";
  auto parsed = parse_trailers(trailer_section_);
  if (!parsed) return fail(parsed.error());
  trailers_ = std::move(*parsed);
  std::string().swap(trailer_section_);
  return {};
}

Result<std::size_t> ChunkedDecoder::feed(std::string_view in, std::string& out,
                                         std::size_t max_out) {
  std::size_t at = 0;
  while (at < in.size() && state_ != State::kDone) {
    const char c = in[at];
    switch (state_) {
      case State::kSize: {
        const int digit = hex_value(c);
        if (digit >= 0) {
          if (++digits_ > kMaxSizeDigits) return refuse("has a chunk that is too large");
          remaining_ = remaining_ * 16 + static_cast<std::uint64_t>(digit);
        } else if (c == '\r' && digits_ > 0) {
          state_ = State::kSizeLf;
        } else {
          return refuse("has a bad chunk size or a chunk extension");
        }
        ++at;
        break;
      }
      case State::kSizeLf:
        if (c != '\n') return refuse("has a bare CR");
        ++at;
        digits_ = 0;
        state_ = remaining_ == 0 ? State::kTrailerStart : State::kData;
        break;
      case State::kData: {
        if (out.size() >= max_out) return at;
        const std::uint64_t take =
            std::min<std::uint64_t>({remaining_, in.size() - at, max_out - out.size()});
        out.append(in.substr(at, static_cast<std::size_t>(take)));
        at += static_cast<std::size_t>(take);
        remaining_ -= take;
        if (remaining_ == 0) state_ = State::kDataCr;
        break;
      }
      case State::kDataCr:
        if (c != '\r') return refuse("has a chunk longer than its size");
        ++at;
        state_ = State::kDataLf;
        break;
      case State::kDataLf:
        if (c != '\n') return refuse("has a bare CR");
        ++at;
        state_ = State::kSize;
        break;
      case State::kTrailerStart:
        if (c == '\r') {
          state_ = State::kEndLf;
          ++at;
          break;
        }
        state_ = State::kTrailer;
        [[fallthrough]];
      case State::kTrailer:
        if (c == '\n') return refuse("has a bare LF");
        if (trailer_section_.size() >= kMaxTrailerBytes) {
          return refuse("has trailers that are too large");
        }
        trailer_section_ += c;
        if (c == '\r') state_ = State::kTrailerLf;
        ++at;
        break;
      case State::kTrailerLf:
        if (c != '\n') return refuse("has a bare CR");
        trailer_section_ += c;
        ++at;
        state_ = State::kTrailerStart;
        break;
      case State::kEndLf:
        if (c != '\n') return refuse("has a bare CR");
        if (auto good = end_trailers(); !good) return fail(good.error());
        ++at;
        state_ = State::kDone;
        break;
      case State::kDone:
        break;
    }
  }
  return at;
}

}  // namespace deployclaw::http
