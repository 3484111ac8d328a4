// What intercepted connections cost: memory while idle, CPU for a handshake, a certificate and a
// mebibyte. Both ends are in this process, so a figure for two ends says so. Prints; asserts
// nothing.
#include <malloc.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "net/byte_stream.hpp"

namespace {

using namespace deployclaw;
using net::ByteStream;
using net::Progress;

constexpr auto kHost = "api.example.com";

struct Pair {
  std::unique_ptr<ByteStream> client;
  std::unique_ptr<ByteStream> server;
};

Pair connect(boost::asio::io_context& io, net::CoarseTimer& timer) {
  int fds[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) std::abort();
  const boost::asio::generic::stream_protocol protocol(AF_UNIX, 0);
  return {std::make_unique<ByteStream>(net::StreamSocket(io, protocol, fds[0]), timer),
          std::make_unique<ByteStream>(net::StreamSocket(io, protocol, fds[1]), timer)};
}

double cpu_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](timeval time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

std::size_t heap_bytes() {
  const auto info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

void run(boost::asio::io_context& io) {
  io.restart();
  io.run();
}

void exchange(ByteStream& from, ByteStream& to) {
  char byte = 0;
  const bool sent = from.write_now("x").kind == Progress::Kind::kBytes;
  const bool received = to.read_now(&byte, 1).kind == Progress::Kind::kBytes;
  const bool idle = to.read_now(&byte, 1).kind == Progress::Kind::kWantRead;
  if (!sent || !received || !idle) std::abort();
}

struct Rig {
  Rig()
      : authority(*crypto::make_authority("bench", clock.now())),
        contexts(*net::TlsServerContexts::create(
            *crypto::LeafMinter::create(authority.certificate_pem, authority.private_key_pem),
            clock)),
        roots(*net::TlsClientContext::create(authority.certificate_pem)) {}

  // Both handshakes, and the ticket taken in.
  Pair shake() {
    Pair pair = connect(io, timer);
    Task<Status> client = pair.client->handshake_client(roots, kHost, 443);
    Task<Status> server = pair.server->handshake_server(contexts, kHost);
    bool good = true;
    const auto ended = [&](std::exception_ptr error, Status status) {
      good = good && !error && status.has_value();
    };
    boost::asio::co_spawn(io, std::move(client), ended);
    boost::asio::co_spawn(io, std::move(server), ended);
    run(io);
    if (!good || !pair.client->alive_and_idle()) std::abort();
    // Used as connections are: only then does OpenSSL give the handshake's buffers back.
    exchange(*pair.client, *pair.server);
    exchange(*pair.server, *pair.client);
    return pair;
  }

  SystemClock clock;
  boost::asio::io_context io;
  net::CoarseTimer timer{io.get_executor()};
  crypto::Authority authority;
  net::TlsServerContexts contexts;
  net::TlsClientContext roots;
};

void measure_handshakes(Rig& rig, int count) {
  const double before = cpu_seconds();
  for (int i = 0; i < count; ++i) {
    Pair pair = rig.shake();
    if (!pair.client->resumed()) std::abort();
  }
  std::printf("resumed handshake, both ends:   %7.0f us CPU\n",
              (cpu_seconds() - before) * 1e6 / count);
  const double full = cpu_seconds();
  for (int i = 0; i < count; ++i) {
    rig.roots = *net::TlsClientContext::create(rig.authority.certificate_pem);
    rig.shake();
  }
  std::printf("full handshake, both ends:      %7.0f us CPU (a new client context each)\n",
              (cpu_seconds() - full) * 1e6 / count);
}

void measure_minting(Rig& rig, int count) {
  const double before = cpu_seconds();
  for (int i = 0; i < count; ++i) {
    if (!rig.contexts.start("host-" + std::to_string(i) + ".example")) std::abort();
  }
  std::printf("certificate for a new host:     %7.0f us CPU\n",
              (cpu_seconds() - before) * 1e6 / count);
  const double again = cpu_seconds();
  for (int i = 0; i < count; ++i) {
    if (!rig.contexts.start("host-" + std::to_string(count - 1) + ".example")) std::abort();
  }
  std::printf("connection to a known host:     %7.0f us CPU\n",
              (cpu_seconds() - again) * 1e6 / count);
}

void measure_idle_memory(Rig& rig, int count) {
  std::vector<Pair> held;
  rig.shake();
  const std::size_t before = heap_bytes();
  for (int i = 0; i < count; ++i) held.push_back(rig.shake());
  const std::size_t both = heap_bytes();
  for (Pair& pair : held) pair.client.reset();
  const std::size_t servers = heap_bytes();
  const auto kib = [&](std::size_t bytes) { return static_cast<double>(bytes) / 1024 / count; };
  std::printf("heap of an idle server's end:   %7.1f KiB\n", kib(servers - before));
  std::printf("heap of an idle client's end:   %7.1f KiB\n", kib(both - servers));
}

void measure_throughput(Rig& rig, std::size_t piece) {
  constexpr std::size_t kTotal = 1UL << 30;
  Pair pair = rig.shake();
  const std::string bytes(piece, 'x');
  std::string buffer(64 << 10, '\0');
  std::size_t sent = 0;
  std::size_t received = 0;
  const double before = cpu_seconds();
  while (received < kTotal) {
    if (sent < kTotal) {
      const Progress out = pair.server->write_now(bytes);
      if (out.kind == Progress::Kind::kFailed) std::abort();
      sent += out.count;
    }
    Progress in = pair.client->read_now(buffer.data(), buffer.size());
    while (in.kind == Progress::Kind::kBytes) {
      received += in.count;
      in = pair.client->read_now(buffer.data(), buffer.size());
    }
    if (in.kind != Progress::Kind::kWantRead) std::abort();
  }
  std::printf("%6zu KiB pieces, both ends:     %7.0f MB per CPU second\n", piece >> 10,
              static_cast<double>(received) / 1e6 / (cpu_seconds() - before));
}

}  // namespace

int main() {
  Rig rig;
  measure_idle_memory(rig, 500);
  measure_handshakes(rig, 1000);
  measure_minting(rig, 1000);
  for (const std::size_t piece : {4UL << 10, 16UL << 10, 64UL << 10, 256UL << 10}) {
    measure_throughput(rig, piece);
  }
}
