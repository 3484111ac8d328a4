#include "scrub/content_decoder.hpp"

#include <brotli/encode.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include <functional>
#include <random>

namespace deployclaw::scrub {
namespace {

std::string zlib_compress(std::string_view plain, int window_bits) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, plain.size()) + 32, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string brotli_compress(std::string_view plain) {
  std::size_t size = BrotliEncoderMaxCompressedSize(plain.size()) + 64;
  std::string out(size, '\0');
  EXPECT_TRUE(BrotliEncoderCompress(5, 22, BROTLI_MODE_TEXT, plain.size(),
                                    reinterpret_cast<const std::uint8_t*>(plain.data()), &size,
                                    reinterpret_cast<std::uint8_t*>(out.data())));
  out.resize(size);
  return out;
}

std::string zstd_compress(std::string_view plain, int window_log = 0) {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  if (window_log != 0) ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window_log);
  ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
  std::string out(ZSTD_compressBound(plain.size()) + 64, '\0');
  // Streamed, so that the window is not cut to the content's size.
  ZSTD_inBuffer input{plain.data(), plain.size(), 0};
  ZSTD_outBuffer output{out.data(), out.size(), 0};
  ZSTD_compressStream2(context, &output, &input, ZSTD_e_continue);
  EXPECT_EQ(ZSTD_compressStream2(context, &output, &input, ZSTD_e_end), 0U);
  out.resize(output.pos);
  ZSTD_freeCCtx(context);
  return out;
}

struct Case {
  const char* name;
  ContentCoding coding;
  std::function<std::string(std::string_view)> compress;
};
const Case kCases[] = {
    {"gzip", ContentCoding::kGzip, [](std::string_view p) { return zlib_compress(p, 15 + 16); }},
    {"zlib", ContentCoding::kDeflate, [](std::string_view p) { return zlib_compress(p, 15); }},
    {"raw", ContentCoding::kDeflate, [](std::string_view p) { return zlib_compress(p, -15); }},
    {"br", ContentCoding::kBrotli, brotli_compress},
    {"zstd", ContentCoding::kZstd, [](std::string_view p) { return zstd_compress(p); }},
    {"identity", ContentCoding::kIdentity, [](std::string_view p) { return std::string(p); }},
};

struct Decoded {
  Status status;
  std::string plain;
};

Decoded decode(ContentCoding coding, std::string_view in, std::size_t step, std::size_t room) {
  ContentDecoder decoder(coding);
  Decoded result;
  for (;;) {
    std::string out;
    const auto piece = in.substr(0, step);
    const auto used = decoder.feed(piece, out, room);
    EXPECT_LE(out.size(), room);
    result.plain += out;
    if (!used) {
      result.status = fail(used.error());
      return result;
    }
    in.remove_prefix(*used);
    if (in.empty() && out.size() < room) break;
  }
  result.status = decoder.finish();
  return result;
}

std::string sample_text(std::uint32_t seed, std::size_t size) {
  std::mt19937 random(seed);
  std::string text;
  while (text.size() < size) {
    text += random() % 4 == 0 ? static_cast<char>(random()) : "the quick brown"[random() % 15];
  }
  return text;
}

RC_GTEST_PROP(ContentDecoderProperty, RoundTripsAtAnySplitAndRoom, (std::uint32_t seed)) {
  std::mt19937 random(seed);
  const auto text = sample_text(seed, random() % 20000);
  for (const Case& one : kCases) {
    const auto got =
        decode(one.coding, one.compress(text), 1 + random() % 300, 1 + random() % 2000);
    RC_ASSERT(got.status.has_value());
    RC_ASSERT(got.plain == text);
  }
}

TEST(ContentDecoder, RefusesEveryCut) {
  const auto text = sample_text(3, 300);
  for (const Case& one : kCases) {
    if (one.coding == ContentCoding::kIdentity) continue;
    const auto data = one.compress(text);
    for (std::size_t size = 1; size < data.size(); ++size) {
      const auto got = decode(one.coding, data.substr(0, size), 64, 4096);
      EXPECT_FALSE(got.status) << one.name << " cut to " << size;
      EXPECT_TRUE(text.starts_with(got.plain)) << one.name;
    }
    EXPECT_TRUE(decode(one.coding, data, 64, 4096).status) << one.name;
    EXPECT_TRUE(decode(one.coding, "", 64, 4096).status) << one.name << ": no body at all";
  }
}

TEST(ContentDecoder, RefusesWhatFollowsTheEnd) {
  for (const Case& one : kCases) {
    if (one.coding == ContentCoding::kIdentity) continue;
    const auto data = one.compress("some text, some text");
    for (const std::size_t step : {std::size_t{1}, data.size(), data.size() + 9}) {
      const auto got = decode(one.coding, data + "garbage!", step, 4096);
      ASSERT_FALSE(got.status) << one.name;
      EXPECT_EQ(got.status.error().code, Code::kMalformed) << one.name;
    }
  }
}

TEST(ContentDecoder, ReadsSeveralGzipMembersAndZstdFrames) {
  for (const Case& one : {kCases[0], kCases[4]}) {
    const auto data = one.compress("first ") + one.compress("") + one.compress("second");
    for (const std::size_t step : {1U, 7U, 1000U}) {
      const auto got = decode(one.coding, data, step, 3);
      EXPECT_TRUE(got.status) << one.name;
      EXPECT_EQ(got.plain, "first second");
    }
  }
}

TEST(ContentDecoder, BoundsTheZstdWindow) {
  const auto text = sample_text(5, 1000);
  EXPECT_TRUE(decode(ContentCoding::kZstd, zstd_compress(text, 23), 64, 4096).status);
  const auto got = decode(ContentCoding::kZstd, zstd_compress(text, 24), 64, 4096);
  ASSERT_FALSE(got.status);
  EXPECT_EQ(got.status.error().code, Code::kTooLarge);
}

TEST(ContentDecoder, GivesABombOutPieceByPiece) {
  const auto data = zlib_compress(std::string(8 << 20, '\0'), 31);
  ContentDecoder decoder(ContentCoding::kGzip);
  std::string out;
  const auto used = decoder.feed(data, out, 1000);
  ASSERT_TRUE(used);
  EXPECT_EQ(out.size(), 1000U);
  EXPECT_LT(*used, data.size());
}

TEST(ContentDecoder, StaysDeadAfterAnError) {
  ContentDecoder decoder(ContentCoding::kGzip);
  std::string out;
  EXPECT_FALSE(decoder.feed("this is no gzip", out, 100));
  EXPECT_FALSE(decoder.feed(zlib_compress("good", 31), out, 100));
  EXPECT_FALSE(decoder.finish());
}

TEST(ContentEncoding, ReadsOneCodingAndRefusesTheRest) {
  EXPECT_EQ(parse_content_encoding(""), ContentCoding::kIdentity);
  EXPECT_EQ(parse_content_encoding("identity"), ContentCoding::kIdentity);
  EXPECT_EQ(parse_content_encoding(" GZip "), ContentCoding::kGzip);
  EXPECT_EQ(parse_content_encoding("x-gzip"), ContentCoding::kGzip);
  EXPECT_EQ(parse_content_encoding("deflate"), ContentCoding::kDeflate);
  EXPECT_EQ(parse_content_encoding("identity, br"), ContentCoding::kBrotli);
  EXPECT_EQ(parse_content_encoding("zstd"), ContentCoding::kZstd);
  for (const char* bad : {"gzip, br", "gzip,gzip", "compress", "gzipp", "br;q=1",
                          "identityidentityidentity", "gzip br"}) {
    const auto coding = parse_content_encoding(bad);
    ASSERT_FALSE(coding) << bad;
    EXPECT_EQ(coding.error().code, Code::kUnsupported);
  }
}

}  // namespace
}  // namespace deployclaw::scrub
