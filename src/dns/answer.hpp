#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>

#include "dns/label_budget.hpp"
#include "dns/message.hpp"
#include "dns/synthetic_addresses.hpp"

namespace deployclaw::dns {

// The pattern of the policy ("api.example.com", "*.example.org") by which a canonical host name
// is admitted; nullopt when none is.
using PatternAdmitting = std::function<std::optional<std::string>(const std::string& host)>;

enum class Finding : std::uint8_t {
  kNone,          // answered, or nothing worth a record
  kNotAdmitted,   // no pattern admits the name, or it is never resolved at all
  kBudgetUsedUp,  // admitted, but too many names below its pattern
  kMalformed      // not a query that could be read
};

struct Answered {
  Bytes response;  // empty: send nothing
  Finding finding = Finding::kNone;
  std::string host;     // canonical; empty when there is none to name
  std::string pattern;  // that admitted it
};

inline constexpr std::uint32_t kSyntheticSeconds = 60;  // time to live of an A answer

// Answers one agent's DNS query (the message alone, without TCP's length prefix) out of what this
// process knows; nothing is ever asked upstream here. An A query for an admitted name gets its
// synthetic address, any other type of an admitted name an empty answer, a name that is not
// admitted NXDOMAIN, one beyond the budget REFUSED.
Answered answer_query(std::span<const unsigned char> message, const PatternAdmitting& admitting,
                      SyntheticAddresses& addresses, LabelBudget& budget, Time now);

}  // namespace deployclaw::dns
