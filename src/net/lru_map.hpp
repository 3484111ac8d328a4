#pragma once

#include <cstddef>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace deployclaw::net {

// Values by text, of which the `capacity` (at least 1) last used are kept. One thread.
template <class Value>
class LruMap {
 public:
  explicit LruMap(std::size_t capacity) : capacity_(capacity) {}
  LruMap(const LruMap&) = delete;
  LruMap& operator=(const LruMap&) = delete;

  // The value, now the last used; nullptr when there is none. Valid until the next put() or
  // erase().
  Value* find(std::string_view key) {
    const auto found = places_.find(key);
    if (found == places_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, found->second);
    return &found->second->second;
  }

  // Sets or replaces it; drops the longest unused when there are too many.
  Value& put(std::string_view key, Value value) {
    if (Value* present = find(key)) return *present = std::move(value);
    entries_.emplace_front(std::string(key), std::move(value));
    places_.emplace(entries_.front().first, entries_.begin());
    if (entries_.size() > capacity_) erase(std::string_view(entries_.back().first));
    return entries_.front().second;
  }

  void erase(std::string_view key) {
    const auto found = places_.find(key);
    if (found == places_.end()) return;
    const auto entry = found->second;
    places_.erase(found);  // its key shows the entry's text
    entries_.erase(entry);
  }

  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  using Entries = std::list<std::pair<std::string, Value>>;
  std::size_t capacity_;
  Entries entries_;  // last used first
  std::unordered_map<std::string_view, typename Entries::iterator> places_;
};

}  // namespace deployclaw::net
