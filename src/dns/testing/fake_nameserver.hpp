#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dns/nameserver.hpp"

namespace deployclaw::dns::testing {

// What the fake says about one name.
struct FakeRecord {
  std::vector<Address> addresses = {};    // IPv4 ones answer A, IPv6 ones AAAA
  std::uint32_t seconds = 60;             // time to live
  std::vector<std::string> aliases = {};  // CNAMEs on the way, in order
  int code = 0;                           // response code; with 3 (NXDOMAIN) no addresses
  std::chrono::milliseconds delay{0};
  bool silent = false;       // never answers
  bool silent_ipv6 = false;  // never answers AAAA
  bool truncated = false;    // over UDP: TC and nothing else
  bool wrong_id = false;     // lies, as an off-path forger does
  bool garbage = false;      // sends bytes that are no answer at all
};

// A nameserver for tests, in real wire format over UDP and TCP on one loopback port, answering out
// of a table. It counts what it is asked, so that a test can prove that nothing was asked. A name
// that it was not told of does not exist. Runs on the executor's thread, until destroyed.
class FakeNameserver {
 public:
  explicit FakeNameserver(const boost::asio::any_io_executor& executor);
  ~FakeNameserver();
  FakeNameserver(const FakeNameserver&) = delete;
  FakeNameserver& operator=(const FakeNameserver&) = delete;

  void set(const std::string& host, FakeRecord record);
  // For most tests: one name with addresses.
  void set(const std::string& host, const std::vector<std::string>& addresses);

  [[nodiscard]] Nameserver nameserver() const;
  [[nodiscard]] std::uint64_t queries() const;  // all, over UDP and TCP
  [[nodiscard]] std::uint64_t tcp_queries() const;
  [[nodiscard]] std::uint64_t queries_for(const std::string& host) const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace deployclaw::dns::testing
