#include "vault/server.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <utility>

#include "base/await.hpp"
#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/task.hpp"
#include "net/unix_frames.hpp"
#include "vault/hardening.hpp"
#include "vault/key_file.hpp"
#include "vault/service.hpp"

namespace deployclaw::vault {
namespace {

// Every role's uid must reach the socket; who may do what is decided by uid for each call.
constexpr unsigned kSocketMode = 0666;

Result<Keyring> load_keys(const ServerOptions& options, const Clock& clock) {
  if (!options.environment_keys.empty()) return Keyring::parse(options.environment_keys);
  bool created = false;
  auto ring = load_or_create_key_file(options.key_file, clock.now(), created);
  if (created) {
    log::warn(
        "MASTER KEY CREATED. Back this file up now, apart from the database: without it every "
        "stored secret is lost",
        {{"file", options.key_file}});
  }
  return ring;
}

Task<std::string> answer(Service* service, net::PeerCredentials peer, std::string frame) {
  return service->handle(peer.uid, std::move(frame));
}

// Ends io.run() by itself once every call has been answered or given up: timers that nobody waits
// for any more must not hold the process.
Task<void> stop_on_signal(boost::asio::io_context* io, boost::asio::signal_set* signals,
                          net::FrameServer* server) {
  const auto [error, number] = co_await signals->async_wait(kAwait);
  log::info("vault stopping", {{"signal", error ? 0 : number}});
  co_await server->stop();
  io->stop();
}

}  // namespace

Status run_server(ServerOptions options) {
  if (options.sandbox) {
    if (auto hardened = harden_process(); !hardened) return hardened;
  }
  const SystemClock clock;
  auto keys = load_keys(options, clock);
  if (!keys) return context("vault", std::move(keys).error());
  if (!keys->locked()) {
    return fail(Code::kUnavailable,
                "vault: the kernel does not let key memory be locked: raise RLIMIT_MEMLOCK");
  }
  const std::uint32_t newest = keys->newest();
  const bool from_environment = !options.environment_keys.empty();
  options.environment_keys = Secret();

  boost::asio::io_context io(1);
  BlockingPool pool("vault-disk", 1);
  Service service(*std::move(keys), std::move(options.policy),
                  from_environment ? std::string() : options.key_file, clock, pool);
  boost::asio::signal_set signals(io, SIGINT, SIGTERM);
  net::FrameServer::Handler handler = [&service](net::PeerCredentials peer, std::string frame) {
    return answer(&service, peer, std::move(frame));
  };
  net::FrameServer server(io.get_executor(), options.socket_path, kSocketMode, std::move(handler),
                          kMaxVaultFrame);
  if (auto started = server.start(); !started) return context("vault", started.error());
  if (options.sandbox) {
    if (auto closed = close_doors(); !closed) return closed;
  }
  log::info("vault ready", {{"socket", options.socket_path}, {"newestKeyVersion", newest}});

  TaskGroup tasks(io.get_executor());
  tasks.spawn("stop on signal", stop_on_signal(&io, &signals, &server));
  io.run();
  return {};
}

}  // namespace deployclaw::vault
