#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "net/byte_stream.hpp"
#include "net/testing/run_task.hpp"

// The two ends of one loopback connection, and two tasks at once.
namespace deployclaw::net::testing {

struct StreamPair {
  std::unique_ptr<ByteStream> client;
  std::unique_ptr<ByteStream> server;
};

inline StreamPair connect_pair(boost::asio::io_context& io, CoarseTimer& timer) {
  using boost::asio::ip::tcp;
  tcp::acceptor acceptor(io, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
  tcp::socket client(io);
  client.connect(acceptor.local_endpoint());
  tcp::socket server = acceptor.accept();
  return {std::make_unique<ByteStream>(StreamSocket(std::move(client)), timer),
          std::make_unique<ByteStream>(StreamSocket(std::move(server)), timer)};
}

// Runs both until both have ended.
template <class A, class B>
std::pair<A, B> run_both(boost::asio::io_context& io, Task<A> first, Task<B> second) {
  std::optional<B> other;
  std::exception_ptr failure;
  boost::asio::co_spawn(io, std::move(second), [&](std::exception_ptr error, B value) {
    failure = error;
    if (!error) other.emplace(std::move(value));
  });
  A mine = run_task(io, std::move(first));
  const auto limit = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  io.restart();
  while (!other && !failure && std::chrono::steady_clock::now() < limit) {
    io.run_one_for(std::chrono::milliseconds(50));
    io.restart();
  }
  if (failure) std::rethrow_exception(failure);
  if (!other) throw std::runtime_error("second task does not end");
  return {std::move(mine), std::move(*other)};
}

// Everything up to the end.
inline Task<Result<std::string>> read_to_end(ByteStream& stream) {
  std::string all;
  std::string buffer(20'000, '\0');
  while (true) {
    const auto count = co_await stream.read_some(buffer.data(), buffer.size());
    if (!count) co_return fail(count.error());
    if (*count == 0) co_return all;
    all.append(buffer, 0, *count);
  }
}

// Exactly `size` bytes, or fewer at the end.
inline Task<Result<std::string>> read_exactly(ByteStream& stream, std::size_t size) {
  std::string all(size, '\0');
  std::size_t have = 0;
  while (have < size) {
    const auto count = co_await stream.read_some(all.data() + have, size - have);
    if (!count) co_return fail(count.error());
    if (*count == 0) break;
    have += *count;
  }
  all.resize(have);
  co_return all;
}

}  // namespace deployclaw::net::testing
