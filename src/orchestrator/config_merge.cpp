#include "orchestrator/config_merge.hpp"

namespace deployclaw::orchestrator {
namespace json = boost::json;
namespace {

void prune(json::object& theirs, const json::object& ours, const json::object& before) {
  for (const auto& [key, shape] : before) {
    auto* present = theirs.if_contains(key);
    if (present == nullptr) continue;
    const auto* wanted = ours.if_contains(key);
    if (wanted == nullptr && !shape.is_object()) {
      theirs.erase(key);
      continue;
    }
    if (!shape.is_object() || !present->is_object()) continue;
    static const json::object kNone;
    const bool goes_on = wanted != nullptr && wanted->is_object();
    prune(present->get_object(), goes_on ? wanted->get_object() : kNone, shape.get_object());
    if (wanted == nullptr && present->get_object().empty()) theirs.erase(key);
  }
}

void put_over(json::object& theirs, const json::object& ours) {
  for (const auto& [key, value] : ours) {
    auto& slot = theirs[key];
    if (value.is_object() && slot.is_object()) {
      put_over(slot.get_object(), value.get_object());
    } else {
      slot = value;
    }
  }
}

}  // namespace

json::object merge_config(json::object theirs, const json::object& ours,
                          const json::object& before) {
  prune(theirs, ours, before);
  put_over(theirs, ours);
  return theirs;
}

json::object shape_of(const json::object& config) {
  json::object shape;
  for (const auto& [key, value] : config) {
    if (value.is_object()) {
      shape[key] = shape_of(value.get_object());
    } else {
      shape[key] = nullptr;
    }
  }
  return shape;
}

}  // namespace deployclaw::orchestrator
