#include "egress/worker.hpp"

#include <fmt/format.h>
#include <malloc.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <boost/asio/ip/tcp.hpp>

#include "base/log.hpp"
#include "base/random.hpp"
#include "dns/answer.hpp"
#include "dns/nameserver.hpp"
#include "linux/address_pool.hpp"
#include "scrub/scrubber.hpp"

namespace deployclaw::egress {

namespace asio = boost::asio;

namespace {
constexpr std::size_t kMostConnections = 4'096;
constexpr std::chrono::seconds kTend{1};
constexpr std::chrono::seconds kTellUsed{5};

Result<dns::ResolverConfig> resolver_config(const WorkerConfig& config) {
  dns::ResolverConfig out;
  for (const auto& text : config.nameservers) {
    auto server = dns::parse_nameserver(text);
    if (!server) return fail(server.error());
    out.nameservers.push_back(*server);
  }
  for (const auto& [name, addresses] : config.pins) {
    for (const auto& text : addresses) {
      boost::system::error_code error;
      const auto address = asio::ip::make_address(text, error);
      if (error) return fail(Code::kInvalid, "not an address: " + text);
      out.pins[name].push_back(address);
    }
  }
  return out;
}

}  // namespace

RequestIds::RequestIds() {
  std::array<unsigned char, sizeof last_> start{};
  random_bytes(start);
  last_ = std::bit_cast<std::uint64_t>(start);
}

std::string RequestIds::next() { return fmt::format("{:016x}", ++last_); }

Worker::Worker(asio::io_context& io, WorkerParts& parts, linux::UniqueFd channel,
               linux::UniqueFd audit)
    : io_(io),
      parts_(parts),
      channel_(io.get_executor(), std::move(channel)),
      timer_(io.get_executor()),
      trail_(io.get_executor(), std::move(audit)),
      tasks_(io.get_executor()) {}

Worker::~Worker() = default;

Task<void> Worker::run() {
  tasks_.spawn("audit answers", trail_.run());
  tasks_.spawn("tend", tend());
  while (true) {
    auto packet = co_await channel_.receive();
    if (!packet) break;
    take(std::move(*packet));
  }
  close_all();
  if (tester_) co_await tester_->stop();
  if (renewer_) co_await renewer_->stop();
  tasks_.cancel();
  co_await tasks_.join();
  trail_.close();
}

void Worker::take(Packet packet) {
  const auto kind = kind_of(packet.bytes);
  if (!kind) return;
  if (*kind == MessageKind::kConfigure) {
    if (auto done = configure(packet.fd); !done) {
      // Fail closed: without its configuration a worker may do nothing.
      log::error("configuration refused", {{"cause", done.error().message}});
      channel_.close();
    }
  } else if (*kind == MessageKind::kDrain) {
    draining_ = true;
    close_all();
  } else if (const auto connection = read_connection(packet.bytes)) {
    take_connection(*connection, std::move(packet.fd));
  } else if (const auto approval = read_approval_answer(packet.bytes)) {
    if (approvals_) approvals_->take(*approval);
  } else if (auto test = read_test(packet.bytes)) {
    if (tester_ && !draining_) tester_->test(std::move(*test));
  } else if (auto datagram = read_datagram(packet.bytes)) {
    take_datagram(std::move(*datagram));
  }
}

void Worker::close_all() {
  for (const auto& connection : connections_) connection->close();
}

// ---- Configuration.

Status Worker::configure(const linux::UniqueFd& memory) {
  auto config = open_config(memory);
  if (!config) return fail(config.error());
  if (!shared_) {
    if (auto prepared = prepare(*config); !prepared) return prepared;
  }
  if (auto taken = take_authority(*config); !taken) return taken;
  shared_->deadlines = config->deadlines;
  std::vector<std::string> problems;
  shared_->agents = compile_agents(parts_.catalogue, *config, problems);
  for (const auto& problem : problems) {
    log::error("an agent's policy cannot be compiled; it reaches nothing", {{"cause", problem}});
  }
  take_names(*config);
  renewer_->on_new_configuration();
  for (const auto& connection : connections_) connection->on_new_policy();
  return {};
}

Status Worker::prepare(const WorkerConfig& config) {
  auto resolving = resolver_config(config);
  if (!resolving) return fail(resolving.error());
  auto resolver = dns::Resolver::create(io_.get_executor(), std::move(*resolving));
  if (!resolver) return fail(resolver.error());
  resolver_ = std::move(*resolver);
  trail_.clean_with([this](AgentId agent, std::string& json) {
    const auto context = shared_->agent(agent);
    if (!context) return;
    scrub::Scrubber scrubber(context->response_patterns);
    scrubber.scrub(json.data(), json.size(), true);
  });
  upstreams_ = std::make_unique<Upstreams>(io_.get_executor(), timer_, *resolver_, parts_.tls);
  shared_ = std::make_unique<WorkerShared>(
      WorkerShared{.executor = io_.get_executor(),
                   .clock = clock_,
                   .timer = timer_,
                   .trail = trail_,
                   .upstreams = *upstreams_,
                   .on_used = [this](AgentId agent,
                                     std::string_view credential) { tell_used(agent, credential); },
                   .prices = parts_.prices});
  renewer_ = std::make_unique<TokenRenewer>(*shared_, [this](const RenewedMessage& message) {
    auto packet = encode(message);
    auto sent = channel_.send(packet);
    wipe_string(packet);
    return sent;
  });
  shared_->renewer = renewer_.get();
  approvals_ = std::make_unique<ApprovalDesk>(
      io_.get_executor(), [this](std::string_view packet) { return channel_.send(packet); });
  shared_->approvals = approvals_.get();
  tester_ = std::make_unique<CredentialTester>(
      *shared_, [this](const TestAnswerMessage& answer) { (void)channel_.send(encode(answer)); });
  return {};
}

// When a credential was last used is for people to read: the first use and then every few seconds'.
void Worker::tell_used(AgentId agent, std::string_view credential) {
  const auto now = std::chrono::steady_clock::now();
  const auto [entry, first] = used_.try_emplace({agent, std::string(credential)}, now);
  if (!first && now - entry->second < kTellUsed) return;
  entry->second = now;
  (void)channel_.send(encode(UsedMessage{.agent = agent, .credential = entry->first.second}));
}

Status Worker::take_authority(const WorkerConfig& config) {
  if (config.authority_certificate == authority_) return {};
  auto minter = crypto::LeafMinter::create(config.authority_certificate, config.authority_key);
  if (!minter) return fail(minter.error());
  auto contexts = net::TlsServerContexts::create(std::move(*minter), clock_);
  if (!contexts) return fail(contexts.error());
  shared_->authority = std::make_unique<net::TlsServerContexts>(std::move(*contexts));
  authority_ = config.authority_certificate;
  return {};
}

// Addresses that an earlier worker gave out go on to mean the same.
void Worker::take_names(const WorkerConfig& config) {
  for (const auto& agent : config.agents) {
    if (shared_->names.contains(agent.id)) continue;
    auto& names = shared_->names[agent.id];
    dns::SyntheticTable table;
    for (const auto& [address, name] : agent.addresses) {
      table.entries.push_back({.host = name, .address = Ipv4(address)});
    }
    table.next = static_cast<std::uint32_t>(table.entries.size() + 1);
    names.addresses.preload(table);
  }
}

// ---- Connections.

void Worker::take_connection(const ConnectionMessage& message, linux::UniqueFd socket) {
  if (!shared_ || draining_ || !socket.valid()) return;
  if (connections_.size() >= kMostConnections) return;
  rested_ = false;
  boost::system::error_code error;
  net::StreamSocket stream(io_.get_executor());
  stream.assign(net::StreamSocket::protocol_type(AF_INET, IPPROTO_TCP), dup(socket.get()), error);
  if (error) return;
  if (message.entrance == Entrance::kDns) {
    tasks_.spawn("names", serve_names(std::move(stream), message.agent));
    return;
  }
  auto connection = std::make_shared<Connection>(*shared_, std::move(stream), message);
  connections_.insert(connection);
  tasks_.spawn("connection", [](Worker* self, std::shared_ptr<Connection> one) -> Task<void> {
    co_await one->run();
    self->connections_.erase(one);
  }(this, std::move(connection)));
}

Task<void> Worker::tend() {
  std::uint32_t told = 0;
  while (true) {
    const bool slept = co_await sleep_for(kTend);
    if (!slept) co_return;
    if (upstreams_) upstreams_->sweep();
    for (const auto& connection : connections_) connection->tend();
    // A renewal that was begun is finished: the agent may be gone, the refresh token must not be.
    const auto renewals = renewer_ ? renewer_->running() : 0;
    const auto tests = tester_ ? tester_->running() : 0;
    const auto count =
        static_cast<std::uint32_t>(connections_.size() + name_streams_ + renewals + tests);
    if (count != told || count > 0) (void)channel_.send(encode(IdleMessage{.connections = count}));
    told = count;
    if (draining_ && count == 0) channel_.close();
    if (count == 0 && !std::exchange(rested_, true)) rest();
  }
}

// A host holds many workers, and most have nothing to do: what the last connections needed goes
// back to the kernel, the gaps between what is in use too.
void Worker::rest() {
  if (shared_) shared_->buffers.give_back();
  net::give_back_tls_buffers();
  malloc_trim(0);
}

// ---- Names.

Bytes Worker::answer_name(AgentId agent, std::span<const unsigned char> query) {
  const auto context = shared_->agent(agent);
  const auto admitting = [&](const std::string& host) -> std::optional<std::string> {
    if (!context || !context->policy.client_active()) return std::nullopt;
    return context->policy.admitting_pattern(host, 0);
  };
  auto& names = shared_->names[agent];
  const auto before = names.addresses.size();
  const auto answered =
      dns::answer_query(query, admitting, names.addresses, names.budget, clock_.now());
  if (names.addresses.size() != before && !answered.host.empty()) {
    const AssignedMessage message{.agent = agent,
                                  .address = names.addresses.address_of(answered.host).to_uint(),
                                  .name = answered.host};
    (void)channel_.send(encode(message));
  }
  if (answered.finding == dns::Finding::kNotAdmitted ||
      answered.finding == dns::Finding::kBudgetUsedUp) {
    const bool budget = answered.finding == dns::Finding::kBudgetUsedUp;
    shared_->trail.event(
        agent, {{"actionType", "name_refused"},
                {"target", answered.host.empty() ? "unreadable" : answered.host},
                {"outcome", "denied"},
                {"metadata",
                 {{"layer", "dns"},
                  {"reason", budget ? "too many names below a wildcard within an hour"
                                    : "the agent's permissions do not admit this name"}}}});
  }
  return answered.response;
}

void Worker::take_datagram(DatagramMessage message) {
  if (!shared_ || draining_) return;
  const auto response = answer_name(message.agent, bytes_of(message.bytes));
  if (response.empty()) return;
  message.bytes.assign(reinterpret_cast<const char*>(response.data()), response.size());
  (void)channel_.send(encode(message));
}

// DNS over TCP: each message behind its length (RFC 1035 §4.2.2).
Task<void> Worker::serve_names(net::StreamSocket socket, AgentId agent) {
  net::ByteStream stream(std::move(socket), timer_);
  StreamReader reader(stream);
  ++name_streams_;
  while (true) {
    stream.set_deadline(std::chrono::seconds(10));
    const auto have = reader.unread();
    const std::size_t length =
        have.size() < 2 ? 0
                        : static_cast<std::size_t>(static_cast<unsigned char>(have[0])) << 8 |
                              static_cast<unsigned char>(have[1]);
    if (have.size() < 2 || have.size() < 2 + length) {
      const auto got = co_await reader.fill();
      if (!got || *got == 0) break;
      continue;
    }
    const auto response = answer_name(agent, bytes_of(have.substr(2, length)));
    reader.consume(2 + length);
    if (response.empty()) break;
    std::string out{static_cast<char>(response.size() >> 8), static_cast<char>(response.size())};
    out.append(reinterpret_cast<const char*>(response.data()), response.size());
    const auto written = co_await write_rest(stream, out);
    if (!written) break;
  }
  --name_streams_;
}

int run_worker(WorkerParts& parts, linux::UniqueFd channel, linux::UniqueFd audit) {
  asio::io_context io(1);
  Worker worker(io, parts, std::move(channel), std::move(audit));
  TaskGroup tasks(io.get_executor());
  tasks.spawn("worker", worker.run());
  io.run();
  return 0;
}

}  // namespace deployclaw::egress
