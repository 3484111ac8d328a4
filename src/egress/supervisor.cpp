#include "egress/supervisor.hpp"

#include <algorithm>

#include "base/await.hpp"
#include "base/log.hpp"
#include "store/egress_uses.hpp"

namespace deployclaw::egress {

namespace asio = boost::asio;

namespace {
constexpr std::chrono::milliseconds kGather{50};  // changes come in bunches
constexpr std::chrono::seconds kTouchEvery{60};
constexpr std::chrono::minutes kFirstPrune{1};
constexpr std::chrono::hours kPruneEvery{1};
}  // namespace

Supervisor::Supervisor(asio::any_io_executor executor, Parts parts, std::unique_ptr<Spool> spool,
                       Config config)
    : executor_(executor),
      parts_(parts),
      config_(std::move(config)),
      listeners_(
          executor, [this](Arrival arrival) { take(std::move(arrival)); },
          [this](Ipv4 source, std::uint16_t port, std::string bytes) {
            take_datagram(source, port, std::move(bytes));
          }),
      intake_(std::move(spool), executor, [this] { drain_.wake(); }),
      drain_(executor, parts.db, intake_, config_.host_name),
      uses_(parts.db, intake_, clock_),
      host_lock_(parts.db, config_.host_name, [this](bool held) { on_host_lock(held); }),
      grants_(parts.db, parts.vault, clock_),
      approvals_(
          executor, parts.db, config_.approval_lifetime,
          [this](AgentId agent, std::uint8_t scope) { return intake_.check_limits(agent, scope); },
          [this](const auto& asker, const auto& told) { tell_approval(asker, told); }),
      tasks_(executor),
      reload_alarm_(executor) {}

Supervisor::~Supervisor() = default;

Status Supervisor::start() {
  const ListenPorts ports{.address = config_.gateway,
                          .proxy = config_.proxy_port,
                          .transparent = config_.transparent_port,
                          .dns = config_.dns_port};
  if (auto listening = listeners_.start(ports); !listening) return listening;
  if (config_.admin_port) {
    admin_ = std::make_unique<net::HttpServer>(
        executor_, [this](http::Request request) { return answer(std::move(request)); });
    const auto port = admin_->listen_tcp(config_.admin_address, *config_.admin_port);
    if (!port) return context("metrics listener", port.error());
    admin_port_ = *port;
  }
  parts_.listener.listen("deployclaw_policy", [this](const db::Notification&) {
    reload_wanted_ = true;
    reload_alarm_.cancel();
  });
  parts_.listener.listen("deployclaw_approvals", [this](const db::Notification& told) {
    if (told.gap) {
      approvals_.look_at_all();
    } else {
      approvals_.on_notification(told.payload);
    }
  });
  parts_.listener.listen("deployclaw_credential_tests", [this](const db::Notification&) {
    reload_wanted_ = true;
    reload_alarm_.cancel();
  });
  tasks_.spawn("reload", reload_loop());
  drain_.before_writing([this](std::uint64_t position) { return load_uses(position); });
  tasks_.spawn("approvals", approvals_.run());
  tasks_.spawn("audit drain", drain_.run());
  tasks_.spawn("host lock", host_lock_.run());
  tasks_.spawn("prune", prune_loop());
  return {};
}

Task<void> Supervisor::stop() {
  co_await listeners_.stop();
  if (admin_) co_await admin_->stop(std::chrono::milliseconds(200));
  for (auto& [id, client] : clients_) {
    if (client.worker) client.worker->drain();
  }
  // Outcomes of what the workers end now; then what there is goes to the database, if it answers.
  co_await sleep_for(std::chrono::milliseconds(300));
  for (auto& [id, client] : clients_) {
    if (client.worker) client.worker->close();
  }
  co_await sleep_for(std::chrono::milliseconds(300));
  tasks_.cancel();
  co_await approvals_.stop();
  co_await tasks_.join();
  (void)co_await drain_.drain_last();
}

// ---- Connections.

Supervisor::Client* Supervisor::client_of(Ipv4 source, AgentId& agent) {
  const auto found = by_address_.find(source);
  if (found == by_address_.end()) return nullptr;
  agent = found->second.second;
  const auto client = clients_.find(found->second.first);
  return client == clients_.end() ? nullptr : &client->second;
}

void Supervisor::take(Arrival arrival) {
  AgentId agent;
  Client* client = client_of(arrival.source, agent);
  if (client == nullptr) {
    // The firewall vouches for the address, so it is an agent too new to be known: look again soon.
    ++strangers_;
    reload_wanted_ = true;
    reload_alarm_.cancel();
    return;
  }
  ++connections_;
  const ConnectionMessage message{.agent = agent,
                                  .entrance = arrival.entrance,
                                  .destination = arrival.destination,
                                  .port = arrival.port};
  auto packet = encode(message);
  if (auto given = worker_of(*client).hand_over(std::move(packet), std::move(arrival.socket));
      !given) {
    // An agent can knock as often as it likes.
    const auto suppressed = client->dropped.admit(LogLimiter::Clock::now());
    if (!suppressed) return;
    log::warn("a connection was dropped", {{"agent", agent.to_string()},
                                           {"cause", given.error().message},
                                           {"suppressed", *suppressed}});
  }
}

void Supervisor::take_datagram(Ipv4 source, std::uint16_t port, std::string bytes) {
  AgentId agent;
  Client* client = client_of(source, agent);
  if (client == nullptr || bytes.empty()) return;
  const DatagramMessage message{
      .agent = agent, .address = source.to_uint(), .port = port, .bytes = std::move(bytes)};
  (void)worker_of(*client).hand_over(encode(message), linux::UniqueFd());
}

void Supervisor::from_worker(ClientId client, Packet packet) {
  const auto kind = kind_of(packet.bytes);
  if (!kind) return;
  if (*kind == MessageKind::kRenewed) {  // before others copy what may be in it
    auto renewed = read_renewed(packet.bytes);
    wipe_string(packet.bytes);
    if (renewed) keep_renewed(client, std::move(*renewed));
    return;
  }
  const auto is_of_client = [&](AgentId agent) {
    const auto found = clients_.find(client);
    return found != clients_.end() &&
           std::ranges::any_of(found->second.desired.agents,
                               [&](const auto& one) { return one.id == agent; });
  };
  if (take_approval(client, packet)) return;
  if (const auto tested = read_test_answer(packet.bytes)) {
    take_test_answer(client, *tested);
    return;
  }
  if (const auto answer = read_datagram(packet.bytes)) {
    const Ipv4 to(answer->address);
    const auto found = by_address_.find(to);
    // Only to an agent of this very client.
    if (found == by_address_.end() || found->second.first != client) return;
    listeners_.send_datagram(to, answer->port, answer->bytes);
  } else if (auto assigned = read_assigned(packet.bytes)) {
    if (!is_of_client(assigned->agent) || assigned->name.size() > 253) return;
    auto& known = addresses_[assigned->agent];
    if (known.size() < 65'536) known[assigned->address] = std::move(assigned->name);
  } else if (auto used = read_used(packet.bytes)) {
    if (!is_of_client(used->agent) || used->credential.size() > 64) return;
    auto& last = touched_[{used->agent, used->credential}];
    const auto now = std::chrono::steady_clock::now();
    if (now - last < kTouchEvery) return;
    last = now;
    tasks_.spawn("touch credential", [](db::Database* db, UsedMessage m) -> Task<void> {
      auto name = std::move(m.credential);
      (void)co_await store::touch_credential(*db, m.agent, std::move(name));
    }(&parts_.db, std::move(*used)));
  } else if (const auto idle = read_idle(packet.bytes)) {
    const auto found = clients_.find(client);
    if (found != clients_.end() && found->second.worker) {
      found->second.worker->note_idle(idle->connections);
    }
  }
}

void Supervisor::keep_renewed(ClientId id, RenewedMessage message) {
  const auto client = clients_.find(id);
  if (client == clients_.end()) return;
  const auto& agents = client->second.desired.agents;
  const auto agent = std::ranges::find(agents, message.agent, &store::EgressAgent::id);
  if (agent == agents.end()) return;
  const auto credential =
      std::ranges::find(agent->credentials, message.credential, &store::EgressCredential::name);
  if (credential == agent->credentials.end()) return;
  tasks_.spawn("keep a renewed token",
               grants_.keep(client->second.desired, *credential, std::move(message)));
}

// ---- Policy.

Task<void> Supervisor::reload_loop() {
  while (true) {
    if (!std::exchange(reload_wanted_, false)) {
      reload_alarm_.expires_after(loaded_ ? config_.reload_every : std::chrono::milliseconds(500));
      co_await reload_alarm_.async_wait(kAwait);
      reload_wanted_ = false;
    }
    const bool slept = co_await sleep_for(kGather);
    if (!slept) co_return;
    co_await claim_tests();
    const auto done = co_await reload();
    if (!done) {
      if (done.error().code == Code::kCancelled) co_return;
      log::warn("policy not read; going on with what is known", {{"cause", done.error().message}});
    }
    loaded_ = loaded_ || done.has_value();
    if (done) begin_tests();
    tend_workers();
  }
}

Task<Status> Supervisor::reload() {
  auto host = config_.host_name;
  auto clients = co_await store::list_egress_clients(parts_.db, std::move(host));
  if (!clients) co_return fail(clients.error());
  apply(std::move(*clients));
  co_return Status{};
}

void Supervisor::apply(std::vector<store::EgressClient> clients) {
  by_address_.clear();
  std::set<ClientId> seen;
  std::set<AgentId> agents;
  for (auto& client : clients) {
    seen.insert(client.id);
    for (const auto& agent : client.agents) {
      agents.insert(agent.id);
      const auto address = linux::parse_ipv4(agent.address);
      if (address) by_address_[*address] = {client.id, agent.id};
    }
    adopt(std::move(client));
  }
  for (auto& [id, client] : clients_) {
    // Its last agent is gone.
    if (!seen.contains(id) && client.worker) client.worker->close();
  }
  std::erase_if(clients_, [&](const auto& entry) {
    return !seen.contains(entry.first) && !entry.second.worker;
  });
  forget_others(std::move(agents));
}

// What is held of agents that are deleted, or on another host now.
void Supervisor::forget_others(std::set<AgentId> agents) {
  const bool fewer = !std::ranges::includes(agents, agents_);
  agents_ = std::move(agents);
  if (!fewer) return;
  uses_.forget_others(agents_);
  std::erase_if(addresses_, [&](const auto& entry) { return !agents_.contains(entry.first); });
  std::erase_if(touched_, [&](const auto& entry) { return !agents_.contains(entry.first.first); });
}

// Now and then, and soon after a start; what fails is tried at the next turn.
Task<void> Supervisor::prune_loop() {
  for (bool slept = co_await sleep_for(kFirstPrune); slept;
       slept = co_await sleep_for(kPruneEvery)) {
    const auto pruned = co_await store::prune_charges(parts_.db);
    if (!pruned) log::warn("old uses are not deleted", {{"cause", pruned.error().message}});
  }
}

bool same_policy(const store::EgressClient& a, const store::EgressClient& b) {
  const auto same_credential = [](const store::EgressCredential& x,
                                  const store::EgressCredential& y) {
    return x.name == y.name && x.kind == y.kind && x.hosts == y.hosts &&
           x.placeholder == y.placeholder && x.sealed == y.sealed &&
           x.sealed_grant == y.sealed_grant && x.expires_at == y.expires_at;
  };
  return a.active == b.active && a.certificate == b.certificate &&
         std::ranges::equal(a.agents, b.agents, [&](const auto& x, const auto& y) {
           return x.id == y.id && x.permissions == y.permissions &&
                  std::ranges::equal(x.credentials, y.credentials, same_credential);
         });
}

Task<Status> Supervisor::load_uses(std::uint64_t position) {
  if (!host_lock_.held()) co_return Status{};
  auto loaded = co_await uses_.load(position);
  co_return loaded;
}

void Supervisor::on_host_lock(bool held) {
  if (held) {
    drain_.wake();
  } else {
    uses_.forget_all();
  }
}

// They hold from now on, whether a worker hears of the new policy or not.
void Supervisor::set_limits(const store::EgressClient& client) {
  std::vector<std::pair<AgentId, domain::AgentLimits>> limits;
  std::vector<AgentId> agents;
  for (const auto& agent : client.agents) {
    std::vector<FieldError> errors;
    const auto permissions = domain::read_permissions(agent.permissions, "", errors);
    if (!errors.empty()) continue;  // it has no policy either
    limits.emplace_back(agent.id, domain::limits_of(permissions, client.plan));
    agents.push_back(agent.id);
  }
  intake_.set_limits(std::move(limits));
  if (uses_.want(agents)) drain_.wake();
}

void Supervisor::adopt(store::EgressClient next) {
  auto& client = clients_[next.id];
  const bool changed = client.version == 0 || !same_policy(client.desired, next);
  const auto id = next.id;
  // Before a worker is told of them.
  std::vector<AgentId> agents;
  for (const auto& agent : next.agents) agents.push_back(agent.id);
  intake_.add_agents(id, std::move(agents));
  set_limits(next);
  client.desired = std::move(next);
  if (!changed) return;
  ++client.version;
  if (client.worker) tasks_.spawn("configure worker", configure(id, client.version));
}

Task<Result<WorkerCredential>> Supervisor::open_credential(const store::EgressClient& client,
                                                           AgentId agent,
                                                           store::EgressCredential credential) {
  const bool renews = !credential.sealed_grant.empty();
  vault::SealContext context{.client = client.id,
                             .client_salt = client.salt,
                             .agent = agent,
                             .name = credential.name,
                             .purpose = renews ? vault::kOAuthGrant : vault::kCredential};
  WorkerCredential ours{.name = std::move(credential.name),
                        .kind = std::move(credential.kind),
                        .hosts = std::move(credential.hosts),
                        .placeholder = std::move(credential.placeholder),
                        .value = {},
                        .expires_at = credential.expires_at};
  if (renews) ours.grant_name = grant_name(credential.sealed_grant);
  auto sealed = renews ? std::move(credential.sealed_grant) : std::move(credential.sealed);
  auto value = co_await parts_.vault.open(std::move(context), std::move(sealed));
  if (!value) co_return fail(value.error());
  if (!renews) {
    ours.value = std::move(*value);
    co_return ours;
  }
  auto grant = services::read_grant(*value);
  if (!grant) co_return fail(grant.error());
  ours.value = std::move(grant->access_token);
  ours.grant = std::move(*grant);
  co_return ours;
}

Task<Result<WorkerConfig>> Supervisor::open_all(store::EgressClient client, std::uint64_t version) {
  WorkerConfig config;
  config.version = version;
  config.client = client.id;
  config.active = client.active;
  config.deadlines = config_.deadlines;
  config.nameservers = config_.nameservers;
  config.pins = config_.pins;
  config.authority_certificate = client.certificate;
  if (!client.certificate.empty()) {
    vault::SealContext context{.client = client.id,
                               .client_salt = client.salt,
                               .agent = {},
                               .name = vault::kClientCaName,
                               .purpose = vault::kClientCa};
    auto sealed = client.sealed_key;
    auto key = co_await parts_.vault.open(std::move(context), std::move(sealed));
    if (!key) co_return fail(key.error());
    config.authority_key = std::move(*key);
  }
  for (auto& agent : client.agents) {
    WorkerAgent& ours = config.agents.emplace_back();
    ours.id = agent.id;
    ours.permissions = agent.permissions;
    if (const auto known = addresses_.find(agent.id); known != addresses_.end()) {
      ours.addresses = known->second;
    }
    for (auto& credential : agent.credentials) {
      auto opened = co_await open_credential(client, agent.id, std::move(credential));
      if (!opened) co_return fail(opened.error());
      ours.credentials.push_back(std::move(*opened));
    }
  }
  co_return config;
}

Task<void> Supervisor::configure(ClientId id, std::uint64_t version) {
  const auto found = clients_.find(id);
  if (found == clients_.end() || !found->second.worker) co_return;
  found->second.worker->configuring = true;
  auto copy = found->second.desired;
  auto config = co_await open_all(std::move(copy), version);
  const auto again = clients_.find(id);
  if (again == clients_.end() || !again->second.worker) co_return;
  WorkerHandle& worker = *again->second.worker;
  worker.configuring = false;
  if (again->second.version != version) co_return;  // overtaken by a newer one
  Status given = config ? worker.configure(*config) : fail(config.error());
  if (given) {
    hand_over_tests(again->second);
    co_return;
  }
  log::error("a worker has no configuration",
             {{"client", id.to_string()}, {"cause", given.error().message}});
  // What it holds is out of date: fail closed. What arrives starts another.
  if (worker.version() != 0) worker.close();
}

}  // namespace deployclaw::egress
