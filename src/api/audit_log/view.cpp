#include "api/audit_log/view.hpp"

#include "api/audit_log/audit_log.hpp"
#include "store/audit_records.hpp"

namespace deployclaw::api::audit_log {
namespace {

using Column = store::AuditColumn;

}  // namespace

void append_record(JsonText& out, const db::Row& row, Detail detail) {
  out.begin_object();
  out.key("seq").raw(row.text(Column::kSeq));
  out.key("createdAt").string(row.text(Column::kAt));
  out.key("agentId").string_or_null(row.maybe_text(Column::kAgentId));
  out.key("actor").begin_object();
  out.key("type").string(row.text(Column::kActorType));
  out.key("id").string_or_null(row.maybe_text(Column::kActorId));
  out.end_object();
  out.key("actionType").string(row.text(Column::kActionType));
  out.key("target").string_or_null(row.maybe_text(Column::kTarget));
  out.key("outcome").string(row.text(Column::kOutcome));
  out.key("metadata");
  if (detail == Detail::kVerifiable) {
    // The hash covers these very bytes, which a JSON parser between here and there may reorder.
    out.raw(row.text(Column::kMetadata));
    out.key("metadataText").string(row.text(Column::kMetadata));
  } else {
    out.raw(row.text(Column::kMetadata));
  }
  out.key("ip").string_or_null(row.maybe_text(Column::kIp));
  if (detail == Detail::kVerifiable) {
    out.key("prevHash").string(row.text(Column::kPrevHash));
    out.key("hash").string(row.text(Column::kHash));
  }
  out.end_object();
}

std::string csv_cell(std::string_view text) {
  std::string cell = "\"";
  constexpr std::string_view kFormula = "=+-@\t\r\n";
  if (!text.empty() && kFormula.contains(text.front())) cell += '\'';
  for (const char c : text) {
    if (c == '"') cell += '"';
    cell += c;
  }
  return cell + '"';
}

std::string csv_head() {
  return "seq,createdAt,agentId,actorType,actorId,actionType,target,outcome,metadata,ip,prevHash,"
         "hash\r\n";
}

void append_csv(std::string& out, const db::Row& row) {
  for (int column = Column::kSeq; column <= Column::kHash; ++column) {
    if (column > Column::kSeq) out += ',';
    out += csv_cell(row.maybe_text(column).value_or(""));
  }
  out += "\r\n";
}

}  // namespace deployclaw::api::audit_log
