#include "egress/messages.hpp"

#include <cstring>

namespace deployclaw::egress {
namespace {

// Fixed-width values in the machine's own order: both ends are one binary on one machine.
class Writer {
 public:
  explicit Writer(MessageKind kind) { put(kind); }
  template <class T>
  Writer& put(const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    out_.append(reinterpret_cast<const char*>(&value), sizeof value);
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
  std::string rest() { return std::string(std::exchange(rest_, {})); }
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

}  // namespace

std::optional<MessageKind> kind_of(std::string_view packet) {
  if (packet.empty()) return std::nullopt;
  const auto kind = static_cast<std::uint8_t>(packet[0]);
  if (kind < 1 || kind > static_cast<std::uint8_t>(MessageKind::kDurable)) return std::nullopt;
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

std::string encode(const RecordMessage& m) {
  Writer writer(MessageKind::kRecord);
  writer.put(m.kind).put(m.agent).put(m.id);
  return std::move(writer).rest(m.json);
}

std::optional<RecordMessage> read_record(std::string_view packet) {
  Reader reader(packet, MessageKind::kRecord);
  RecordMessage m;
  reader.get(m.kind);
  reader.get(m.agent);
  reader.get(m.id);
  m.json = reader.rest();
  if (m.kind < RecordKind::kIntent || m.kind > RecordKind::kEvent) return std::nullopt;
  return checked(reader, std::move(m));
}

std::string encode(const DurableMessage& m) {
  Writer writer(MessageKind::kDurable);
  writer.put(m.sequence).put(m.refused);
  return std::move(writer).done();
}

std::optional<DurableMessage> read_durable(std::string_view packet) {
  Reader reader(packet, MessageKind::kDurable);
  DurableMessage m;
  reader.get(m.sequence);
  reader.get(m.refused);
  if (m.refused > Refusal::kForeignAgent) return std::nullopt;
  return checked(reader, std::move(m));
}

}  // namespace deployclaw::egress
