#include "api/web/accept_encoding.hpp"

#include <brotli/encode.h>
#include <zlib.h>

#include <optional>
#include <stdexcept>

#include "http/ascii.hpp"

namespace deployclaw::api::web {
namespace {

// True when the parameters say q=0 (also "0.0", "0.000").
bool is_refused(std::string_view parameters) {
  const auto q = parameters.find('=');
  if (q == std::string_view::npos) return false;
  const auto name = http::trim_ows(parameters.substr(0, q));
  const auto value = http::trim_ows(parameters.substr(q + 1));
  if (!http::equals_ignoring_case(name, "q")) return false;
  return value.starts_with('0') && value.find_first_not_of("0.") == std::string_view::npos;
}

std::string gzip(std::string_view data) {
  z_stream stream{};
  constexpr int kGzipWindow = 15 + 16;
  if (deflateInit2(&stream, 9, Z_DEFLATED, kGzipWindow, 9, Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::runtime_error("zlib does not start");
  }
  std::string out(deflateBound(&stream, data.size()), '\0');
  // zlib does not write to its input; its interface is older than const.
  stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int ended = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  if (ended != Z_STREAM_END) throw std::runtime_error("zlib does not finish");
  return out;
}

std::string brotli(std::string_view data) {
  constexpr int kQuality = 9;  // 11 takes ten times as long; the build does that
  std::size_t size = BrotliEncoderMaxCompressedSize(data.size());
  std::string out(size, '\0');
  const auto done = BrotliEncoderCompress(
      kQuality, BROTLI_DEFAULT_WINDOW, BROTLI_MODE_TEXT, data.size(),
      reinterpret_cast<const uint8_t*>(data.data()), &size, reinterpret_cast<uint8_t*>(out.data()));
  if (done == BROTLI_FALSE) throw std::runtime_error("brotli does not finish");
  out.resize(size);
  return out;
}

}  // namespace

Coding choose_coding(std::string_view accept_encoding, unsigned has) {
  std::optional<bool> takes_br;
  std::optional<bool> takes_gzip;
  std::optional<bool> takes_any;
  while (!accept_encoding.empty()) {
    const auto comma = accept_encoding.find(',');
    const auto item = accept_encoding.substr(0, comma);
    accept_encoding =
        comma == std::string_view::npos ? std::string_view{} : accept_encoding.substr(comma + 1);
    const auto semicolon = item.find(';');
    const auto name = http::trim_ows(item.substr(0, semicolon));
    const bool taken =
        semicolon == std::string_view::npos || !is_refused(item.substr(semicolon + 1));
    if (http::equals_ignoring_case(name, "br")) takes_br = taken;
    if (http::equals_ignoring_case(name, "gzip")) takes_gzip = taken;
    if (name == "*") takes_any = taken;
  }
  const auto offers = [has](Coding coding) {
    return (has & (1U << static_cast<unsigned>(coding))) != 0;
  };
  const bool any = takes_any.value_or(false);
  if (offers(Coding::kBrotli) && takes_br.value_or(any)) return Coding::kBrotli;
  if (offers(Coding::kGzip) && takes_gzip.value_or(any)) return Coding::kGzip;
  return Coding::kIdentity;
}

std::string compress(std::string_view data, Coding coding) {
  switch (coding) {
    case Coding::kGzip:
      return gzip(data);
    case Coding::kBrotli:
      return brotli(data);
    case Coding::kIdentity:
      break;
  }
  return std::string(data);
}

}  // namespace deployclaw::api::web
