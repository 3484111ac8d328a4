#include <fmt/format.h>

#include <boost/json/array.hpp>

#include "base/log.hpp"
#include "egress/supervisor.hpp"
#include "egress/worker_lines.hpp"
#include "http/problem.hpp"

// The supervisor's workers, and what it tells of itself.
namespace deployclaw::egress {

namespace json = boost::json;

namespace {
constexpr std::uint32_t kMostWorkers = 10'000;
constexpr std::chrono::milliseconds kMostWait{10'000};
}  // namespace

WorkerHandle& Supervisor::worker_of(Client& client) {
  if (client.worker) return *client.worker;
  const auto number = next_worker_++ % kMostWorkers;
  auto spawned = parts_.spawner.spawn(number);
  linux::UniqueFd channel;
  if (spawned) {
    intake_.add_worker(std::move(spawned->audit), client.desired.id);
    channel = std::move(spawned->channel);
    tasks_.spawn("worker's lines",
                 carry_worker_lines(std::move(spawned->lines), client.desired.id));
  } else {
    log::error("cannot start a worker", {{"cause", spawned.error().message}});
    // A handle whose other end is closed: what is given to it is dropped.
    auto pair = make_packet_pair();
    if (pair) channel = std::move(pair->first);
  }
  ++workers_started_;
  client.worker = std::make_unique<WorkerHandle>(executor_, number, std::move(channel));
  const auto id = client.desired.id;
  tasks_.spawn("worker", [](Supervisor* self, ClientId owner, WorkerHandle* worker) -> Task<void> {
    while (true) {
      auto packet = co_await worker->receive();
      if (!packet) break;
      self->from_worker(owner, std::move(*packet));
    }
    self->parts_.spawner.kill(worker->number());
    self->approvals_.worker_gone({.client = owner, .worker = worker->number()});
    const auto found = self->clients_.find(owner);
    if (found == self->clients_.end() || found->second.worker.get() != worker) co_return;
    if (worker->connections() > 0) {
      ++self->workers_lost_;
      log::error("a worker ended with open connections", {{"client", owner.to_string()}});
    }
    found->second.given_tests.clear();
    found->second.worker.reset();
  }(this, id, client.worker.get()));
  tasks_.spawn("configure worker", configure(id, client.version));
  return *client.worker;
}

// Runs after every look at the policy: ends idle workers, drops what waited too long, tries again
// to configure those that could not be.
void Supervisor::tend_workers() {
  for (auto& [id, client] : clients_) {
    if (!client.worker) continue;
    client.worker->drop_older_than(kMostWait);
    if (client.worker->version() != client.version && !client.worker->configuring) {
      tasks_.spawn("configure worker", configure(id, client.version));
    }
    if (client.worker->idle_for(config_.worker_idle)) client.worker->close();
  }
}

// True when it was about a request that waits for a person. The database checks whose agent it is.
bool Supervisor::take_approval(ClientId client, const Packet& packet) {
  const auto found = clients_.find(client);
  if (found == clients_.end() || !found->second.worker) return false;
  const ApprovalKeeper::Asker asker{.client = client, .worker = found->second.worker->number()};
  if (auto text = read_approval_text(packet.bytes)) {
    approvals_.take_text(asker, std::move(*text));
  } else if (auto question = read_approval(packet.bytes)) {
    approvals_.ask(asker, std::move(*question));
  } else if (const auto drop = read_approval_drop(packet.bytes)) {
    approvals_.drop(asker, drop->hold);
  } else if (const auto back = read_approval_return(packet.bytes)) {
    approvals_.keep_back(asker, back->hold);
  } else {
    return false;
  }
  return true;
}

void Supervisor::tell_approval(const ApprovalKeeper::Asker& asker,
                               const ApprovalAnswerMessage& answer) {
  const auto found = clients_.find(asker.client);
  if (found == clients_.end() || !found->second.worker ||
      found->second.worker->number() != asker.worker) {
    return;
  }
  (void)found->second.worker->hand_over(encode(answer), linux::UniqueFd());
}

Task<http::Response> Supervisor::answer(http::Request request) {
  if (request.path == "/healthz") co_return http::json_response(200, {{"status", "ok"}});
  if (request.path == "/metrics") {
    http::Response response;
    response.headers.add("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    response.body = metrics();
    co_return response;
  }
  if (request.path != "/readyz") {
    const Error missing{.code = Code::kNotFound, .message = "no such page"};
    co_return http::problem(missing, request.id);
  }
  const std::pair<const char*, bool> checks[] = {{"database", parts_.db.connected()},
                                                 {"policy", loaded_},
                                                 {"audit spool", intake_.writable()}};
  bool all = true;
  json::array list;
  for (const auto& [name, good] : checks) {
    list.push_back(json::object{{"name", name}, {"status", good ? "ok" : "failing"}});
    all = all && good;
  }
  co_return http::json_response(
      all ? 200 : 503, {{"status", all ? "ready" : "not ready"}, {"checks", std::move(list)}});
}

std::string Supervisor::metrics() const {
  std::size_t running = 0;
  std::uint64_t open = 0;
  for (const auto& [id, client] : clients_) {
    if (!client.worker) continue;
    ++running;
    open += client.worker->connections();
  }
  std::string out;
  const auto add = [&](std::string_view name, std::string_view kind, std::string_view help,
                       std::uint64_t value) {
    out += fmt::format("# HELP egress_{0} {1}\n# TYPE egress_{0} {2}\negress_{0} {3}\n", name, help,
                       kind, value);
  };
  add("connections_total", "counter", "Connections of agents.", connections_);
  add("connections_open", "gauge", "Connections that workers hold.", open);
  add("strangers_total", "counter", "Connections from addresses of no known agent.", strangers_);
  add("workers", "gauge", "Worker processes.", running);
  add("workers_started_total", "counter", "Worker processes started.", workers_started_);
  add("workers_lost_total", "counter", "Workers that ended with open connections.", workers_lost_);
  add("approvals_held", "gauge", "Requests that wait for a person.", approvals_.holding());
  add("approvals_used_total", "counter", "Grants of a person that were used.", approvals_.used());
  add("audit_records_total", "counter", "Audit records taken into the spool.", intake_.records());
  add("audit_syncs_total", "counter", "Times the spool was made durable.", intake_.syncs());
  add("audit_lost_records_total", "counter", "Audit records of which only the number is known.",
      intake_.lost());
  add("audit_lost_bytes_total", "counter", "Bytes of the spool that could not be read.",
      drain_.lost_bytes());
  add("audit_waiting_bytes", "gauge", "Bytes of the spool that the database does not have yet.",
      intake_.waiting_bytes());
  return out + intake_.decisions();
}

}  // namespace deployclaw::egress
