#include "egress/audit_intake.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <set>
#include <thread>

#include "base/log.hpp"
#include "base/task.hpp"
#include "egress/packet_channel.hpp"

namespace deployclaw::egress {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kMostJson = 16UL * 1024;
constexpr std::chrono::milliseconds kLazySync{200};
constexpr const char* kInterrupted =
    R"({"outcome":"failure","metadata":{"detail":"interrupted: the gateway's worker ended"}})";

// One worker's socket. Lives until its receive loop has ended and its records are durable.
struct Source {
  Source(asio::any_io_executor executor, linux::UniqueFd fd, ClientId owner, std::uint64_t number)
      : channel(std::move(executor), std::move(fd)), client(owner), worker(number) {}
  PacketChannel channel;
  const ClientId client;
  const std::uint64_t worker;
  std::uint64_t received = 0;
  std::set<std::pair<std::uint64_t, AgentId>> open;  // intents without an outcome
};

}  // namespace

struct AuditIntake::State {
  State(std::unique_ptr<Spool> s, asio::any_io_executor e, std::function<void()> callback)
      : spool(std::move(s)),
        drainer(std::move(e)),
        on_durable(std::move(callback)),
        io(1),
        work(io.get_executor()),
        tasks(io.get_executor()),
        lazy(io) {}

  void take(const std::shared_ptr<Source>& source, RecordMessage message) {
    if (message.json.size() > kMostJson) {
      message.json = R"({"outcome":"failure","metadata":{"cut":"the record was too large"}})";
    }
    const auto key = std::pair(message.id, message.agent);
    if (message.kind == RecordKind::kIntent) {
      source->open.insert(key);
      has_intent = true;
      waiting.insert(source);
    } else if (message.kind == RecordKind::kOutcome) {
      source->open.erase(key);
    }
    add({.kind = message.kind,
         .client = source->client,
         .agent = message.agent,
         .worker = source->worker,
         .id = message.id,
         .json = std::move(message.json)});
  }

  void add(SpoolRecord record) {
    batch.push_back(std::move(record));
    if (commit_posted) return;
    commit_posted = true;
    // Behind whatever is ready to be received now.
    asio::post(io, [this] { commit(); });
  }

  void commit() {
    commit_posted = false;
    const auto records = std::exchange(batch, {});
    const auto asking = std::exchange(waiting, {});
    const bool intent = std::exchange(has_intent, false);
    auto done = spool->append(records);
    if (done && intent) {
      done = spool->sync();
      ++syncs;
    }
    if (done) total += records.size();
    if (!done && good) log::error("audit spool refuses", {{"cause", done.error().message}});
    good = done.has_value();
    const auto refused = static_cast<std::uint8_t>(done ? 0 : 1);
    for (const auto& source : asking) {
      const DurableMessage answer{.sequence = source->received, .refused = refused};
      (void)source->channel.send(encode(answer));
    }
    if (intent) {
      tell_drainer();
    } else if (done) {
      sync_later();
    }
  }

  void sync_later() {
    if (lazy_pending) return;
    lazy_pending = true;
    lazy.expires_after(kLazySync);
    lazy.async_wait([this](boost::system::error_code) {
      lazy_pending = false;
      if (auto synced = spool->sync(); !synced) {
        log::error("audit spool does not sync", {{"cause", synced.error().message}});
      }
      ++syncs;
      tell_drainer();
    });
  }

  void tell_drainer() { asio::post(drainer, on_durable); }

  void read(const std::shared_ptr<Source>& source, std::string_view packet) {
    auto message = read_record(packet);
    ++source->received;
    if (message) {
      take(source, std::move(*message));
    } else {
      log::error("a worker sent no record", {{"client", source->client.to_string()}});
    }
  }

  void end(Source& source) {
    for (const auto& [id, agent] : std::exchange(source.open, {})) {
      add({.kind = RecordKind::kOutcome,
           .client = source.client,
           .agent = agent,
           .worker = source.worker,
           .id = id,
           .json = kInterrupted});
    }
    source.channel.close();
  }

  static Task<void> receive(State* state, std::shared_ptr<Source> source) {
    state->sources.insert(source);
    while (true) {
      const auto packet = co_await source->channel.receive();
      if (!packet) break;
      state->read(source, packet->bytes);
    }
    state->end(*source);
    state->sources.erase(source);
  }

  // Outcomes that lie in the sockets still count; then no worker is told anything anymore.
  void finish() {
    for (const auto& source : sources) {
      while (const auto packet = source->channel.receive_now()) read(source, packet->bytes);
      end(*source);
    }
    commit();
    (void)spool->sync();
    io.stop();
  }

  std::unique_ptr<Spool> spool;
  asio::any_io_executor drainer;
  std::function<void()> on_durable;
  asio::io_context io;
  asio::executor_work_guard<asio::io_context::executor_type> work;
  TaskGroup tasks;
  asio::steady_timer lazy;
  std::vector<SpoolRecord> batch;
  std::set<std::shared_ptr<Source>> sources;
  std::set<std::shared_ptr<Source>> waiting;  // for an answer
  bool has_intent = false;
  bool commit_posted = false;
  bool lazy_pending = false;
  std::atomic<bool> good = true;
  std::atomic<std::uint64_t> total = 0;
  std::atomic<std::uint64_t> syncs = 0;
  std::thread thread;
};

AuditIntake::AuditIntake(std::unique_ptr<Spool> spool, asio::any_io_executor executor,
                         std::function<void()> on_durable)
    : state_(
          std::make_unique<State>(std::move(spool), std::move(executor), std::move(on_durable))) {
  state_->thread = std::thread([state = state_.get()] { state->io.run(); });
}

AuditIntake::~AuditIntake() {
  asio::post(state_->io, [state = state_.get()] { state->finish(); });
  state_->thread.join();
}

void AuditIntake::add_worker(linux::UniqueFd channel, ClientId client) {
  auto shared = std::make_shared<linux::UniqueFd>(std::move(channel));
  asio::post(state_->io, [state = state_.get(), shared, client] {
    // Unique in the spool's whole life, not only in this process's.
    std::uint64_t number = 0;
    const auto random = AgentId::random();
    std::memcpy(&number, random.bytes().data(), sizeof number);
    auto source =
        std::make_shared<Source>(state->io.get_executor(), std::move(*shared), client, number);
    state->tasks.spawn("audit intake", State::receive(state, std::move(source)));
  });
}

void AuditIntake::add_event(ClientId client, AgentId agent, std::string json) {
  asio::post(state_->io, [state = state_.get(), client, agent, json = std::move(json)] {
    state->add({.kind = RecordKind::kEvent, .client = client, .agent = agent, .json = json});
  });
}

void AuditIntake::discard_before(std::uint64_t position) {
  asio::post(state_->io,
             [state = state_.get(), position] { state->spool->discard_before(position); });
}

Spool& AuditIntake::spool() { return *state_->spool; }
std::uint64_t AuditIntake::waiting_bytes() const { return state_->spool->waiting_bytes(); }
bool AuditIntake::writable() const { return state_->good; }
std::uint64_t AuditIntake::records() const { return state_->total; }
std::uint64_t AuditIntake::syncs() const { return state_->syncs; }

}  // namespace deployclaw::egress
