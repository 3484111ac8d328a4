#include "scrub/content_decoder.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "scrub/decoder_engines.hpp"

namespace deployclaw::scrub {
namespace {

constexpr std::size_t kPieceBytes = 16 * 1024;

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return result;
}

Result<ContentCoding> coding_named(std::string_view token) {
  const std::string name = lower(token.substr(0, 16));
  if (name.empty() || name == "identity") return ContentCoding::kIdentity;
  if (name == "gzip" || name == "x-gzip") return ContentCoding::kGzip;
  if (name == "deflate") return ContentCoding::kDeflate;
  if (name == "br") return ContentCoding::kBrotli;
  if (name == "zstd") return ContentCoding::kZstd;
  return fail(Code::kUnsupported, "content encoding: unknown coding");
}

}  // namespace

Result<ContentCoding> parse_content_encoding(std::string_view header) {
  ContentCoding found = ContentCoding::kIdentity;
  while (!header.empty()) {
    const auto comma = header.find(',');
    const auto coding = coding_named(trimmed(header.substr(0, comma)));
    if (!coding) return coding;
    header.remove_prefix(comma == std::string_view::npos ? header.size() : comma + 1);
    if (*coding == ContentCoding::kIdentity) continue;
    if (found != ContentCoding::kIdentity) {
      return fail(Code::kUnsupported, "content encoding: more than one coding");
    }
    found = *coding;
  }
  return found;
}

ContentDecoder::ContentDecoder(ContentCoding coding) : engine_(make_engine(coding)) {}
ContentDecoder::~ContentDecoder() = default;
ContentDecoder::ContentDecoder(ContentDecoder&&) noexcept = default;
ContentDecoder& ContentDecoder::operator=(ContentDecoder&&) noexcept = default;

Result<std::size_t> ContentDecoder::feed(std::string_view in, std::string& out,
                                         std::size_t max_out) {
  if (dead_) return fail(error_);
  begun_ = begun_ || !in.empty();
  std::size_t consumed = 0;
  while (out.size() < max_out) {
    const std::size_t before = out.size();
    out.resize(before + std::min(max_out - before, kPieceBytes));
    const auto step = engine_->decode(in.substr(consumed), std::span<char>(out).subspan(before));
    out.resize(before + (step ? step->produced : 0));
    if (!step) {
      dead_ = true;
      error_ = step.error();
      return fail(error_);
    }
    consumed += step->consumed;
    if (step->consumed == 0 && step->produced == 0) break;
  }
  return consumed;
}

Status ContentDecoder::finish() const {
  if (dead_) return fail(error_);
  if (begun_ && !engine_->complete()) return fail(Code::kMalformed, "content encoding: cut short");
  return {};
}

}  // namespace deployclaw::scrub
