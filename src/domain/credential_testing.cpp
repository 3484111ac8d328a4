#include "domain/credential_testing.hpp"

#include <algorithm>
#include <array>

namespace deployclaw::domain {
namespace {

struct Entry {
  std::string_view name;
  TestVerdict verdict;
};

// In the order of TestReason.
constexpr std::array<Entry, kTestReasons> kEntries{{
    {"accepted", TestVerdict::kAccepted},
    {"rejected", TestVerdict::kRefused},
    {"renewal_refused", TestVerdict::kRefused},
    {"upstream_unreachable", TestVerdict::kUnreachable},
    {"upstream_timeout", TestVerdict::kUnreachable},
    {"upstream_address", TestVerdict::kUnreachable},
    {"upstream_certificate", TestVerdict::kUnreachable},
    {"upstream_failed", TestVerdict::kUnreachable},
    {"renewal_failed", TestVerdict::kUnreachable},
    {"egress_silent", TestVerdict::kUnreachable},
    {"not_allowed", TestVerdict::kUnclear},
    {"rate_limited", TestVerdict::kUnclear},
    {"service_trouble", TestVerdict::kUnclear},
    {"unexpected_answer", TestVerdict::kUnclear},
    {"no_policy", TestVerdict::kUnclear},
    {"credential_gone", TestVerdict::kUnclear},
    {"credential_unfit", TestVerdict::kRefused},
    {"audit_unavailable", TestVerdict::kUnclear},
    {"busy", TestVerdict::kUnclear},
}};

const Entry& entry_of(TestReason reason) { return kEntries.at(static_cast<std::size_t>(reason)); }

}  // namespace

std::string_view to_string(TestVerdict verdict) {
  switch (verdict) {
    case TestVerdict::kAccepted:
      return "accepted";
    case TestVerdict::kRefused:
      return "refused";
    case TestVerdict::kUnreachable:
      return "unreachable";
    case TestVerdict::kUnclear:
      break;
  }
  return "unclear";
}

std::string_view to_string(TestReason reason) { return entry_of(reason).name; }

std::optional<TestReason> parse_test_reason(std::string_view text) {
  const auto found = std::ranges::find(kEntries, text, &Entry::name);
  if (found == kEntries.end()) return std::nullopt;
  return static_cast<TestReason>(found - kEntries.begin());
}

TestVerdict verdict_of(TestReason reason) { return entry_of(reason).verdict; }

}  // namespace deployclaw::domain
