#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/task.hpp"
#include "dns/nameserver.hpp"

namespace deployclaw::dns {

// The operator's own addresses of hosts on the premises; the one way to a private address.
using Pins = std::map<std::string, std::vector<Address>>;

struct ResolverConfig {
  std::vector<Nameserver> nameservers;  // asked in this order
  Pins pins = {};                       // by host name
  bool ipv6 = true;                     // false: only A is asked for
  std::chrono::milliseconds deadline{5'000};
  // How long one half of the answer (A, AAAA) waits for the other.
  std::chrono::milliseconds patience{300};
  std::chrono::milliseconds max_ttl{60'000};      // how long a name's addresses are kept at most
  std::chrono::milliseconds negative_ttl{5'000};  // how long "no such name" is kept
  std::size_t cache_entries = 1'024;
  std::size_t parallel_names = 256;  // more at once are refused
};

// Looks host names up when egress dials, on c-ares in the executor's thread. It reads files only
// while it is made (/dev/urandom), never afterwards: no hosts file, no resolv.conf, so it works in
// a process that has none. Whoever asks for a name that is being asked for shares its answer.
// Single-threaded.
class Resolver {
 public:
  // kInvalid without nameservers; kInternal when c-ares cannot start.
  static Result<std::unique_ptr<Resolver>> create(boost::asio::any_io_executor executor,
                                                  ResolverConfig config);
  // No resolve may be pending, or the io_context must never run again.
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // The addresses of `host`, IPv4 before IPv6, never empty: what may be dialled. A pinned host has
  // exactly its pins. Of any other, every address must be global (dns/global_address.hpp): one
  // that is not refuses the whole name with kForbidden, since whoever mixes them is rebinding.
  // Dial an address of this very answer; asking again may give another. Errors besides: those of
  // resolve().
  Task<Result<std::vector<Address>>> resolve_checked(std::string host);

  // As above without the check; never dial what this returns. `host` may also be an address
  // ("192.0.2.1", "2001:db8::1"), which is its own answer. kInvalid: neither an address nor a host
  // name, or one that is never resolved. kNotFound: no such name, or no address. kTimeout: no
  // answer within the deadline. kUnavailable: the nameservers fail, or too many names at once.
  // kCancelled.
  Task<Result<std::vector<Address>>> resolve(std::string host);

  // Questions sent to nameservers so far (an A and an AAAA make two).
  [[nodiscard]] std::uint64_t questions() const;

 private:
  struct State;
  explicit Resolver(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace deployclaw::dns
