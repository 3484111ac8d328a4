#include "egress/testing/tls_origin.hpp"

#include <array>
#include <utility>

#include "base/await.hpp"
#include "http/wire.hpp"
#include "net/testing/run_task.hpp"

namespace deployclaw::egress::testing {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

net::TlsServerContexts contexts_of(const crypto::Authority& authority, const Clock& clock) {
  auto minter = crypto::LeafMinter::create(authority.certificate_pem, authority.private_key_pem);
  return net::TlsServerContexts::create(std::move(minter.value()), clock).value();
}

bool is_whole(std::string_view text) {
  const auto end = text.find("\r\n\r\n");
  if (end == std::string_view::npos) return false;
  const auto head = http::parse_request_head(text.substr(0, end + 4));
  return head && text.size() >= end + 4 + head->framing.length;
}

}  // namespace

TlsOrigin::TlsOrigin(asio::io_context& io, const crypto::Authority& authority, std::string host,
                     const tcp::endpoint& endpoint)
    : io_(io),
      host_(std::move(host)),
      timer_(io.get_executor()),
      contexts_(contexts_of(authority, clock_)),
      acceptor_(io, endpoint),
      tasks_(io.get_executor()) {
  answers = [](const std::string&) { return answer(200, "ok"); };
  tasks_.spawn("tls origin", accept());
}

TlsOrigin::~TlsOrigin() {
  tasks_.cancel();
  net::testing::run_task(io_, tasks_.join());
}

std::string TlsOrigin::answer(int status, std::string_view body, std::string_view fields) {
  return "HTTP/1.1 " + std::to_string(status) + " Said\r\n" + std::string(fields) +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

Task<void> TlsOrigin::accept() {
  while (true) {
    auto [error, socket] = co_await acceptor_.async_accept(kAwait);
    if (error) co_return;
    ++connections_;
    tasks_.spawn("tls connection", serve(std::move(socket)));
  }
}

Task<void> TlsOrigin::serve(tcp::socket socket) {
  net::ByteStream stream(net::StreamSocket(std::move(socket)), timer_);
  auto host = host_;
  const auto shaken = co_await stream.handshake_server(contexts_, std::move(host));
  if (!shaken) co_return;
  std::string text;
  std::array<char, 4096> buffer{};
  while (!is_whole(text)) {
    const auto got = co_await stream.read_some(buffer.data(), buffer.size());
    if (!got || *got == 0) co_return;
    text.append(buffer.data(), *got);
  }
  requests_.push_back(text);
  const auto out = answers(text);
  if (!out.empty()) {
    (void)co_await stream.write_all(out);
    stream.close();
    co_return;
  }
  (void)co_await stream.read_some(buffer.data(), buffer.size());
}

}  // namespace deployclaw::egress::testing
