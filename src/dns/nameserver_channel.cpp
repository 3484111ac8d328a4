#include "dns/nameserver_channel.hpp"

#include <ares.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstring>
#include <map>
#include <utility>

#include "base/random.hpp"
#include "dns/message.hpp"

namespace deployclaw::dns {

namespace asio = boost::asio;

namespace {

constexpr int kTryMilliseconds = 1'500;  // doubled for the second try of a server
constexpr int kTries = 2;
// More addresses of one name than anyone dials.
constexpr int kMaxAddresses = 64;

Address address_of(const ares_addrttl& record) {
  return asio::ip::address_v4(ntohl(record.ipaddr.s_addr));
}

Address address_of(const ares_addr6ttl& record) {
  asio::ip::address_v6::bytes_type bytes;
  std::memcpy(bytes.data(), &record.ip6addr, bytes.size());
  return asio::ip::address_v6(bytes);
}

template <class Record>
Lookup collect(int status, const std::array<Record, kMaxAddresses>& records, int count) {
  if (status == ARES_ENODATA || (status == ARES_SUCCESS && count == 0)) {
    return {.outcome = Lookup::Outcome::kAbsent};
  }
  if (status != ARES_SUCCESS) return {.trouble = ares_strerror(status)};
  Lookup lookup{.outcome = Lookup::Outcome::kFound, .ttl = std::chrono::seconds::max()};
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    lookup.addresses.push_back(address_of(records[i]));
    lookup.ttl = std::min(lookup.ttl, std::chrono::seconds(std::max(0, records[i].ttl)));
  }
  return lookup;
}

Lookup read_answer(std::uint16_t type, const unsigned char* answer, int size) {
  // c-ares has checked that header and question are whole and ours.
  const auto code = static_cast<ResponseCode>(answer[3] & 0xF);
  if (code == ResponseCode::kNoSuchName) return {.outcome = Lookup::Outcome::kAbsent};
  if (code != ResponseCode::kNoError) {
    return {.trouble = "response code " + std::to_string(answer[3] & 0xF)};
  }
  int count = kMaxAddresses;
  if (type == kTypeA) {
    std::array<ares_addrttl, kMaxAddresses> records{};
    const int status = ares_parse_a_reply(answer, size, nullptr, records.data(), &count);
    return collect(status, records, count);
  }
  std::array<ares_addr6ttl, kMaxAddresses> records{};
  const int status = ares_parse_aaaa_reply(answer, size, nullptr, records.data(), &count);
  return collect(status, records, count);
}

// One question, owned by c-ares until it calls back.
struct Question {
  std::uint16_t type;
  NameserverChannel::Done done;
};

void on_answer(void* argument, int status, int /*timeouts*/, unsigned char* answer, int size) {
  const std::unique_ptr<Question> question(static_cast<Question*>(argument));
  const bool whole = status == ARES_SUCCESS && answer != nullptr && size >= 12;
  question->done(whole ? read_answer(question->type, answer, size)
                       : Lookup{.trouble = ares_strerror(status)});
}

// A socket of c-ares that Asio waits on. c-ares closes it.
struct Watched {
  explicit Watched(const asio::any_io_executor& executor, int fd) : descriptor(executor, fd) {}
  asio::posix::stream_descriptor descriptor;
  bool wants_read = false;
  bool wants_write = false;
  bool reading = false;
  bool writing = false;
  bool closed = false;
};

}  // namespace

// The handlers below keep their socket's record alive, and look at nothing else once it is closed:
// this object closes all of them before it goes.
struct NameserverChannel::Ares {
  explicit Ares(asio::any_io_executor used) : executor(used), timer(used) {}
  ~Ares();

  Status start(const std::vector<Nameserver>& nameservers);
  void on_socket(int fd, bool read, bool write);
  void wait(const std::shared_ptr<Watched>& watched, int fd);
  void process(int read_fd, int write_fd);
  void set_timer();

  asio::any_io_executor executor;
  asio::steady_timer timer;
  std::shared_ptr<bool> alive = std::make_shared<bool>(true);
  std::map<int, std::shared_ptr<Watched>> sockets;
  ares_channel channel = nullptr;
};

NameserverChannel::Ares::~Ares() {
  *alive = false;
  if (channel != nullptr) ares_destroy(channel);  // closes every socket by on_socket()
}

Status NameserverChannel::Ares::start(const std::vector<Nameserver>& nameservers) {
  std::array<char, 2> lookups = {'b', 0};  // DNS only, no hosts file
  ares_options options{};
  options.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES;
  options.timeout = kTryMilliseconds;
  options.tries = kTries;
  options.ndots = 1;
  options.lookups = lookups.data();
  options.sock_state_cb = [](void* self, ares_socket_t fd, int read, int write) {
    static_cast<Ares*>(self)->on_socket(fd, read != 0, write != 0);
  };
  options.sock_state_cb_data = this;
  // Only when every one of these is given, empty ones too, does c-ares leave resolv.conf alone.
  const int given = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_NDOTS |
                    ARES_OPT_LOOKUPS | ARES_OPT_SERVERS | ARES_OPT_DOMAINS | ARES_OPT_SORTLIST |
                    ARES_OPT_NOROTATE | ARES_OPT_SOCK_STATE_CB;
  if (const int status = ares_init_options(&channel, &options, given); status != ARES_SUCCESS) {
    channel = nullptr;
    return fail(Code::kInternal, std::string("start c-ares: ") + ares_strerror(status));
  }
  std::vector<ares_addr_port_node> nodes(nameservers.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    auto& node = nodes[i];
    const auto& [address, port] = nameservers[i];
    node.next = i + 1 < nodes.size() ? &nodes[i + 1] : nullptr;
    node.family = address.is_v4() ? AF_INET : AF_INET6;
    if (address.is_v4()) {
      node.addr.addr4.s_addr = htonl(address.to_v4().to_uint());
    } else {
      const auto bytes = address.to_v6().to_bytes();
      std::memcpy(&node.addr.addr6, bytes.data(), bytes.size());
    }
    node.udp_port = port;
    node.tcp_port = port;
  }
  if (const int status = ares_set_servers_ports(channel, nodes.data()); status != ARES_SUCCESS) {
    return fail(Code::kInternal, std::string("set nameservers: ") + ares_strerror(status));
  }
  return {};
}

void NameserverChannel::Ares::on_socket(int fd, bool read, bool write) {
  auto& slot = sockets[fd];
  if (!read && !write) {
    if (slot) {
      slot->closed = true;
      slot->descriptor.release();
    }
    sockets.erase(fd);
    return;
  }
  if (!slot) slot = std::make_shared<Watched>(executor, fd);
  slot->wants_read = read;
  slot->wants_write = write;
  wait(slot, fd);
}

void NameserverChannel::Ares::wait(const std::shared_ptr<Watched>& watched, int fd) {
  const auto begin = [&](asio::posix::descriptor_base::wait_type what, bool Watched::* pending,
                         bool is_read) {
    (*watched).*pending = true;
    watched->descriptor.async_wait(
        what, [this, watched, fd, pending, is_read](const boost::system::error_code& error) {
          (*watched).*pending = false;
          if (watched->closed || error == asio::error::operation_aborted) return;
          process(is_read ? fd : ARES_SOCKET_BAD, is_read ? ARES_SOCKET_BAD : fd);
          if (!watched->closed) wait(watched, fd);
        });
  };
  using Wait = asio::posix::descriptor_base;
  if (watched->wants_read && !watched->reading) begin(Wait::wait_read, &Watched::reading, true);
  if (watched->wants_write && !watched->writing) begin(Wait::wait_write, &Watched::writing, false);
}

void NameserverChannel::Ares::process(int read_fd, int write_fd) {
  ares_process_fd(channel, read_fd, write_fd);
  set_timer();
}

void NameserverChannel::Ares::set_timer() {
  timeval buffer{};
  const timeval* next = ares_timeout(channel, nullptr, &buffer);
  if (next == nullptr) {
    timer.cancel();
    return;
  }
  timer.expires_after(std::chrono::seconds(next->tv_sec) +
                      std::chrono::microseconds(next->tv_usec) + std::chrono::milliseconds(1));
  timer.async_wait([this, still = alive](const boost::system::error_code& error) {
    if (!error && *still) process(ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  });
}

NameserverChannel::NameserverChannel(std::unique_ptr<Ares> ares) : ares_(std::move(ares)) {}

NameserverChannel::~NameserverChannel() = default;

Result<std::unique_ptr<NameserverChannel>> NameserverChannel::create(
    asio::any_io_executor executor, const std::vector<Nameserver>& nameservers) {
  auto ares = std::make_unique<Ares>(std::move(executor));
  if (auto started = ares->start(nameservers); !started) return fail(started.error());
  return std::unique_ptr<NameserverChannel>(new NameserverChannel(std::move(ares)));
}

void NameserverChannel::ask(const std::string& host, std::uint16_t type, Done done) {
  ++questions_;
  std::array<unsigned char, 2> id{};
  random_bytes(id);
  unsigned char* query = nullptr;
  int size = 0;
  const int status =
      ares_create_query(host.c_str(), kClassInternet, type,
                        static_cast<unsigned short>(id[0] << 8 | id[1]), 1, &query, &size, 0);
  if (status != ARES_SUCCESS) {
    done({.trouble = ares_strerror(status)});
    return;
  }
  const std::unique_ptr<unsigned char, void (*)(void*)> owned(query, ares_free_string);
  auto question = std::make_unique<Question>(type, std::move(done));
  ares_send(ares_->channel, query, size, on_answer, question.release());
  ares_->set_timer();
}

}  // namespace deployclaw::dns
