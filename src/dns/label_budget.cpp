#include "dns/label_budget.hpp"

#include <iterator>
#include <utility>

namespace deployclaw::dns {

LabelBudget::LabelBudget(std::size_t names_per_hour, std::chrono::microseconds window)
    : limit_(names_per_hour), window_(window) {}

bool LabelBudget::admit(std::string_view pattern, std::string_view host, Time now) {
  if (pattern.find('*') == std::string_view::npos) return true;
  auto found = windows_.find(pattern);
  if (found == windows_.end()) {
    forget_idle_patterns(now);
    found = windows_.emplace(std::string(pattern), Window{}).first;
  }
  auto& window = found->second;
  forget_old(window, now);
  std::string name(host);
  if (window.names.contains(name)) return true;
  if (window.names.size() >= limit_) return false;
  window.names.insert(name);
  window.in_order.emplace_back(now, std::move(name));
  return true;
}

void LabelBudget::forget_old(Window& window, Time now) const {
  while (!window.in_order.empty() && now - window.in_order.front().first >= window_) {
    window.names.erase(window.in_order.front().second);
    window.in_order.pop_front();
  }
}

// Patterns that a policy no longer has would stay for ever otherwise.
void LabelBudget::forget_idle_patterns(Time now) {
  for (auto it = windows_.begin(); it != windows_.end();) {
    forget_old(it->second, now);
    it = it->second.names.empty() ? windows_.erase(it) : std::next(it);
  }
}

std::vector<CountedName> LabelBudget::counted() const {
  std::vector<CountedName> all;
  for (const auto& [pattern, window] : windows_) {
    for (const auto& [time, host] : window.in_order) all.push_back({pattern, host, time});
  }
  return all;
}

void LabelBudget::preload(const std::vector<CountedName>& names) {
  for (const auto& [pattern, host, time] : names) admit(pattern, host, time);
}

}  // namespace deployclaw::dns
