// Coded answers that hold a secret, from a host that was given it and from one that was not.
#include <brotli/encode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include <boost/json/serialize.hpp>

#include "egress/testing/worker_rig.hpp"

namespace deployclaw::egress {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::SmallOrigin;
using ::testing::StartsWith;
using testing::WorkerRig;

std::string deflated(std::string_view text, int window_bits) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, text.size()), '\0');
  std::string in(text);
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string coded(std::string_view coding, std::string_view text) {
  if (coding == "gzip") return deflated(text, 15 + 16);
  if (coding == "deflate") return deflated(text, 15);
  std::string out(text.size() + 1024, '\0');
  std::size_t size = out.size();
  if (coding == "br") {
    BrotliEncoderCompress(5, 22, BROTLI_MODE_TEXT, text.size(),
                          reinterpret_cast<const std::uint8_t*>(text.data()), &size,
                          reinterpret_cast<std::uint8_t*>(out.data()));
  } else {
    size = ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3);
  }
  out.resize(size);
  return out;
}

class CodedTest : public ::testing::TestWithParam<std::string> {
 protected:
  // `bound`: the origin is a host of the credential, so it may have been given the secret.
  std::string ask(bool bound, const std::string& body) {
    auto config = rig.config();
    if (bound) config.agents[0].credentials[0].hosts = {WorkerRig::kHost};
    rig.configure(config);
    const auto head = "HTTP/1.1 200 OK\r\nContent-Encoding: " + GetParam() +
                      "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n";
    const auto half = body.size() / 2;
    rig.origin.will_answer({.pieces = {head + body.substr(0, half), body.substr(half)}});
    auto agent = rig.connect();
    agent.send(rig.request("GET", "/", "Connection: close\r\nAccept-Encoding: gzip, br, zstd\r\n"));
    return agent.read_to_end();
  }
  static std::string text_with(std::string_view word) {
    std::string text;
    for (int i = 0; i < 2'000; ++i) text += std::to_string(i * 7919) + ' ';
    return text + std::string(word) + text;
  }
  bool told(std::string_view word) {
    return rig.until([&] {
      return std::ranges::any_of(rig.records(), [&](const auto& one) {
        return one.kind == RecordKind::kOutcome && boost::json::serialize(one.json).contains(word);
      });
    });
  }

  WorkerRig rig;
};

TEST_P(CodedTest, IsDecodedAndCleanedWhenItsHostWasGivenTheSecret) {
  const auto answer = ask(true, coded(GetParam(), text_with(WorkerRig::kSecret)));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(answer, Not(HasSubstr("real-secret")));
  EXPECT_THAT(answer, HasSubstr(WorkerRig::kPlaceholder));
  EXPECT_THAT(answer, Not(HasSubstr("Content-Encoding"))) << "it is none any more";
  EXPECT_TRUE(told("scrubbed"));
}

TEST_P(CodedTest, IsBrokenOffWhenItHoldsASecretThatItsHostWasNotGiven) {
  const auto body = coded(GetParam(), text_with(WorkerRig::kSecret));
  const auto answer = ask(false, body);
  EXPECT_THAT(answer, Not(HasSubstr(body))) << "never the whole of it";
  EXPECT_TRUE(told("held a credential"));
}

TEST_P(CodedTest, PassesAsItIsWithoutASecret) {
  const auto body = coded(GetParam(), text_with("nothing"));
  const auto answer = ask(false, body);
  EXPECT_THAT(answer, ::testing::EndsWith(body));
  EXPECT_THAT(answer, HasSubstr("Content-Encoding: " + GetParam()));
}

TEST_P(CodedTest, ThatIsDamagedOrCutIsNoGoodEnd) {
  const auto whole = coded(GetParam(), text_with(WorkerRig::kSecret));
  for (const bool bound : {true, false}) {
    auto damaged = whole;
    for (std::size_t at = 20; at < damaged.size(); at += 7) damaged[at] = 'x';
    for (const auto& body : {damaged, whole.substr(0, whole.size() / 2)}) {
      const auto answer = ask(bound, body);
      EXPECT_THAT(answer, Not(HasSubstr("real-secret")));
      EXPECT_FALSE(answer.ends_with("\r\n0\r\n\r\n")) << "as if it had ended well";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Codings, CodedTest, ::testing::Values("gzip", "deflate", "br", "zstd"),
                         [](const auto& tested) { return tested.param; });

}  // namespace
}  // namespace deployclaw::egress
