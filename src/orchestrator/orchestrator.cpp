#include "orchestrator/orchestrator.hpp"

#include <utility>

#include "base/await.hpp"
#include "base/log.hpp"
#include "store/orchestrator_agents.hpp"

namespace deployclaw::orchestrator {

namespace asio = boost::asio;
using namespace std::chrono_literals;

Orchestrator::Orchestrator(asio::any_io_executor executor, Parts parts, db::Listener& listener,
                           Config config)
    : executor_(executor),
      parts_(std::move(parts)),
      listener_(listener),
      config_(std::move(config)),
      lease_(parts_.db, config_),
      health_(executor, parts_.prober, config_, [this] { wake(); }),
      output_(executor, parts_.db, parts_.runtime, config_),
      observer_(parts_, config_, memories_, health_),
      shop_{parts_, config_, lease_, output_, metrics_, memories_, {}},
      drops_(parts_.db, parts_.clock, config_.drop_pause),
      alarm_(executor),
      tasks_(executor) {
  if (parts_.usage != nullptr) {
    usage_.emplace(parts_.db, *parts_.usage, parts_.clock, config_.host_name);
  }
}

Orchestrator::~Orchestrator() = default;

Status Orchestrator::start() {
  if (config_.admin_port) {
    admin_ = std::make_unique<net::HttpServer>(
        executor_, [this](http::Request request) { return answer(std::move(request)); });
    auto port = admin_->listen_tcp(config_.admin_address, *config_.admin_port);
    if (!port) return context("metrics listener", port.error());
    admin_port_ = *port;
  }
  listener_.listen("deployclaw_desired", [this](const db::Notification&) { wake(); });
  tasks_.spawn("lease", lease_.run([this] { wake(); }));
  tasks_.spawn("passes", pass_loop());
  tasks_.spawn("engine events", events_loop());
  if (parts_.drops != nullptr) {
    const auto leads = [this] { return lease_.held(); };
    tasks_.spawn("read drops", drops_.read(*parts_.drops, leads));
    tasks_.spawn("tell drops", drops_.write(*parts_.drops, leads, config_.drop_flush));
  }
  if (usage_) {
    std::function<bool()> leads = [this] { return lease_.held(); };
    tasks_.spawn("usage", usage_->run(std::move(leads)));
  }
  return {};
}

Task<void> Orchestrator::stop() {
  stopping_ = true;
  listener_.listen("deployclaw_desired", [](const db::Notification&) {});
  tasks_.cancel();
  co_await tasks_.join();
  co_await health_.stop();
  co_await output_.stop();
  co_await drops_.flush(true);
  co_await lease_.release();
  if (admin_) {
    co_await admin_->stop(1s);
  }
}

void Orchestrator::wake() {
  woken_ = true;
  alarm_.cancel();
}

Task<void> Orchestrator::pass_loop() {
  for (;;) {
    woken_ = false;
    const auto began = std::chrono::steady_clock::now();
    if (lease_.held()) {
      const auto done = co_await pass();
      metrics_.count_pass(std::chrono::steady_clock::now() - began, !done);
      if (done) ++passes_;
      if (!done && !stopping_ && trouble_ != done.error().message) {
        log::warn("pass failed", {{"error", done.error().message}});
      }
      trouble_ = done ? "" : done.error().message;
    } else {
      trouble_ = "another process works for this host, or the database is away";
    }
    if (woken_) {
      // What comes at once is answered at once; what keeps coming is gathered.
      const bool slept = co_await sleep_for(5ms);
      if (!slept) co_return;
      continue;
    }
    std::chrono::microseconds pause = config_.pass_every;
    if (!trouble_.empty()) pause = std::min<std::chrono::microseconds>(pause, 1s);
    if (wake_at_) pause = std::min(pause, *wake_at_ - parts_.clock.now());
    alarm_.expires_after(std::max<std::chrono::microseconds>(pause, 5ms));
    co_await alarm_.async_wait(kAwait);
    if (stopping_) co_return;
  }
}

Task<Status> Orchestrator::pass() {
  wake_at_.reset();
  if (shop_.instance.empty()) {
    auto instance = co_await store::load_instance(parts_.db);
    if (!instance) co_return std::unexpected(instance.error());
    shop_.instance = std::move(*instance);
  }
  auto rows = co_await observer_.look_at_rows();
  if (!rows) co_return std::unexpected(rows.error());
  count_agents(*rows);
  auto world = co_await observer_.look(*rows, shop_.instance);
  if (!world) {
    co_await tell_outage(*rows, world.error());
    co_return std::unexpected(world.error());
  }
  health_.watch(observer_.watched(*world));
  output_.follow(Observer::sources(*world));
  if (usage_) usage_->watch(observer_.measured(*world));
  tell_owners(*world);
  co_await clear_strays(world->strays);
  auto plan = domain::plan(config_.rules, world->desired, world->observed, parts_.clock.now());
  wake_at_ = plan.wake_at;
  for (const auto& [agent, memory] : memories_) {
    const bool held = memory.hold_until > parts_.clock.now();
    if (held && (!wake_at_ || memory.hold_until < *wake_at_)) wake_at_ = memory.hold_until;
  }
  act(*world, std::move(plan));
  co_await save_observations(*world);
  co_await repeat_failed(*world);
  forget_gone(*world);
  co_return Status{};
}

void Orchestrator::act(const World& world, domain::Plan plan) {
  auto& actions = plan.actions;
  for (auto it = actions.begin(); it != actions.end();) {
    auto end = it;
    while (end != actions.end() && end->agent == it->agent) ++end;
    std::vector<domain::Action> own(std::make_move_iterator(it), std::make_move_iterator(end));
    it = end;
    const AgentId agent = own.front().agent;
    const auto row = world.rows.find(agent);
    domain::DesiredAgent desired{.agent = agent};
    if (row != world.rows.end()) desired = row->second.agent;
    const auto seen =
        std::ranges::lower_bound(world.observed.agents, agent, {}, &domain::ObservedAgent::agent);
    memories_[agent].busy = true;
    tasks_.spawn("agent", run_agent(std::move(desired), *seen, std::move(own)));
  }
}

Task<void> Orchestrator::run_agent(domain::DesiredAgent desired, domain::ObservedAgent seen,
                                   std::vector<domain::Action> actions) {
  const AgentId agent = seen.agent;
  {
    Run run(shop_, std::move(desired), std::move(seen));
    co_await run.execute(std::move(actions));
  }
  memories_[agent].busy = false;
  wake();
}

// The engine is away: what waits for it says so. What runs, runs on, and is probed.
Task<void> Orchestrator::tell_outage(const std::vector<store::DesiredRow>& rows, Error error) {
  const std::string reason = "waiting: " + error.message;
  for (const auto& row : rows) {
    const auto& agent = row.agent;
    if (!agent.active || agent.status_reason == reason) continue;
    const auto told = co_await store::set_agent_status(parts_.db, agent.agent,
                                                       domain::AgentStatus::kProvisioning, reason);
    if (!told) co_return;
  }
}

Task<void> Orchestrator::clear_strays(std::vector<std::string> strays) {
  for (auto& interface : strays) {
    log::warn("network without an owner", {{"interface", interface}});
    const auto cleared = co_await parts_.network.detach(interface);
    if (!cleared) log::warn("stray network stays", {{"error", cleared.error().message}});
  }
}

Task<void> Orchestrator::events_loop() {
  for (;;) {
    if (!shop_.instance.empty() && lease_.held()) {
      const bool opened = co_await read_events();
      // The engine may have restarted between two passes and taken containers with it.
      if (opened) observer_.engine_broke();
      wake();
    }
    const bool slept = co_await sleep_for(500ms);
    if (!slept) co_return;
  }
}

Task<bool> Orchestrator::read_events() {
  auto stream = co_await parts_.runtime.events(shop_.instance, std::nullopt);
  if (!stream) co_return false;
  for (;;) {
    const auto event = co_await (*stream)->next();
    if (!event || !*event) co_return true;
    wake();
  }
}

}  // namespace deployclaw::orchestrator
