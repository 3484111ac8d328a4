#pragma once

#include "api/guard.hpp"

// The audit log as its client reads it: one agent's, the whole, and as a file.
namespace deployclaw::api::audit_log {

void add_routes(http::Router& router, Services& services);

// A CSV cell (RFC 4180 §2), always quoted. Text that a spreadsheet would run as a formula (it
// begins with = + - @, a tab or a line break) gets an apostrophe in front.
std::string csv_cell(std::string_view text);

}  // namespace deployclaw::api::audit_log
