#pragma once

#include <cstdint>
#include <string>

#include "api/rendering/json_text.hpp"
#include "db/rows.hpp"

namespace deployclaw::api::audit_log {

// kVerifiable adds what the chain needs: client-wide seq is always there, prevHash and hash too.
enum class Detail : std::uint8_t { kShown, kVerifiable };

// A record out of a row of store::list_audit or export_audit.
void append_record(JsonText& out, const db::Row& row, Detail detail);

std::string csv_head();
void append_csv(std::string& out, const db::Row& row);

}  // namespace deployclaw::api::audit_log
