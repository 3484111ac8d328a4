#include "egress/decision_counts.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace deployclaw::egress {

std::uint8_t layer_index(std::string_view layer) {
  const auto* const found = std::ranges::find(kLayers, layer);
  return found == kLayers.end() ? 0 : static_cast<std::uint8_t>(found - kLayers.begin());
}

void DecisionCounts::count_denied(std::uint8_t layer, std::uint64_t times) {
  denied_.at(layer < denied_.size() ? layer : 0) += times;
}

void DecisionCounts::observe(Clock::duration took) {
  const double seconds = std::chrono::duration<double>(took).count();
  const auto* const bound = std::ranges::lower_bound(kBounds, seconds);
  ++took_.at(static_cast<std::size_t>(bound - kBounds.begin()));
  took_micros_ += static_cast<std::uint64_t>(seconds * 1e6);
}

std::string DecisionCounts::to_text() const {
  std::string out =
      "# HELP egress_decisions_total Decisions on what agents asked for.\n"
      "# TYPE egress_decisions_total counter\n";
  out +=
      fmt::format("egress_decisions_total{{verdict=\"allowed\",layer=\"\"}} {}\n", allowed_.load());
  for (std::size_t i = 0; i < kLayers.size(); ++i) {
    out += fmt::format("egress_decisions_total{{verdict=\"denied\",layer=\"{}\"}} {}\n", kLayers[i],
                       denied_[i].load());
  }
  const auto add = [&](std::string_view name, std::string_view help, std::uint64_t value) {
    out += fmt::format("# HELP egress_{0} {1}\n# TYPE egress_{0} counter\negress_{0} {2}\n", name,
                       help, value);
  };
  add("model_reserved_micro_dollars_total", "Money that was set aside for model calls.", reserved_);
  add("model_settled_micro_dollars_total", "Money that ended model calls count as spent.",
      settled_);
  add("ledger_waits_total", "Intents that had to wait for others of their agent.", waited_);
  out +=
      "# HELP egress_ledger_seconds From an intent with a limit to its answer, the disk included.\n"
      "# TYPE egress_ledger_seconds histogram\n";
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < kBounds.size(); ++i) {
    count += took_[i].load();
    out += fmt::format("egress_ledger_seconds_bucket{{le=\"{}\"}} {}\n", kBounds[i], count);
  }
  count += took_.back().load();
  out += fmt::format("egress_ledger_seconds_bucket{{le=\"+Inf\"}} {}\n", count);
  out += fmt::format("egress_ledger_seconds_sum {}\n", static_cast<double>(took_micros_) / 1e6);
  out += fmt::format("egress_ledger_seconds_count {}\n", count);
  return out;
}

}  // namespace deployclaw::egress
