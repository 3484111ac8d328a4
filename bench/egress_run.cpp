#include "egress_run.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string_view>

namespace deployclaw::bench {
namespace {

constexpr std::int64_t kWarmUpLimit = 120'000'000'000;
constexpr std::size_t kOpeningAtOnce = 32;
constexpr std::size_t kReadBuffer = 64UL << 10;  // fewer system calls for long answers
constexpr std::uint64_t kFailureLimit = 1000;
constexpr int kPollMs = 20;

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

// OpenSSL builds and checks the chain even under SSL_VERIFY_NONE, where it only ignores the
// outcome.
int verify_once(X509_STORE_CTX* chain, void* target) {
  return static_cast<const Target*>(target)->verified ? 1 : X509_verify_cert(chain);
}

SSL_CTX* make_context(const std::string& ca_file, Target& target) {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  if (context == nullptr || SSL_CTX_load_verify_locations(context, ca_file.c_str(), nullptr) != 1) {
    die("cannot read the CA in " + ca_file);
  }
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);  // every handshake is a whole one
  SSL_CTX_set_cert_verify_callback(context, &verify_once, &target);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_default_read_buffer_len(context, kReadBuffer);
  return context;
}

}  // namespace

void die(const std::string& why) {
  fmt::print(stderr, "egress_load: {}\n", why);
  std::exit(1);
}

Load::Load(Settings settings)
    : settings_(std::move(settings)), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  target_.address.sin_family = AF_INET;
  target_.address.sin_port = htons(settings_.port);
  inet_pton(AF_INET, settings_.address.c_str(), &target_.address.sin_addr);
  target_.tunnel = settings_.tunnel;
  target_.host = settings_.host;
  target_.context = make_context(settings_.ca_file, target_);
  for (std::uint64_t n = 0; n < settings_.connections; ++n) {
    connections_.push_back(std::make_unique<Connection>(target_));
    connections_.back()->keep_body(settings_.mode == Mode::kEvents);
  }
}

Load::~Load() {
  connections_.clear();
  SSL_CTX_free(target_.context);
  ::close(epoll_);
}

void Load::warm_up() {
  const std::int64_t end = now_ns() + kWarmUpLimit;
  while (warm_.size() < connections_.size()) {
    // The first goes alone: it checks the certificate for all.
    const std::size_t at_once = target_.verified ? kOpeningAtOnce : 1;
    while (opened_ < connections_.size() && opened_ - warm_.size() < at_once) {
      reopen(*connections_[opened_++]);
    }
    poll();
    if (now_ns() > end) {
      die(fmt::format("{} of {} connections opened, {}", warm_.size(), connections_.size(),
                      failure_));
    }
  }
}

void Load::run(std::int64_t nanoseconds) {
  measuring_ = true;
  received_at_begin_ = total_received();
  cpu_at_begin_ = cpu_seconds();
  begin_ = now_ns();
  for (auto& connection : connections_) {
    if (settings_.mode == Mode::kOpens) reopen(*connection);
    if (settings_.mode == Mode::kRequests || settings_.mode == Mode::kIdle) ask(*connection);
  }
  while (!over(begin_ + nanoseconds)) poll();
  end_ = now_ns();
  cpu_ = cpu_seconds() - cpu_at_begin_;
}

bool Load::over(std::int64_t end) const {
  const bool all = samples_.size() + failures_ >= connections_.size();
  return now_ns() >= end || (settings_.mode == Mode::kIdle && all);
}

std::string Load::report() {
  std::ranges::sort(samples_);
  const double seconds = static_cast<double>(end_ - begin_) / 1e9;
  const auto at = [this](double part) {
    if (samples_.empty()) return 0.0;
    const auto index = static_cast<std::size_t>(part * static_cast<double>(samples_.size() - 1));
    return static_cast<double>(samples_[index]) / 1e3;
  };
  std::string out = fmt::format(
      R"({{"mode":"{}","connections":{},"seconds":{:.3f},"busy":{:.3f},"requests":{},)",
      settings_.mode_name, connections_.size(), seconds, cpu_ / seconds, samples_.size());
  out += fmt::format(R"("perSecond":{:.1f},"p50":{:.1f},"p90":{:.1f},"p99":{:.1f},"max":{:.1f},)",
                     static_cast<double>(samples_.size()) / seconds, at(0.5), at(0.9), at(0.99),
                     at(1.0));
  out += fmt::format(R"("bytes":{},"failures":{},"failure":"{}"}})",
                     total_received() - received_at_begin_, failures_, failure_);
  return out;
}

void Load::reopen(Connection& connection) {
  received_by_closed_ += connection.received();
  connection.open(epoll_);
  if (!connection.is_open()) failed(connection);
}

void Load::ask(Connection& connection) {
  connection.send(settings_.request);
  handle(connection);
}

void Load::poll() {
  std::array<epoll_event, 256> events{};
  const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), kPollMs);
  for (int n = 0; n < count; ++n) {
    handle(*static_cast<Connection*>(events.at(static_cast<std::size_t>(n)).data.ptr));
  }
}

void Load::handle(Connection& connection) {
  const Connection::Event event = connection.advance();
  if (settings_.mode == Mode::kEvents) read_events(connection);
  if (event == Connection::Event::kOpened) ask(connection);
  if (event == Connection::Event::kAnswered) answered(connection);
  if (event == Connection::Event::kFailed) failed(connection);
}

void Load::answered(Connection& connection) {
  if (connection.status() != 200) die(fmt::format("status {}", connection.status()));
  if (!measuring_) {
    warm_.insert(&connection);
    return;
  }
  const bool opens = settings_.mode == Mode::kOpens;
  samples_.push_back(now_ns() - (opens ? connection.opened_at() : connection.sent_at()));
  if (opens) reopen(connection);
  if (settings_.mode == Mode::kRequests) ask(connection);
}

// A stream's data lines hold {"n":…,"sent":NANOSECONDS}.
void Load::read_events(Connection& connection) {
  static constexpr std::string_view kSent = "\"sent\":";
  std::string& body = connection.body();
  std::size_t end = 0;
  while ((end = body.find("\n\n")) != std::string::npos) {
    const std::size_t at = body.find(kSent);
    std::int64_t sent = 0;
    if (at < end) std::from_chars(body.data() + at + kSent.size(), body.data() + end, sent);
    body.erase(0, end + 2);
    if (sent == 0) die("an event without its time");
    if (measuring_) samples_.push_back(now_ns() - sent);
    warm_.insert(&connection);
  }
}

void Load::failed(Connection& connection) {
  failure_ = connection.failure();
  if (!target_.verified) die("the first connection failed: " + failure_);
  if (++failures_ > kFailureLimit) die("too many failures: " + failure_);
  if (settings_.mode == Mode::kIdle && measuring_) return connection.close();
  connection.body().clear();
  reopen(connection);
}

std::uint64_t Load::total_received() const {
  std::uint64_t sum = received_by_closed_;
  for (const auto& connection : connections_) sum += connection->received();
  return sum;
}

}  // namespace deployclaw::bench
