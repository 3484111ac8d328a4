#include "egress/testing/worker_rig.hpp"

#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <stdexcept>

#include "base/await.hpp"
#include "crypto/certificates.hpp"
#include "services/testing/project_catalogue.hpp"

namespace deployclaw::egress::testing {

namespace asio = boost::asio;
namespace json = boost::json;
using asio::ip::tcp;

namespace {

WorkerParts plain_parts(asio::io_context& /*io*/) {
  // Some root or other: nothing here speaks TLS.
  const auto root = crypto::make_authority("root of the rig", SystemClock().now());
  auto tls = net::TlsClientContext::create(root.value().certificate_pem);
  auto prices = models::PriceCatalogue::load(DEPLOYCLAW_SOURCE_DIR "/catalog", {},
                                             models::UnknownModel::kDearest);
  return {.catalogue = services::testing::project_catalogue(),
          .tls = std::move(tls.value()),
          .prices = std::move(prices.value())};
}

}  // namespace

WorkerRig::WorkerRig() : WorkerRig(plain_parts) {}

WorkerRig::WorkerRig(const MakeParts& make_parts)
    : parts_(make_parts(io)), acceptor_(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {
  auto channel = make_packet_pair().value();
  auto audit = make_packet_pair().value();
  channel_ = std::make_unique<PacketChannel>(io.get_executor(), std::move(channel.first));
  audit_ = std::make_unique<PacketChannel>(io.get_executor(), std::move(audit.first));
  worker_ =
      std::make_unique<Worker>(io, parts_, std::move(channel.second), std::move(audit.second));
  tasks_.spawn("worker", run_worker());
  tasks_.spawn("spool", play_spool());
  tasks_.spawn("supervisor", play_supervisor());
  tasks_.spawn("agents", accept());
}

WorkerRig::~WorkerRig() {
  channel_->close();
  EXPECT_TRUE(until([this] { return ended_; })) << "the worker does not end with its channel";
  audit_->close();
  acceptor_.close();
  until([this] { return tasks_.size() == 0; });
}

Task<void> WorkerRig::run_worker() {
  co_await worker_->run();
  ended_ = true;
}

Task<void> WorkerRig::play_spool() {
  while (true) {
    const auto packet = co_await audit_->receive();
    if (!packet) co_return;
    const auto messages = read_records(packet->bytes);
    if (!messages) throw std::runtime_error("the worker sent no record");
    bool asks = false;
    const auto refused = spool_ == Spool::kRefuses ? Refusal::kUnwritable : Refusal::kNo;
    DurableMessage answer{.refused = refused};
    for (const auto& message : *messages) {
      ++received_;
      const bool lower = message.kind == RecordKind::kLower;
      records_.push_back({.kind = message.kind,
                          .agent = message.agent,
                          .id = message.id,
                          .json = lower ? json::object() : json::parse(message.json).as_object(),
                          .charge = message.charge,
                          .amount = message.amount});
      const bool intent = message.kind == RecordKind::kIntent;
      asks = asks || intent;
      if (!intent || message.charge.is_free()) continue;
      answer.answers.push_back(refused == Refusal::kNo
                                   ? on_charge(message)
                                   : IntentAnswer{.id = message.id, .refused = refused});
    }
    if (!asks) continue;
    answer.sequence = received_;
    (void)audit_->send(encode(answer));
  }
}

Task<void> WorkerRig::play_supervisor() {
  while (true) {
    auto packet = co_await channel_->receive();
    if (!packet) co_return;
    if (auto renewed = read_renewed(packet->bytes)) on_renewed(std::move(*renewed));
    packets_.push_back(std::move(packet->bytes));
  }
}

void WorkerRig::set_spool(Spool spool) {
  spool_ = spool;
  if (spool == Spool::kIsGone) audit_->close();
}

std::string WorkerRig::origin_authority() const {
  return std::string(kHost) + ":" + std::to_string(origin.port());
}

WorkerConfig WorkerRig::config() const {
  WorkerConfig config;
  config.version = 1;
  config.client = ClientId::random();
  config.active = true;
  config.nameservers = {"127.0.0.1:1"};  // where nobody answers
  config.pins = {{kHost, {"127.0.0.1"}}};
  WorkerAgent one;
  one.id = agent;
  const json::array domains{json::string(origin_authority())};
  one.permissions =
      json::object{{"scopes", json::array{"api:outbound"}}, {"allowedDomains", domains}};
  one.credentials.push_back({.name = "secret",
                             .kind = "generic",
                             .hosts = {"elsewhere.example.com"},
                             .placeholder = kPlaceholder,
                             .value = Secret::copy_of(kSecret)});
  config.agents.push_back(std::move(one));
  return config;
}

void WorkerRig::configure(const WorkerConfig& config) {
  const auto memory = seal_config(config);
  if (!memory) throw std::runtime_error(memory.error().message);
  (void)channel_->send(encode(MessageKind::kConfigure), memory->get());
}

void WorkerRig::hand_over(int socket, Entrance entrance, Ipv4 destination, std::uint16_t port) {
  const ConnectionMessage message{
      .agent = agent, .entrance = entrance, .destination = destination, .port = port};
  (void)channel_->send(encode(message), socket);
}

Task<void> WorkerRig::accept() {
  while (true) {
    auto [error, socket] = co_await acceptor_.async_accept(kAwait);
    if (error) co_return;
    hand_over(socket.native_handle());
  }
}

net::testing::RawClient WorkerRig::connect() { return {io, acceptor_.local_endpoint().port()}; }

std::string WorkerRig::request(std::string_view line_start, std::string_view path,
                               std::string_view fields) const {
  return std::string(line_start) + " http://" + origin_authority() + std::string(path) +
         " HTTP/1.1\r\nHost: " + origin_authority() + "\r\n" + std::string(fields) + "\r\n";
}

ToldRecord WorkerRig::told(RecordKind kind) {
  std::optional<ToldRecord> found;
  until([&] {
    for (const auto& record : records_) {
      if (!found && record.kind == kind) found = record;
    }
    return found.has_value();
  });
  EXPECT_TRUE(found) << "no record of kind " << static_cast<int>(kind);
  return found.value_or(ToldRecord{});
}

}  // namespace deployclaw::egress::testing
