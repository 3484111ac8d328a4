#pragma once

#include <algorithm>
#include <optional>
#include <string_view>

#include "db/rows.hpp"
#include "services/recorded_request.hpp"

// Rows of the audit log as requests.
namespace deployclaw::api::policy {

// The host and port a record names, or those in its target.
inline void read_place(const db::Row& row, int host, int port, int target,
                       services::RecordedRequest& into) {
  into.host = row.string(host);
  if (const auto number = row.maybe_int64(port); number && *number > 0 && *number <= 65535) {
    into.port = static_cast<std::uint16_t>(*number);
  }
  if (into.host.empty()) services::read_target(row.text(target), into);
}

// {time, path, reason} of a group's latest record.
inline void read_latest(const db::Row& row, int column, services::RecordedRequest& into) {
  auto last = row.texts(column);
  last.resize(3);
  into.path = std::move(last[1]);
  into.reason = std::move(last[2]);
}

}  // namespace deployclaw::api::policy
