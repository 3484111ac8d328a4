#include "egress/messages.hpp"

#include <cstring>

#include "domain/permissions.hpp"
#include "services/oauth_grant.hpp"

namespace deployclaw::egress {
namespace {

// Fixed-width values in the machine's own order: both ends are one binary on one machine.
class Writer {
 public:
  explicit Writer(MessageKind kind) { put(kind); }
  // Goes on behind what is there.
  explicit Writer(std::string begun) : out_(std::move(begun)) {}
  template <class T>
  Writer& put(const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    out_.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  // A text with its length, at most 64 KiB.
  Writer& text(std::string_view text) {
    put(static_cast<std::uint16_t>(text.size()));
    out_ += text;
    return *this;
  }
  // Room, so that growing leaves no copy of a secret behind.
  Writer& reserve(std::size_t room) {
    out_.reserve(room);
    return *this;
  }
  // Takes the rest of the packet.
  std::string rest(std::string_view text) && {
    out_ += text;
    return std::move(out_);
  }
  std::string done() && { return std::move(out_); }

 private:
  std::string out_;
};

class Reader {
 public:
  Reader(std::string_view packet, MessageKind wanted) : rest_(packet) {
    MessageKind kind{};
    get(kind);
    good_ = good_ && kind == wanted;
  }
  template <class T>
  void get(T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    if (rest_.size() < sizeof value) {
      good_ = false;
      return;
    }
    std::memcpy(&value, rest_.data(), sizeof value);
    rest_.remove_prefix(sizeof value);
  }
  std::string_view text() {
    std::uint16_t size = 0;
    get(size);
    if (!good_ || rest_.size() < size) {
      good_ = false;
      return {};
    }
    const auto text = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return text;
  }
  std::string rest() { return std::string(std::exchange(rest_, {})); }
  [[nodiscard]] bool more() const { return good_ && !rest_.empty(); }
  [[nodiscard]] bool good() const { return good_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool good_ = true;
};

template <class T>
std::optional<T> checked(const Reader& reader, T&& message) {
  if (!reader.good()) return std::nullopt;
  return std::forward<T>(message);
}

// Why the ledger refused, or zero for a kind when it did not.
constexpr auto kNoLimit = LimitRefusal::Kind{};

void put_limit(Writer& writer, const LimitRefusal& limit) {
  writer.put(limit.kind).put(limit.scope).put(limit.window).put(limit.max);
  writer.put(limit.retry_after_seconds).put(limit.cap).put(limit.spent);
}

// False for what put_limit() never writes.
bool get_limit(Reader& reader, std::optional<LimitRefusal>& out) {
  LimitRefusal limit;
  reader.get(limit.kind);
  reader.get(limit.scope);
  reader.get(limit.window);
  reader.get(limit.max);
  reader.get(limit.retry_after_seconds);
  reader.get(limit.cap);
  reader.get(limit.spent);
  if (limit.kind == kNoLimit) return limit == LimitRefusal{.kind = kNoLimit};
  out = limit;
  const bool window = limit.window == domain::Window::kHour || limit.window == domain::Window::kDay;
  return window && limit.kind <= LimitRefusal::Kind::kNotReady;
}

}  // namespace

std::optional<MessageKind> kind_of(std::string_view packet) {
  if (packet.empty()) return std::nullopt;
  const auto kind = static_cast<std::uint8_t>(packet[0]);
  if (kind < 1 || kind > static_cast<std::uint8_t>(MessageKind::kApprovalReturn)) {
    return std::nullopt;
  }
  return static_cast<MessageKind>(kind);
}

std::string encode(MessageKind plain) { return Writer(plain).done(); }

std::string encode(const ConnectionMessage& m) {
  Writer writer(MessageKind::kConnection);
  writer.put(m.agent).put(m.entrance).put(m.destination.to_uint()).put(m.port);
  return std::move(writer).done();
}

std::optional<ConnectionMessage> read_connection(std::string_view packet) {
  Reader reader(packet, MessageKind::kConnection);
  ConnectionMessage m;
  Ipv4::uint_type destination = 0;
  reader.get(m.agent);
  reader.get(m.entrance);
  reader.get(destination);
  reader.get(m.port);
  m.destination = Ipv4(destination);
  return checked(reader, std::move(m));
}

std::string encode(const DatagramMessage& m) {
  Writer writer(MessageKind::kDatagram);
  writer.put(m.agent).put(m.address).put(m.port);
  return std::move(writer).rest(m.bytes);
}

std::optional<DatagramMessage> read_datagram(std::string_view packet) {
  Reader reader(packet, MessageKind::kDatagram);
  DatagramMessage m;
  reader.get(m.agent);
  reader.get(m.address);
  reader.get(m.port);
  m.bytes = reader.rest();
  return checked(reader, std::move(m));
}

std::string encode(const AssignedMessage& m) {
  Writer writer(MessageKind::kAssigned);
  writer.put(m.agent).put(m.address);
  return std::move(writer).rest(m.name);
}

std::optional<AssignedMessage> read_assigned(std::string_view packet) {
  Reader reader(packet, MessageKind::kAssigned);
  AssignedMessage m;
  reader.get(m.agent);
  reader.get(m.address);
  m.name = reader.rest();
  return checked(reader, std::move(m));
}

std::string encode(const UsedMessage& m) {
  Writer writer(MessageKind::kUsed);
  writer.put(m.agent);
  return std::move(writer).rest(m.credential);
}

std::optional<UsedMessage> read_used(std::string_view packet) {
  Reader reader(packet, MessageKind::kUsed);
  UsedMessage m;
  reader.get(m.agent);
  m.credential = reader.rest();
  return checked(reader, std::move(m));
}

std::string encode(const IdleMessage& m) {
  Writer writer(MessageKind::kIdle);
  writer.put(m.connections);
  return std::move(writer).done();
}

std::optional<IdleMessage> read_idle(std::string_view packet) {
  Reader reader(packet, MessageKind::kIdle);
  IdleMessage m;
  reader.get(m.connections);
  return checked(reader, std::move(m));
}

std::string encode(const RenewedMessage& m) {
  Writer writer(MessageKind::kRenewed);
  writer.reserve(m.credential.size() + m.grant_name.size() + m.access_token.size() +
                 m.refresh_token.size() + 64);
  writer.put(m.agent).put(m.lifetime).text(m.credential).text(m.grant_name);
  writer.text(m.access_token.expose_text()).text(m.refresh_token.expose_text());
  return std::move(writer).done();
}

std::optional<RenewedMessage> read_renewed(std::string_view packet) {
  constexpr std::size_t kMostName = 64;
  Reader reader(packet, MessageKind::kRenewed);
  RenewedMessage m;
  reader.get(m.agent);
  reader.get(m.lifetime);
  m.credential = reader.text();
  m.grant_name = reader.text();
  const auto access = reader.text();
  const auto refresh = reader.text();
  const bool names = !m.credential.empty() && m.credential.size() <= kMostName &&
                     !m.grant_name.empty() && m.grant_name.size() <= kMostName;
  const bool tokens =
      services::is_oauth_text(access, services::kMostTokenBytes) &&
      (refresh.empty() || services::is_oauth_text(refresh, services::kMostTokenBytes));
  if (!names || !tokens || m.lifetime == 0) return std::nullopt;
  m.access_token = Secret::copy_of(access);
  m.refresh_token = Secret::copy_of(refresh);
  return checked(reader, std::move(m));
}

void append(std::string& packet, const RecordMessage& m) {
  constexpr std::size_t kHead = 96;  // and more than that
  const std::size_t room = packet.size() + kHead + m.json.size();
  // The kind of packet stands once, before the first.
  const bool first = packet.empty();
  Writer writer(std::move(packet));
  writer.reserve(room);
  if (first) writer.put(MessageKind::kRecords);
  writer.put(m.kind).put(m.agent).put(m.id);
  writer.put(m.charge.scope).put(m.charge.least).put(m.charge.wanted);
  writer.put(m.amount).put(m.layer).put(m.denials).text(m.json);
  packet = std::move(writer).done();
}

std::optional<std::vector<RecordMessage>> read_records(std::string_view packet) {
  Reader reader(packet, MessageKind::kRecords);
  std::vector<RecordMessage> all;
  do {
    auto& m = all.emplace_back();
    reader.get(m.kind);
    reader.get(m.agent);
    reader.get(m.id);
    reader.get(m.charge.scope);
    reader.get(m.charge.least);
    reader.get(m.charge.wanted);
    reader.get(m.amount);
    reader.get(m.layer);
    reader.get(m.denials);
    m.json = reader.text();
    const bool told = m.kind >= RecordKind::kIntent && m.kind <= RecordKind::kEvent;
    if (!told && m.kind != RecordKind::kLower) return std::nullopt;
    const auto scope = m.charge.scope;
    if (scope != kNoScope && scope >= domain::kScopes.size()) return std::nullopt;
  } while (reader.more());
  return checked(reader, std::move(all));
}

std::string encode(const DurableMessage& m) {
  Writer writer(MessageKind::kDurable);
  writer.put(m.sequence).put(m.refused);
  for (const auto& answer : m.answers) {
    writer.put(answer.id).put(answer.refused).put(answer.grant.micro_dollars);
    put_limit(writer, answer.limit.value_or(LimitRefusal{.kind = kNoLimit}));
  }
  return std::move(writer).done();
}

std::optional<DurableMessage> read_durable(std::string_view packet) {
  Reader reader(packet, MessageKind::kDurable);
  DurableMessage m;
  reader.get(m.sequence);
  reader.get(m.refused);
  if (m.refused > Refusal::kForeignAgent) return std::nullopt;
  while (reader.more()) {
    auto& answer = m.answers.emplace_back();
    reader.get(answer.id);
    reader.get(answer.refused);
    reader.get(answer.grant.micro_dollars);
    if (!get_limit(reader, answer.limit)) return std::nullopt;
    if (answer.refused > Refusal::kForeignAgent) return std::nullopt;
    if (m.answers.size() > kMostAnswers) return std::nullopt;
  }
  return checked(reader, std::move(m));
}

std::string encode(const ApprovalTextMessage& m) {
  Writer writer(MessageKind::kApprovalText);
  writer.put(m.hold);
  return std::move(writer).rest(m.bytes);
}

std::optional<ApprovalTextMessage> read_approval_text(std::string_view packet) {
  Reader reader(packet, MessageKind::kApprovalText);
  ApprovalTextMessage m;
  reader.get(m.hold);
  m.bytes = reader.rest();
  return checked(reader, std::move(m));
}

std::string encode(const ApprovalMessage& m) {
  Writer writer(MessageKind::kApproval);
  writer.put(m.agent).put(m.hold).put(m.digest).text(m.scope).text(m.target);
  return std::move(writer).done();
}

std::optional<ApprovalMessage> read_approval(std::string_view packet) {
  Reader reader(packet, MessageKind::kApproval);
  ApprovalMessage m;
  reader.get(m.agent);
  reader.get(m.hold);
  reader.get(m.digest);
  m.scope = reader.text();
  m.target = reader.text();
  if (m.scope.empty() || m.scope.size() > 64 || m.target.size() > 512) return std::nullopt;
  return checked(reader, std::move(m));
}

std::string encode(const ApprovalDropMessage& m) {
  Writer writer(MessageKind::kApprovalDrop);
  writer.put(m.hold);
  return std::move(writer).done();
}

std::optional<ApprovalDropMessage> read_approval_drop(std::string_view packet) {
  Reader reader(packet, MessageKind::kApprovalDrop);
  ApprovalDropMessage m;
  reader.get(m.hold);
  return checked(reader, std::move(m));
}

std::string encode(const ApprovalReturnMessage& m) {
  Writer writer(MessageKind::kApprovalReturn);
  writer.put(m.hold);
  return std::move(writer).done();
}

std::optional<ApprovalReturnMessage> read_approval_return(std::string_view packet) {
  Reader reader(packet, MessageKind::kApprovalReturn);
  ApprovalReturnMessage m;
  reader.get(m.hold);
  return checked(reader, std::move(m));
}

std::string encode(const ApprovalAnswerMessage& m) {
  Writer writer(MessageKind::kApprovalAnswer);
  writer.put(m.hold).put(m.verdict).put(m.id).put(m.expires_at);
  put_limit(writer, m.limit.value_or(LimitRefusal{.kind = kNoLimit}));
  return std::move(writer).done();
}

std::optional<ApprovalAnswerMessage> read_approval_answer(std::string_view packet) {
  Reader reader(packet, MessageKind::kApprovalAnswer);
  ApprovalAnswerMessage m;
  reader.get(m.hold);
  reader.get(m.verdict);
  reader.get(m.id);
  reader.get(m.expires_at);
  if (!get_limit(reader, m.limit)) return std::nullopt;
  if (m.verdict < ApprovalVerdict::kPending || m.verdict > ApprovalVerdict::kLimited) {
    return std::nullopt;
  }
  if (m.limit.has_value() != (m.verdict == ApprovalVerdict::kLimited)) return std::nullopt;
  return checked(reader, std::move(m));
}

std::string encode(const TestMessage& m) {
  Writer writer(MessageKind::kTest);
  writer.put(m.id).put(m.agent);
  return std::move(writer).rest(m.credential);
}

std::optional<TestMessage> read_test(std::string_view packet) {
  Reader reader(packet, MessageKind::kTest);
  TestMessage m;
  reader.get(m.id);
  reader.get(m.agent);
  m.credential = reader.rest();
  return checked(reader, std::move(m));
}

std::string encode(const TestAnswerMessage& m) {
  Writer writer(MessageKind::kTestAnswer);
  writer.put(m.id).put(m.reason).put(m.status);
  return std::move(writer).done();
}

std::optional<TestAnswerMessage> read_test_answer(std::string_view packet) {
  Reader reader(packet, MessageKind::kTestAnswer);
  TestAnswerMessage m;
  reader.get(m.id);
  reader.get(m.reason);
  reader.get(m.status);
  const bool known = static_cast<int>(m.reason) < domain::kTestReasons;
  const bool status = m.status == 0 || (m.status >= 100 && m.status <= 599);
  if (!known || !status) return std::nullopt;
  return checked(reader, std::move(m));
}

}  // namespace deployclaw::egress
