#pragma once

#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/clock.hpp"

namespace deployclaw::dns {

struct CountedName {
  std::string pattern;
  std::string host;
  Time first_seen;
  bool operator==(const CountedName&) const = default;
};

// How many different names below one wildcard an agent may use in an hour. Whoever owns a domain
// sees every name that is resolved below it, so "<40 letters of data>.evil.example" would carry
// data out without any connection. Every way a name comes in must ask here before it is resolved:
// DNS, CONNECT and absolute-form requests alike. Memory is bounded by limit × patterns of the
// policy. Single-threaded.
class LabelBudget {
 public:
  explicit LabelBudget(std::size_t names_per_hour = 64,
                       std::chrono::microseconds window = std::chrono::hours(1));

  // Whether `host` may be used, which `pattern` admits. A pattern without '*' admits one name and
  // is never counted. A name counts for one window from when it was first seen, however often it
  // is used in that time; a refused name does not count.
  bool admit(std::string_view pattern, std::string_view host, Time now);

  // What counts at present, and its return into a restarted process.
  [[nodiscard]] std::vector<CountedName> counted() const;
  void preload(const std::vector<CountedName>& names);

 private:
  struct Window {
    std::deque<std::pair<Time, std::string>> in_order;
    std::unordered_set<std::string> names;
  };
  void forget_old(Window& window, Time now) const;
  void forget_idle_patterns(Time now);

  const std::size_t limit_;
  const std::chrono::microseconds window_;
  std::map<std::string, Window, std::less<>> windows_;
};

}  // namespace deployclaw::dns
