#include "orchestrator/steps.hpp"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

namespace deployclaw::orchestrator {
namespace json = boost::json;

Steps::Steps(json::array recorded, Time now) : steps_(std::move(recorded)) {
  end("interrupted; going on", now);
}

json::object* Steps::open_step() {
  if (steps_.empty() || !steps_.back().is_object()) return nullptr;
  auto& last = steps_.back().get_object();
  const auto* ended = last.if_contains("endedAt");
  return ended == nullptr || ended->is_null() ? &last : nullptr;
}

bool Steps::begin(std::string_view name, Time now) {
  if (auto* open = open_step()) {
    const auto* open_name = open->if_contains("name");
    if (open_name != nullptr && open_name->is_string() && open_name->get_string() == name) {
      return false;
    }
    end("", now);
  }
  steps_.push_back(json::object{{"name", json::string_view(name)},
                                {"startedAt", format_time(now)},
                                {"endedAt", nullptr},
                                {"detail", nullptr}});
  return true;
}

void Steps::end(std::string_view detail, Time now) {
  auto* open = open_step();
  if (open == nullptr) return;
  (*open)["endedAt"] = format_time(now);
  if (!detail.empty()) (*open)["detail"] = json::string_view(detail);
}

}  // namespace deployclaw::orchestrator
