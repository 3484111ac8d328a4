#include "egress/audit_intake.hpp"

#include <fmt/format.h>

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstring>

#include "base/await.hpp"
#include "egress/audit_intake_state.hpp"

namespace deployclaw::egress {

namespace asio = boost::asio;

namespace {

// So many records of one worker, then it is another's turn.
constexpr std::uint64_t kMostAtOnce = 64;
// So many at a stop: as many as a socket holds of honest ones.
constexpr std::uint64_t kMostLast = 1'024;
constexpr const char* kInterrupted =
    R"({"outcome":"failure","metadata":{"detail":"interrupted: the gateway's worker ended"}})";
constexpr const char* kFormerLife =
    R"({"outcome":"failure","metadata":{"detail":"interrupted: the gateway ended"}})";

}  // namespace

AuditIntake::State::State(std::unique_ptr<Spool> opened, asio::any_io_executor executor,
                          std::function<void()> callback, LedgerTime ledger_time)
    : spool(std::move(opened)),
      drainer(std::move(executor)),
      on_durable(std::move(callback)),
      io(1),
      work(io.get_executor()),
      tasks(io.get_executor()),
      later(io),
      ledger_now(std::move(ledger_time)),
      parked_look(io) {}

void AuditIntake::State::complain(const ClientId& client, std::string_view line) {
  const auto suppressed = clients[client].lines.admit(LogLimiter::Clock::now());
  if (!suppressed) return;
  log::error(line, {{"client", client.to_string()}, {"suppressed", *suppressed}});
}

void AuditIntake::State::read(const std::shared_ptr<IntakeSource>& source,
                              std::string_view packet) {
  auto messages = read_records(packet);
  if (!messages) {
    ++source->received;
    complain(source->client, "a worker sent no record");
    return;
  }
  source->received += messages->size();
  for (auto& message : *messages) take(source, std::move(message));
}

void AuditIntake::State::end(IntakeSource& source) {
  forget_parked_of(source);
  clients[source.client].open -= source.open.size();
  for (const auto& [id, agent] : std::exchange(source.open, {})) {
    const OpenIntent intent{
        .client = source.client, .agent = agent, .worker = source.worker, .id = id};
    auto record = intent.ended(kInterrupted);
    record.charge.amount = kAllReserved;  // nobody can tell what it cost
    add(std::move(record));
  }
  source.channel.close();
}

// A process that was killed could not tell how its workers' intents ended. Nobody will.
void AuditIntake::State::end_former_life() {
  for (const auto& intent : spool->left_open()) add(intent.ended(kFormerLife));
  if (spool->lost_at_open() == 0) return;
  add({.client = {},
       .agent = {},
       .json = fmt::format(R"({{"actionType":"audit_records_lost","outcome":"failure",)"
                           R"("metadata":{{"bytes":{},"detail":"the end of the audit spool )"
                           R"(could not be read"}}}})",
                           spool->lost_at_open())});
}

Task<void> AuditIntake::State::receive(State* state, std::shared_ptr<IntakeSource> source) {
  state->sources.insert(source);
  std::uint64_t turn_ends = kMostAtOnce;
  while (true) {
    const auto packet = co_await source->channel.receive();
    if (!packet) break;
    state->read(source, packet->bytes);
    if (source->received < turn_ends) continue;
    // One that never ceases to send would keep all others waiting.
    turn_ends = source->received + kMostAtOnce;
    co_await asio::post(state->io, asio::use_awaitable);
  }
  state->end(*source);
  state->sources.erase(source);
}

// Outcomes that lie in the sockets still count; then no worker is told anything anymore.
void AuditIntake::State::finish() {
  for (const auto& source : sources) {
    for (const auto enough = source->received + kMostLast; source->received < enough;) {
      const auto packet = source->channel.receive_now();
      if (!packet) break;
      read(source, packet->bytes);
    }
    end(*source);
  }
  commit(true);
  // As long as that gets on.
  for (std::size_t left = SIZE_MAX; good && held.bytes() > 0 && held.bytes() < left;) {
    left = held.bytes();
    commit(true);
  }
  (void)sync();
  if (!held.empty()) log::error("audit records were not written", {{"bytes", held.bytes()}});
  io.stop();
}

AuditIntake::AuditIntake(std::unique_ptr<Spool> spool, asio::any_io_executor executor,
                         std::function<void()> on_durable, LedgerTime ledger_time)
    : state_(std::make_unique<State>(std::move(spool), std::move(executor), std::move(on_durable),
                                     std::move(ledger_time))) {
  asio::post(state_->io, [state = state_.get()] { state->end_former_life(); });
  state_->thread = std::thread([state = state_.get()] { state->io.run(); });
}

AuditIntake::~AuditIntake() {
  asio::post(state_->io, [state = state_.get()] { state->finish(); });
  state_->thread.join();
}

void AuditIntake::add_agents(ClientId client, std::vector<AgentId> agents) {
  asio::post(state_->io, [state = state_.get(), client, agents = std::move(agents)] {
    state->clients[client].agents.insert(agents.begin(), agents.end());
  });
}

void AuditIntake::add_worker(linux::UniqueFd channel, ClientId client) {
  auto shared = std::make_shared<linux::UniqueFd>(std::move(channel));
  asio::post(state_->io, [state = state_.get(), shared, client] {
    // Unique in the spool's whole life, not only in this process's.
    std::uint64_t number = 0;
    const auto random = AgentId::random();
    std::memcpy(&number, random.bytes().data(), sizeof number);
    auto source = std::make_shared<IntakeSource>(state->io.get_executor(), std::move(*shared),
                                                 client, number);
    state->tasks.spawn("audit intake", State::receive(state, std::move(source)));
  });
}

void AuditIntake::set_limits(std::vector<std::pair<AgentId, domain::AgentLimits>> limits) {
  asio::post(state_->io, [state = state_.get(), limits = std::move(limits)] {
    for (const auto& [agent, limit] : limits) {
      state->ledger.set_limits(agent, limit);
      state->look_at_parked(agent);
    }
  });
}

void AuditIntake::load_uses(AgentId agent, Ledger::Past past) {
  asio::post(state_->io, [state = state_.get(), agent, past = std::move(past)] {
    state->ledger.load(agent, past, state->ledger_now());
    state->look_at_parked(agent);
  });
}

void AuditIntake::forget_uses() {
  asio::post(state_->io, [state = state_.get()] { state->ledger.forget_uses(); });
}

void AuditIntake::forget_others(std::set<AgentId> kept) {
  asio::post(state_->io,
             [state = state_.get(), kept = std::move(kept)] { state->ledger.forget_others(kept); });
}

Task<std::optional<LimitRefusal>> AuditIntake::check_limits(AgentId agent, std::uint8_t scope) {
  struct Look {
    explicit Look(const asio::any_io_executor& executor)
        : told(executor, asio::steady_timer::time_point::max()) {}
    asio::steady_timer told;
    std::optional<LimitRefusal> limit;
    bool ended = false;
  };
  const auto executor = co_await asio::this_coro::executor;
  auto look = std::make_shared<Look>(executor);
  asio::post(state_->io, [state = state_.get(), executor, agent, scope, look]() mutable {
    auto limit = state->ledger.check(agent, scope, state->ledger_now());
    // Moved, so that the timer dies where it lives.
    asio::post(executor, [look = std::move(look), limit] {
      look->limit = limit;
      look->ended = true;
      look->told.cancel();
    });
  });
  while (!look->ended) {
    co_await look->told.async_wait(kAwait);
    const auto cancelled = co_await asio::this_coro::cancellation_state;
    if (cancelled.cancelled() != asio::cancellation_type::none) co_return std::nullopt;
  }
  co_return look->limit;
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

// First the flag and then the look; the intake moves the end first and then looks at the flag. So
// whatever becomes durable meanwhile, one of the two sees it.
bool AuditIntake::tell_of_more(std::uint64_t position) {
  state_->drainer_listens = true;
  return state_->spool->durable_end() <= position;
}

Spool& AuditIntake::spool() { return *state_->spool; }
std::uint64_t AuditIntake::waiting_bytes() const { return state_->spool->waiting_bytes(); }
bool AuditIntake::writable() const { return state_->good; }
std::uint64_t AuditIntake::records() const { return state_->total; }
std::uint64_t AuditIntake::syncs() const { return state_->syncs; }
std::uint64_t AuditIntake::lost() const { return state_->lost; }
std::string AuditIntake::decisions() const { return state_->counts.to_text(); }

}  // namespace deployclaw::egress
