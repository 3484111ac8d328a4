#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dns/nameserver.hpp"

namespace deployclaw::dns {

// What the nameservers said about one name and type.
struct Lookup {
  enum class Outcome : std::uint8_t {
    kFound,   // addresses, never empty
    kAbsent,  // no such name, or none of this type
    kFailed   // no usable answer; `trouble` says why
  };
  Outcome outcome = Outcome::kFailed;
  std::vector<Address> addresses = {};
  std::chrono::seconds ttl{0};  // the least in the chain
  std::string trouble = {};
};

// c-ares under Asio: sends questions, repeats them, asks the next server, and goes over to TCP when
// an answer is truncated. c-ares is told everything; it looks for no configuration of its own. The
// query ids come from the kernel's generator, since c-ares 1.18 falls back to rand() where there is
// no /dev/urandom; source ports are the kernel's choice, fresh whenever all questions are answered.
// Private to this module. Single-threaded.
class NameserverChannel {
 public:
  using Done = std::function<void(Lookup)>;

  static Result<std::unique_ptr<NameserverChannel>> create(
      boost::asio::any_io_executor executor, const std::vector<Nameserver>& nameservers);
  // Pending questions end with kFailed, within this call.
  ~NameserverChannel();
  NameserverChannel(const NameserverChannel&) = delete;
  NameserverChannel& operator=(const NameserverChannel&) = delete;

  // Asks for records of `type` (kTypeA or kTypeAaaa) of `host`, which is canonical. `done` is
  // called once, perhaps before this returns.
  void ask(const std::string& host, std::uint16_t type, Done done);

  [[nodiscard]] std::uint64_t questions() const { return questions_; }

 private:
  struct Ares;
  explicit NameserverChannel(std::unique_ptr<Ares> ares);

  std::unique_ptr<Ares> ares_;
  std::uint64_t questions_ = 0;
};

}  // namespace deployclaw::dns
