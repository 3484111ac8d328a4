#include "domain/resources.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "domain/json_reading.hpp"

namespace deployclaw::domain {

Resources read_resources(const boost::json::value& value, const Resources& defaults,
                         const Resources& least, std::string_view base,
                         std::vector<FieldError>& errors) {
  Resources out = defaults;
  const auto* object = value.if_object();
  if (object == nullptr) {
    errors.push_back({std::string(base), "must be an object"});
    return out;
  }
  const auto whole = [&](const boost::json::value& from, std::int64_t floor, std::int64_t runtime,
                         std::int64_t most, const std::string& at, std::int64_t& into) {
    if (auto number = whole_number(from, std::max(floor, runtime), most, at, errors))
      into = *number;
  };
  for (const auto& member : *object) {
    const auto at = pointer_below(base, member.key());
    if (member.key() == "cpus") {
      const double floor = std::max(kLeastResources.cpus, least.cpus);
      const auto number = finite_number(member.value());
      if (!number || *number < floor || *number > kMostResources.cpus) {
        errors.push_back(
            {at, fmt::format("must be a number from {} to {}", floor, kMostResources.cpus)});
      } else {
        out.cpus = *number;
      }
    } else if (member.key() == "memoryMb") {
      whole(member.value(), kLeastResources.memory_mb, least.memory_mb, kMostResources.memory_mb,
            at, out.memory_mb);
    } else if (member.key() == "diskMb") {
      whole(member.value(), kLeastResources.disk_mb, least.disk_mb, kMostResources.disk_mb, at,
            out.disk_mb);
    } else if (member.key() == "pids") {
      whole(member.value(), kLeastResources.pids, least.pids, kMostResources.pids, at, out.pids);
    } else {
      errors.push_back({at, "is not a known field"});
    }
  }
  return out;
}

boost::json::object to_json(const Resources& resources) {
  boost::json::object out;
  out["cpus"] = resources.cpus;
  out["memoryMb"] = resources.memory_mb;
  out["diskMb"] = resources.disk_mb;
  out["pids"] = resources.pids;
  return out;
}

}  // namespace deployclaw::domain
