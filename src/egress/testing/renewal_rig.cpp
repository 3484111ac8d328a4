#include "egress/testing/renewal_rig.hpp"

#include <boost/json/array.hpp>
#include <stdexcept>
#include <utility>

#include "base/await.hpp"
#include "net/testing/stream_pair.hpp"

namespace deployclaw::egress::testing {

namespace asio = boost::asio;
namespace json = boost::json;
using asio::ip::tcp;

namespace {

constexpr const char* kTokenHost = "tokens.example.com";
constexpr const char* kMailHost = "mail.example.com";

crypto::Authority authority(const char* name) {
  return crypto::make_authority(name, SystemClock().now()).value();
}

}  // namespace

services::Catalogue renewal_catalogue(const std::string& token_authority) {
  const std::pair<std::string, std::string> files[] = {
      {"granted.toml",
       "name = \"granted\"\ntitle = \"Granted\"\n[[kinds]]\nname = \"granted\"\n"
       "title = \"T\"\nplaceholder = \"grnt_{a40}\"\n"
       "places = [{ header = \"Authorization\", prefix = \"Bearer \" }]\n"
       "[oauth]\ntoken_url = \"https://" +
           token_authority + "/v2/token\"\nclient_in = \"body\"\nkinds = [\"granted\"]\n"},
      {"oauth.toml",
       "name = \"oauth\"\ntitle = \"Tokens\"\nhosts = [\"tokens.example.com\"]\n"
       "[[rules]]\nid = \"token\"\nmethods = [\"GET\", \"POST\"]\npaths = [\"/**\"]\n"
       "deny = \"The platform renews tokens.\"\n"}};
  return services::Catalogue::of(files).value();
}

RenewalRig::RenewalRig(bool trusted) : client_authority_(authority("the client's")) {
  const auto root = authority("the internet's");
  const auto nobody = authority("nobody's");
  rig = std::make_unique<WorkerRig>([&](asio::io_context& io) {
    tokens = std::make_unique<TlsOrigin>(io, trusted ? root : nobody, kTokenHost);
    mail = std::make_unique<TlsOrigin>(io, root, kMailHost);
    return WorkerParts{.catalogue = renewal_catalogue(tokens->authority()),
                       .tls = net::TlsClientContext::create(root.certificate_pem).value()};
  });
  agent_trust_.emplace(net::TlsClientContext::create(client_authority_.certificate_pem).value());
  rig->on_renewed = [this](RenewedMessage message) { keep(std::move(message)); };
}

RenewalRig::~RenewalRig() {
  tokens.reset();
  mail.reset();
}

void RenewalRig::keep(RenewedMessage message) {
  renewed.push_back(std::move(message));
  if (!keeps) return;
  const auto& last = renewed.back();
  previous_token = std::exchange(value, std::string(last.access_token.expose_text()));
  if (!last.refresh_token.empty()) refresh_token = last.refresh_token.expose_text();
  expires_at = SystemClock().now() + std::chrono::seconds(last.lifetime);
  grant_name = "grant-" + std::to_string(renewed.size() + 1);
  configure();
}

void RenewalRig::configure() {
  auto config = rig->config();
  config.version = ++version_;
  config.authority_certificate = client_authority_.certificate_pem;
  config.authority_key = client_authority_.private_key_pem.clone();
  config.pins = {{kTokenHost, {"127.0.0.1"}}, {kMailHost, {"127.0.0.1"}}};
  auto& agent = config.agents[0];
  agent.permissions =
      json::object{{"scopes", json::array{"api:outbound"}},
                   {"allowedDomains", json::array{json::string(mail->authority()),
                                                  json::string(tokens->authority()), kTokenHost}}};
  agent.credentials.clear();
  agent.credentials.push_back(
      {.name = "box",
       .kind = "granted",
       .hosts = {kMailHost},
       .placeholder = kPlaceholder,
       .value = Secret::copy_of(std::string_view(value)),
       .expires_at = expires_at,
       .grant_name = grant_name,
       .grant = {.client_id = "client-id",
                 .client_secret = Secret::copy_of(std::string_view(kClientSecret)),
                 .refresh_token = Secret::copy_of(std::string_view(refresh_token)),
                 .previous_token = Secret::copy_of(std::string_view(previous_token))}});
  rig->configure(config);
}

std::string RenewalRig::with_placeholder() {
  return "Authorization: Bearer " + std::string(kPlaceholder) + "\r\n";
}

std::string RenewalRig::request(std::string_view path, std::string_view fields) const {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: " + mail->authority() + "\r\n" +
         std::string(fields) + "Connection: close\r\n\r\n";
}

Task<std::string> RenewalRig::ask(std::string request) {
  const auto executor = rig->io.get_executor();
  net::CoarseTimer timer(executor);
  tcp::socket socket(executor);
  const tcp::endpoint proxy(asio::ip::address_v4::loopback(), rig->port());
  const auto [error] = co_await socket.async_connect(proxy, kAwait);
  if (error) co_return "no connection";
  net::ByteStream stream(net::StreamSocket(std::move(socket)), timer);
  const auto connect =
      "CONNECT " + mail->authority() + " HTTP/1.1\r\nHost: " + mail->authority() + "\r\n\r\n";
  (void)co_await stream.write_all(connect);
  std::string answer;
  while (!answer.contains("\r\n\r\n")) {
    char one = 0;
    const auto got = co_await stream.read_some(&one, 1);
    if (!got || *got == 0) co_return answer;
    answer += one;
  }
  std::string host = kMailHost;
  const auto shaken = co_await stream.handshake_client(*agent_trust_, std::move(host), 443);
  if (!shaken) co_return "no handshake: " + shaken.error().message;
  (void)co_await stream.write_all(request);
  auto all = co_await net::testing::read_to_end(stream);
  co_return all ? std::move(*all) : "broken off: " + all.error().message;
}

std::string RenewalRig::get(std::string path, std::string fields) {
  return net::testing::run_task(rig->io, ask(request(path, fields)));
}

std::vector<json::object> RenewalRig::told() const {
  rig->settle();
  std::vector<json::object> found;
  std::vector<std::uint64_t> ids;
  for (const auto& record : rig->records()) {
    const auto* type = record.json.if_contains("actionType");
    const bool mine = type != nullptr && *type == json::string("token_renewed");
    if (mine) ids.push_back(record.id);
    const bool outcome = record.kind == RecordKind::kOutcome &&
                         std::find(ids.begin(), ids.end(), record.id) != ids.end();
    if (mine || outcome) found.push_back(record.json);
  }
  return found;
}

}  // namespace deployclaw::egress::testing
