// Model calls on their way through a worker: what leaves, what is charged, what comes back and what
// is settled.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <boost/json/parse.hpp>
#include <boost/system/system_error.hpp>

#include "base/await.hpp"
#include "egress/testing/tls_origin.hpp"
#include "egress/testing/worker_rig.hpp"
#include "net/testing/stream_pair.hpp"
#include "services/testing/project_catalogue.hpp"

namespace deployclaw::egress {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using asio::ip::tcp;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using testing::TlsOrigin;
using testing::WorkerRig;

constexpr const char* kHost = "api.openai.com";
constexpr const char* kKey = "sk-real-openai-key-0123456789abcdefghijklmnopqrstuvwxyz";
constexpr const char* kPlaceholder = "sk-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKL";
// Services of the catalogue are reached on port 443 only; this address is of this test alone.
constexpr const char* kAddress = "127.0.0.97";

const std::string kUsage = R"("usage":{"prompt_tokens":1000,"completion_tokens":100}})";
const std::string kJsonAnswer = R"({"choices":[{"finish_reason":"stop"}],)" + kUsage;
const std::string kFirst = R"(data: {"choices":[{"finish_reason":"stop"}],"usage":null})"
                           "\n\n";
const std::string kLast = "data: [DONE]\n\n";
const std::string kStreamAnswer = kFirst + R"(data: {"choices":[],)" + kUsage + "\n\n" + kLast;
constexpr const char* kStreamType = "Content-Type: text/event-stream\r\n";

std::string gzip(const std::string& text) {
  z_stream stream{};
  deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(text.size() + 100, '\0');
  std::string in = text;
  stream.next_in = reinterpret_cast<unsigned char*>(in.data());
  stream.avail_in = static_cast<unsigned>(in.size());
  stream.next_out = reinterpret_cast<unsigned char*>(out.data());
  stream.avail_out = static_cast<unsigned>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  return out;
}

class WorkerModelTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto root = crypto::make_authority("the internet's", SystemClock().now()).value();
    client_ = crypto::make_authority("the client's", SystemClock().now()).value();
    try {
      rig = std::make_unique<WorkerRig>([&](asio::io_context& io) {
        const tcp::endpoint endpoint(asio::ip::make_address_v4(kAddress), 443);
        origin = std::make_unique<TlsOrigin>(io, root, kHost, endpoint);
        auto prices = models::PriceCatalogue::load(DEPLOYCLAW_SOURCE_DIR "/catalog", {},
                                                   models::UnknownModel::kDearest);
        return WorkerParts{.catalogue = services::testing::project_catalogue(),
                           .tls = net::TlsClientContext::create(root.certificate_pem).value(),
                           .prices = std::move(prices.value())};
      });
    } catch (const boost::system::system_error& error) {
      GTEST_SKIP() << "port 443 of " << kAddress << " cannot be had: " << error.what();
    }
    trust_.emplace(net::TlsClientContext::create(client_->certificate_pem).value());
    auto config = rig->config();
    config.authority_certificate = client_->certificate_pem;
    config.authority_key = client_->private_key_pem.clone();
    config.pins = {{kHost, {kAddress}}};
    config.agents[0].credentials.clear();
    config.agents[0].credentials.push_back({.name = "openai",
                                            .kind = "openai",
                                            .hosts = {kHost},
                                            .placeholder = kPlaceholder,
                                            .value = Secret::copy_of(std::string_view(kKey))});
    rig->configure(config);
    answers(TlsOrigin::answer(200, kJsonAnswer, "Content-Type: application/json\r\n"));
  }
  void TearDown() override { origin.reset(); }

  void answers(std::string bytes) {
    origin->answers = [bytes = std::move(bytes)](const std::string&) { return bytes; };
  }

  Task<std::string> ask(std::string request) {
    const auto executor = rig->io.get_executor();
    net::CoarseTimer timer(executor);
    tcp::socket socket(executor);
    const tcp::endpoint proxy(asio::ip::address_v4::loopback(), rig->port());
    const auto [error] = co_await socket.async_connect(proxy, kAwait);
    if (error) co_return "no connection";
    net::ByteStream stream(net::StreamSocket(std::move(socket)), timer);
    const std::string connect =
        "CONNECT api.openai.com:443 HTTP/1.1\r\nHost: api.openai.com\r\n\r\n";
    (void)co_await stream.write_all(connect);
    std::string answer;
    while (!answer.contains("\r\n\r\n")) {
      char one = 0;
      const auto got = co_await stream.read_some(&one, 1);
      if (!got || *got == 0) co_return answer;
      answer += one;
    }
    std::string host = kHost;
    const auto shaken = co_await stream.handshake_client(*trust_, std::move(host), 443);
    if (!shaken) co_return "no handshake: " + shaken.error().message;
    (void)co_await stream.write_all(request);
    auto all = co_await net::testing::read_to_end(stream);
    co_return all ? std::move(*all) : "broken off: " + all.error().message;
  }

  std::string post(std::string_view body, std::string_view path = "/v1/chat/completions",
                   std::string_view fields = "") {
    auto request = "POST " + std::string(path) + " HTTP/1.1\r\nHost: api.openai.com\r\n" +
                   "Authorization: Bearer " + kPlaceholder + "\r\nConnection: close\r\n" +
                   std::string(fields) + "Content-Length: " + std::to_string(body.size()) +
                   "\r\n\r\n" + std::string(body);
    return net::testing::run_task(rig->io, ask(std::move(request)));
  }
  std::string sent() { return origin->requests().empty() ? "" : origin->requests().back(); }
  json::object outcome() { return rig->told(RecordKind::kOutcome).json.at("metadata").as_object(); }
  bool told_of_nothing() {
    return std::ranges::none_of(rig->records(),
                                [](const auto& one) { return one.kind == RecordKind::kIntent; });
  }

  std::optional<crypto::Authority> client_;
  std::optional<net::TlsClientContext> trust_;
  std::unique_ptr<WorkerRig> rig;
  std::unique_ptr<TlsOrigin> origin;
};

constexpr const char* kBody = R"({"model":"gpt-5.4-mini","max_tokens":1000})";
constexpr const char* kStreamed = R"({"model":"gpt-5.4-mini","max_tokens":1000,"stream":true})";

TEST_F(WorkerModelTest, ChargesBeforeAndSettlesAfter) {
  const auto answer = post(kBody);
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(answer, HasSubstr(kJsonAnswer));
  EXPECT_THAT(sent(), HasSubstr(std::string("Authorization: Bearer ") + kKey));
  EXPECT_THAT(sent(), HasSubstr(kBody));
  const auto intent = rig->told(RecordKind::kIntent);
  // 43 bytes and 2,048 tokens at $0.75, 1,000 tokens at $4.50.
  const std::uint64_t input = (std::string(kBody).size() + 2048) * 3;
  EXPECT_EQ(intent.charge.wanted, (input + 3) / 4 + 4500);
  EXPECT_EQ(intent.charge.least, (input + 3) / 4 + 1152);
  EXPECT_EQ(intent.json.at("metadata").at("model"), "gpt-5.4-mini");
  const auto ended = rig->told(RecordKind::kOutcome);
  EXPECT_EQ(ended.amount, 750U + 450);
  const auto details = outcome();
  EXPECT_EQ(details.at("spentMicroUsd"), 1200);
  EXPECT_EQ(details.at("reservedMicroUsd").to_number<std::uint64_t>(), intent.charge.wanted);
  EXPECT_EQ(details.at("tokensIn"), 1000);
  EXPECT_EQ(details.at("tokensOut"), 100);
  EXPECT_EQ(details.at("usage"), "known");
}

TEST_F(WorkerModelTest, SendsTheLimitThatTheGrantPaysFor) {
  rig->on_charge = [](const RecordMessage& intent) {
    return IntentAnswer{.id = intent.id, .grant = {.micro_dollars = intent.charge.least}};
  };
  EXPECT_THAT(post(kBody), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(sent(), HasSubstr(R"({"model":"gpt-5.4-mini","max_tokens":256 })"));
}

TEST_F(WorkerModelTest, TheLedgersNoIsTheAgents429) {
  rig->on_charge = [](const RecordMessage& intent) {
    const LimitRefusal limit{.kind = LimitRefusal::Kind::kSpend,
                             .retry_after_seconds = 77,
                             .cap = 1'000'000,
                             .spent = 990'000};
    return IntentAnswer{.id = intent.id, .limit = limit};
  };
  const auto answer = post(kBody);
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 429 "));
  EXPECT_THAT(answer, HasSubstr("spend_cap_reached"));
  EXPECT_THAT(answer, HasSubstr("Retry-After: 77\r\n"));
  EXPECT_EQ(sent(), "");
}

TEST_F(WorkerModelTest, AsksForUsageAndHidesIt) {
  answers(TlsOrigin::answer(200, kStreamAnswer, kStreamType));
  const auto answer = post(kStreamed);
  EXPECT_THAT(sent(), HasSubstr(R"("stream_options":{"include_usage":true})"));
  EXPECT_THAT(answer, HasSubstr(kFirst));
  EXPECT_THAT(answer, HasSubstr(kLast));
  EXPECT_THAT(answer, Not(HasSubstr("prompt_tokens")));
  EXPECT_THAT(answer, HasSubstr("Transfer-Encoding: chunked\r\n"));
  EXPECT_EQ(rig->told(RecordKind::kOutcome).amount, 1200U);
}

TEST_F(WorkerModelTest, CountsWhatComesCompressed) {
  answers(TlsOrigin::answer(200, gzip(kStreamAnswer),
                            std::string(kStreamType) + "Content-Encoding: gzip\r\n"));
  const auto answer = post(kStreamed, "/v1/chat/completions", "Accept-Encoding: gzip\r\n");
  EXPECT_THAT(answer, HasSubstr(kFirst));
  EXPECT_EQ(rig->told(RecordKind::kOutcome).amount, 1200U);
}

TEST_F(WorkerModelTest, WithoutUsageAllThatIsReservedIsSpent) {
  answers(TlsOrigin::answer(200, kFirst + kLast, kStreamType));
  post(kStreamed);
  EXPECT_EQ(rig->told(RecordKind::kOutcome).amount, kAllReserved);
  EXPECT_EQ(outcome().at("usage"), "unknown");
}

TEST_F(WorkerModelTest, ACallThatItsProviderRefusesCostsNothing) {
  answers(TlsOrigin::answer(429, "{}", "Content-Type: application/json\r\n"));
  EXPECT_THAT(post(kBody), StartsWith("HTTP/1.1 429 "));
  EXPECT_EQ(rig->told(RecordKind::kOutcome).amount, 0U);
}

TEST_F(WorkerModelTest, EndsAStreamThatUsedUpItsGrantAndTheConnectionWell) {
  rig->on_charge = [](const RecordMessage& intent) {
    return IntentAnswer{.id = intent.id, .grant = {.micro_dollars = intent.charge.least}};
  };
  const auto more =
      R"(data: {"choices":[],"usage":{"prompt_tokens":9000,"completion_tokens":9000}})"
      "\n\n";
  answers(TlsOrigin::answer(200, kFirst + more + "data: never\n\n", kStreamType));
  const auto answer = post(kStreamed);
  EXPECT_THAT(answer, HasSubstr("spend_cap_reached"));
  EXPECT_THAT(answer, Not(HasSubstr("never")));
  EXPECT_THAT(answer, ::testing::EndsWith("\r\n0\r\n\r\n"));
  EXPECT_EQ(rig->told(RecordKind::kOutcome).amount, 6750U + 40'500);
}

TEST_F(WorkerModelTest, RefusesWhatCannotBeHeldToACapBeforeAnythingIsTold) {
  for (const auto* body : {R"({"model":"gpt-5.4-mini","service_tier":"priority"})", "{}", "[", "",
                           R"({"model":"gpt-4o-search-preview"})"}) {
    const auto answer = post(body);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 4")) << body;
    EXPECT_THAT(answer, HasSubstr("application/problem+json")) << body;
  }
  EXPECT_THAT(post("{}", "/v1/audio/speech"), HasSubstr("model_without_price"));
  EXPECT_THAT(post(kBody, "/v1/chat/completions", "Content-Encoding: gzip\r\n"),
              HasSubstr("model_call_refused"));
  EXPECT_EQ(sent(), "");
  EXPECT_TRUE(told_of_nothing());
}

TEST_F(WorkerModelTest, TakesLargeBodiesAndNoHugeOnes) {
  const auto text = [](std::size_t size) {
    return R"({"model":"gpt-5.4-mini","max_tokens":9,"x":")" + std::string(size, 'x') + "\"}";
  };
  EXPECT_THAT(post(text(3UL << 20)), StartsWith("HTTP/1.1 200 "));
  // Never more input than the model can read.
  EXPECT_LT(rig->told(RecordKind::kIntent).charge.wanted, 301'000U);
  EXPECT_THAT(post(text(models::kMostModelBody)), StartsWith("HTTP/1.1 413 "));
}

TEST_F(WorkerModelTest, FreeCallsAreChargedNothing) {
  EXPECT_THAT(post("anything", "/v1/responses/input_tokens"), StartsWith("HTTP/1.1 200 "));
  EXPECT_TRUE(rig->told(RecordKind::kIntent).charge.is_free());
  EXPECT_THAT(sent(), HasSubstr("anything"));
}

}  // namespace
}  // namespace deployclaw::egress
