#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address_v4.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/task.hpp"
#include "crypto/certificates.hpp"
#include "net/byte_stream.hpp"
#include "net/tls.hpp"

namespace deployclaw::egress::testing {

// An HTTP/1.1 server under TLS on loopback that shows one host's certificate of an authority. Each
// connection carries one request; the answer is what `answers` makes of it, then it closes.
class TlsOrigin {
 public:
  // Throws when the endpoint cannot be had; port 0 picks one.
  TlsOrigin(boost::asio::io_context& io, const crypto::Authority& authority, std::string host,
            const boost::asio::ip::tcp::endpoint& endpoint = {
                boost::asio::ip::address_v4::loopback(), 0});
  ~TlsOrigin();
  TlsOrigin(const TlsOrigin&) = delete;
  TlsOrigin& operator=(const TlsOrigin&) = delete;

  // Whole bytes of an answer to a whole request; "" holds the connection open, unanswered.
  std::function<std::string(const std::string& request)> answers;
  static std::string answer(int status, std::string_view body, std::string_view fields = {});

  [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  [[nodiscard]] const std::string& host() const { return host_; }
  [[nodiscard]] std::string authority() const { return host_ + ":" + std::to_string(port()); }
  [[nodiscard]] const std::vector<std::string>& requests() const { return requests_; }
  [[nodiscard]] std::size_t connections() const { return connections_; }

 private:
  Task<void> accept();
  Task<void> serve(boost::asio::ip::tcp::socket socket);

  boost::asio::io_context& io_;
  const std::string host_;
  SystemClock clock_;
  net::CoarseTimer timer_;
  net::TlsServerContexts contexts_;
  boost::asio::ip::tcp::acceptor acceptor_;
  TaskGroup tasks_;
  std::vector<std::string> requests_;
  std::size_t connections_ = 0;
};

}  // namespace deployclaw::egress::testing
