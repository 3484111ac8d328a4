#include "egress/ledger_time.hpp"

#include <ctime>

namespace deployclaw::egress {

namespace {

domain::Millis read(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return (domain::Millis{time.tv_sec} * 1000) + (time.tv_nsec / 1'000'000);
}

}  // namespace

std::function<domain::Millis()> steady_ledger_time() {
  const auto offset = read(CLOCK_REALTIME) - read(CLOCK_BOOTTIME);
  return [offset] { return read(CLOCK_BOOTTIME) + offset; };
}

}  // namespace deployclaw::egress
