#include "dns/testing/fake_nameserver.hpp"

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <map>
#include <stdexcept>
#include <utility>

#include "dns/message.hpp"

namespace deployclaw::dns::testing {

namespace asio = boost::asio;
using asio::ip::tcp;
using asio::ip::udp;
using ErrorCode = boost::system::error_code;

namespace {

constexpr std::uint16_t kTypeCname = 5;
const auto kLoopback = asio::ip::address_v4::loopback();

void put16(Bytes& out, std::size_t value) {
  out.push_back(static_cast<unsigned char>(value >> 8));
  out.push_back(static_cast<unsigned char>(value));
}

Bytes wire_name(const std::string& host) {
  Bytes out;
  std::size_t from = 0;
  while (from < host.size()) {
    const auto end = std::min(host.find('.', from), host.size());
    out.push_back(static_cast<unsigned char>(end - from));
    out.insert(out.end(), host.begin() + static_cast<long>(from),
               host.begin() + static_cast<long>(end));
    from = end + 1;
  }
  out.push_back(0);
  return out;
}

void put_record(Bytes& out, const std::string& owner, std::uint16_t type, std::uint32_t seconds,
                const Bytes& data) {
  const auto name = wire_name(owner);
  out.insert(out.end(), name.begin(), name.end());
  put16(out, type);
  put16(out, kClassInternet);
  put16(out, seconds >> 16);
  put16(out, seconds & 0xFFFF);
  put16(out, data.size());
  out.insert(out.end(), data.begin(), data.end());
}

Bytes data_of(const Address& address) {
  if (address.is_v4()) {
    const auto bytes = address.to_v4().to_bytes();
    return {bytes.begin(), bytes.end()};
  }
  const auto bytes = address.to_v6().to_bytes();
  return {bytes.begin(), bytes.end()};
}

// The whole answer to `query` out of `record`.
Bytes compose(const Query& query, const FakeRecord& record, bool over_tcp) {
  if (record.garbage) return {0xDE, 0xAD, 0xBE, 0xEF};
  const bool cut = record.truncated && !over_tcp;
  Bytes out;
  put16(out, record.wrong_id ? query.id ^ 0x5555U : query.id);
  put16(out, 0x8180U | (cut ? 0x0200U : 0U) | static_cast<unsigned>(record.code));
  put16(out, 1);
  put16(out, 0);
  put16(out, 0);
  put16(out, 0);
  out.insert(out.end(), query.question.begin(), query.question.end());
  if (cut) return out;
  std::size_t answers = 0;
  std::string owner = query.host.value_or("");
  for (const auto& alias : record.aliases) {
    put_record(out, owner, kTypeCname, record.seconds, wire_name(alias));
    owner = alias;
    ++answers;
  }
  for (const auto& address : record.addresses) {
    if (query.type != (address.is_v4() ? kTypeA : kTypeAaaa)) continue;
    put_record(out, owner, query.type, record.seconds, data_of(address));
    ++answers;
  }
  out[6] = static_cast<unsigned char>(answers >> 8);
  out[7] = static_cast<unsigned char>(answers);
  return out;
}

struct Connection {
  explicit Connection(tcp::socket accepted) : socket(std::move(accepted)) {}
  tcp::socket socket;
  std::array<unsigned char, 2> length{};
  Bytes message;
};

}  // namespace

// Callbacks rather than coroutines, so that a test may drop the fake at any moment.
struct FakeNameserver::State : std::enable_shared_from_this<FakeNameserver::State> {
  explicit State(const asio::any_io_executor& executor) : udp_socket(executor), acceptor(executor) {
    // A port that is free for both; another process may have one of the two.
    for (int attempt = 0; attempt < 20; ++attempt) {
      ErrorCode error;
      udp_socket = udp::socket(executor, udp::endpoint(kLoopback, 0));
      const tcp::endpoint same(kLoopback, udp_socket.local_endpoint().port());
      acceptor = tcp::acceptor(executor);
      acceptor.open(tcp::v4());
      acceptor.set_option(tcp::acceptor::reuse_address(true));
      acceptor.bind(same, error);
      if (error) continue;
      acceptor.listen();
      return;
    }
    throw std::runtime_error("fake nameserver: no port");
  }

  void receive() {
    udp_socket.async_receive_from(
        asio::buffer(buffer), sender, [self = shared_from_this()](ErrorCode error, std::size_t n) {
          if (error) return;
          const std::span<const unsigned char> message(self->buffer.data(), n);
          self->answer(message, false, [self, to = self->sender](const Bytes& bytes) {
            ErrorCode ignored;
            self->udp_socket.send_to(asio::buffer(bytes), to, 0, ignored);
          });
          self->receive();
        });
  }

  void accept() {
    acceptor.async_accept([self = shared_from_this()](ErrorCode error, tcp::socket socket) {
      if (error) return;
      self->read(std::make_shared<Connection>(std::move(socket)));
      self->accept();
    });
  }

  void read(const std::shared_ptr<Connection>& connection) {
    asio::async_read(connection->socket, asio::buffer(connection->length),
                     [self = shared_from_this(), connection](ErrorCode error, std::size_t) {
                       if (!error) self->read_message(connection);
                     });
  }

  void read_message(const std::shared_ptr<Connection>& connection) {
    const auto size = static_cast<std::size_t>(connection->length[0] << 8 | connection->length[1]);
    connection->message.resize(size);
    asio::async_read(connection->socket, asio::buffer(connection->message),
                     [self = shared_from_this(), connection](ErrorCode error, std::size_t) {
                       if (error) return;
                       self->answer(connection->message, true, [connection](const Bytes& bytes) {
                         Bytes framed;
                         put16(framed, bytes.size());
                         framed.insert(framed.end(), bytes.begin(), bytes.end());
                         ErrorCode ignored;
                         asio::write(connection->socket, asio::buffer(framed), ignored);
                       });
                       self->read(connection);
                     });
  }

  template <class Send>
  void answer(std::span<const unsigned char> message, bool over_tcp, Send send) {
    ++queries;
    if (over_tcp) ++tcp_queries;
    const auto query = parse_query(message);
    if (!query || !query->host) return;
    ++by_host[*query->host];
    const auto found = records.find(*query->host);
    const auto record = found == records.end() ? FakeRecord{.code = 3} : found->second;
    if (record.silent || (record.silent_ipv6 && query->type == kTypeAaaa)) return;
    const auto bytes = compose(*query, record, over_tcp);
    if (record.delay.count() == 0) {
      send(bytes);
      return;
    }
    const auto timer =
        std::make_shared<asio::steady_timer>(udp_socket.get_executor(), record.delay);
    timer->async_wait([timer, bytes, send](ErrorCode error) {
      if (!error) send(bytes);
    });
  }

  udp::socket udp_socket;
  tcp::acceptor acceptor;
  std::array<unsigned char, 2048> buffer{};
  udp::endpoint sender;
  std::map<std::string, FakeRecord> records;
  std::map<std::string, std::uint64_t> by_host;
  std::uint64_t queries = 0;
  std::uint64_t tcp_queries = 0;
};

FakeNameserver::FakeNameserver(const asio::any_io_executor& executor)
    : state_(std::make_shared<State>(executor)) {
  state_->receive();
  state_->accept();
}

FakeNameserver::~FakeNameserver() {
  ErrorCode ignored;
  state_->udp_socket.close(ignored);
  state_->acceptor.close(ignored);
}

void FakeNameserver::set(const std::string& host, FakeRecord record) {
  state_->records[host] = std::move(record);
}

void FakeNameserver::set(const std::string& host, const std::vector<std::string>& addresses) {
  FakeRecord record;
  for (const auto& text : addresses) record.addresses.push_back(asio::ip::make_address(text));
  set(host, std::move(record));
}

Nameserver FakeNameserver::nameserver() const {
  return {kLoopback, state_->udp_socket.local_endpoint().port()};
}
std::uint64_t FakeNameserver::queries() const { return state_->queries; }
std::uint64_t FakeNameserver::tcp_queries() const { return state_->tcp_queries; }
std::uint64_t FakeNameserver::queries_for(const std::string& host) const {
  const auto found = state_->by_host.find(host);
  return found == state_->by_host.end() ? 0 : found->second;
}

}  // namespace deployclaw::dns::testing
