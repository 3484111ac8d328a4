#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace deployclaw::domain {

// What one agent's container may use.
struct Resources {
  double cpus = 1;
  std::int64_t memory_mb = 512;
  std::int64_t disk_mb = 1024;
  std::int64_t pids = 256;
  bool operator==(const Resources&) const = default;
};

// The platform's bounds; a runtime's minimum may be higher.
inline constexpr Resources kLeastResources{.cpus = 0.05, .memory_mb = 16, .disk_mb = 16, .pids = 8};
inline constexpr Resources kMostResources{
    .cpus = 8, .memory_mb = 16384, .disk_mb = 65536, .pids = 4096};

// Reads the customer's `resources`: what is absent comes from `defaults`, every value must lie
// between the larger of `least` and kLeastResources, and kMostResources. Broken rules are appended
// to `errors` with their pointer below `base`.
Resources read_resources(const boost::json::value& value, const Resources& defaults,
                         const Resources& least, std::string_view base,
                         std::vector<FieldError>& errors);

// {cpus, memoryMb, diskMb, pids}
boost::json::object to_json(const Resources& resources);

}  // namespace deployclaw::domain
