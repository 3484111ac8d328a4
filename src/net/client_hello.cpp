#include "net/client_hello.hpp"

#include <algorithm>
#include <optional>

#include "crypto/certificates.hpp"
#include "http/ascii.hpp"

namespace deployclaw::net {
namespace {

constexpr std::size_t kRecordHeader = 5;
constexpr std::size_t kMessageHeader = 4;
constexpr std::size_t kMaxRecord = 16UL * 1024;  // RFC 8446 §5.1
constexpr unsigned char kHandshakeRecord = 22;
constexpr unsigned char kClientHelloMessage = 1;
constexpr std::uint16_t kServerNameExtension = 0;
constexpr std::uint16_t kAlpnExtension = 16;
constexpr std::uint16_t kEchExtension = 0xfe0d;
constexpr std::size_t kMaxExtensions = 128;

// Takes big-endian fields off the front of a text; nullopt once it is too short.
class Reader {
 public:
  explicit Reader(std::string_view rest) : rest_(rest) {}

  [[nodiscard]] bool empty() const { return rest_.empty(); }

  std::optional<std::string_view> take(std::size_t size) {
    if (rest_.size() < size) return std::nullopt;
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  std::optional<std::size_t> number(std::size_t size) {
    const auto bytes = take(size);
    if (!bytes) return std::nullopt;
    std::size_t value = 0;
    for (const char byte : *bytes) value = value << 8U | static_cast<unsigned char>(byte);
    return value;
  }

  // A vector: its length in `size` bytes, then its bytes (RFC 8446 §3.4).
  std::optional<std::string_view> vector(std::size_t size) {
    const auto length = number(size);
    return length ? take(*length) : std::nullopt;
  }

 private:
  std::string_view rest_;
};

ClientHelloPeek refuse(const char* reason) {
  ClientHelloPeek peek;
  peek.state = ClientHelloPeek::State::kRefused;
  peek.reason = reason;
  return peek;
}

ClientHelloPeek more(std::size_t needs) {
  if (needs > kMaxClientHello) return refuse("the ClientHello is too large");
  ClientHelloPeek peek;
  peek.needs = needs;
  return peek;
}

// RFC 6066 §3: a list of exactly one name, of type host_name.
const char* read_server_name(std::string_view data, ClientHello& hello) {
  Reader outer(data);
  const auto list = outer.vector(2);
  if (!list || !outer.empty()) return "the server name extension is malformed";
  Reader entry(*list);
  const auto type = entry.number(1);
  const auto name = entry.vector(2);
  if (!type || !name || *type != 0) return "the server name extension is malformed";
  if (!entry.empty()) return "the client names more than one server";
  hello.server_name.resize(name->size());
  std::ranges::transform(*name, hello.server_name.begin(), http::ascii_lower);
  if (!crypto::is_certificate_host(hello.server_name)) return "the server name is no DNS name";
  return nullptr;
}

// RFC 7301 §3.1. Names of other bytes than printable ASCII (GREASE) are left out.
const char* read_alpn(std::string_view data, ClientHello& hello) {
  Reader outer(data);
  const auto list = outer.vector(2);
  if (!list || list->empty() || !outer.empty()) return "the ALPN extension is malformed";
  Reader names(*list);
  while (!names.empty()) {
    const auto name = names.vector(1);
    if (!name || name->empty()) return "the ALPN extension is malformed";
    if (std::ranges::all_of(*name, [](char c) { return c > 0x20 && c < 0x7f; })) {
      hello.alpn.emplace_back(*name);
    }
  }
  return nullptr;
}

const char* read_extension(std::size_t type, std::string_view data, ClientHello& hello) {
  switch (type) {
    case kServerNameExtension:
      return read_server_name(data, hello);
    case kAlpnExtension:
      return read_alpn(data, hello);
    case kEchExtension:
      hello.has_ech = true;
      return nullptr;
    default:
      return nullptr;
  }
}

const char* read_extensions(std::string_view data, ClientHello& hello) {
  Reader reader(data);
  std::vector<std::size_t> seen;
  while (!reader.empty()) {
    const auto type = reader.number(2);
    const auto body = reader.vector(2);
    if (!type || !body) return "the extensions are malformed";
    // Bounded, so that the search below stays cheap; clients send up to twenty.
    if (seen.size() == kMaxExtensions) return "too many extensions";
    if (std::ranges::find(seen, *type) != seen.end()) return "an extension is repeated";
    seen.push_back(*type);
    if (const char* trouble = read_extension(*type, *body, hello)) return trouble;
  }
  return nullptr;
}

ClientHelloPeek read_hello(std::string_view message) {
  constexpr auto kMalformed = "the ClientHello is malformed";
  Reader reader(message);
  const auto version = reader.number(2);
  const auto random = reader.take(32);
  const auto session = reader.vector(1);
  const auto ciphers = reader.vector(2);
  const auto compression = reader.vector(1);
  if (!version || *version >> 8U != 3 || !random || !session || session->size() > 32 || !ciphers ||
      ciphers->empty() || ciphers->size() % 2 != 0 || !compression || compression->empty()) {
    return refuse(kMalformed);
  }
  ClientHelloPeek peek;
  peek.state = ClientHelloPeek::State::kHello;
  if (reader.empty()) return peek;  // TLS 1.2 may come without extensions
  const auto extensions = reader.vector(2);
  if (!extensions || !reader.empty()) return refuse(kMalformed);
  if (const char* trouble = read_extensions(*extensions, peek.hello)) return refuse(trouble);
  return peek;
}

}  // namespace

ClientHelloPeek peek_client_hello(std::string_view bytes) {
  bytes = bytes.substr(0, kMaxClientHello);
  // The handshake message, put together from the records it is split over.
  std::string message;
  std::size_t wanted = kMessageHeader;
  std::size_t at = 0;
  while (true) {
    const std::string_view rest = bytes.substr(at);
    if (bytes.empty()) return more(1);  // one byte tells whether it is TLS
    if (!rest.empty() && static_cast<unsigned char>(rest[0]) != kHandshakeRecord) {
      if (at > 0) return refuse("something else stands in the middle of the ClientHello");
      ClientHelloPeek peek;
      peek.state = ClientHelloPeek::State::kNotTls;
      return peek;
    }
    if (rest.size() > 1 && rest[1] != 3) return refuse("the record is of no known TLS version");
    // Ask for the whole header and at least one byte: empty handshake records are forbidden.
    if (rest.size() < kRecordHeader) return more(at + kRecordHeader + 1);
    const std::size_t length = static_cast<std::size_t>(static_cast<unsigned char>(rest[3])) << 8U |
                               static_cast<unsigned char>(rest[4]);
    if (length == 0 || length > kMaxRecord) return refuse("a record's length is out of bounds");
    const std::string_view body = rest.substr(kRecordHeader, length);
    message.append(body);
    if (!message.empty() && static_cast<unsigned char>(message[0]) != kClientHelloMessage) {
      return refuse("the handshake does not begin with a ClientHello");
    }
    if (message.size() >= kMessageHeader) {
      Reader header(std::string_view(message).substr(1));
      wanted = kMessageHeader + *header.number(3);
      if (wanted > kMaxClientHello) return refuse("the ClientHello is too large");
    }
    if (message.size() >= kMessageHeader && message.size() >= wanted) {
      return read_hello(std::string_view(message).substr(kMessageHeader, wanted - kMessageHeader));
    }
    if (body.size() < length) {
      // This record ends before the message or with it: then more records follow.
      const std::size_t here = std::min(length - body.size(), wanted - message.size());
      return more(at + kRecordHeader + body.size() + here);
    }
    at += kRecordHeader + length;
  }
}

}  // namespace deployclaw::net
