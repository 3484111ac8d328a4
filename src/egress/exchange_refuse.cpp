#include <array>
#include <boost/json/array.hpp>
#include <boost/json/monotonic_resource.hpp>

#include "egress/exchange.hpp"
#include "egress/forward_head.hpp"
#include "egress/json_text.hpp"
#include "egress/limit_refusal.hpp"
#include "http/problem.hpp"

// What an exchange tells: the audit log of everything, the agent of what did not happen.
namespace deployclaw::egress {

namespace json = boost::json;

// What every record of this exchange tells. The query is left out: it may hold what nobody should
// read later.
json::object Exchange::metadata(json::storage_ptr memory) const {
  json::object out({{"requestId", json_text(request_id_)},
                    {"method", json_text(std::string_view(head_.method_text).substr(0, 32))},
                    {"host", json_text(origin_.host)},
                    {"port", origin_.port},
                    {"tls", origin_.tls}},
                   std::move(memory));
  if (!path_.empty()) out["path"] = json_text(path_);
  if (websocket_) out["websocket"] = true;
  if (!decision_.rule.empty()) out["rule"] = json_text(decision_.rule);
  if (!decision_.scope.empty()) out["scope"] = json_text(decision_.scope);
  if (approval_) out["approvalId"] = json_text(approval_->to_string());
  if (!decision_.service.empty()) out["service"] = json_text(decision_.service);
  if (model_call_) model_call_->describe(out);
  if (!injected_.empty()) {
    json::array names;
    for (const auto name : injected_) names.emplace_back(json_text(name));
    out["credentials"] = std::move(names);
  }
  return out;
}

Task<bool> Exchange::refuse_malformed(Error error) {
  head_.keep_alive = false;
  const bool goes_on = co_await refuse(std::move(error), "http");
  co_return goes_on;
}

Task<bool> Exchange::refuse_by_policy() {
  auto details = metadata();
  details["layer"] = json_text(services::to_string(decision_.layer));
  details["reason"] = json_text(decision_.reason);
  if (!decision_.missing_scope.empty())
    details["missingScope"] = json_text(decision_.missing_scope);
  const auto target = decision_.target.empty() ? origin_.authority() : decision_.target;
  const auto type = decision_.action_type.empty() ? "api_call" : decision_.action_type;
  shared_.trail.event(id_, {{"actionType", json_text(type)},
                            {"target", json_text(target)},
                            {"outcome", "denied"},
                            {"metadata", std::move(details)}});
  auto response = services::to_problem(decision_, facts(nullptr), request_id_);
  const bool goes_on = co_await answer(std::move(response));
  co_return goes_on;
}

// By the ledger: 429, and 503 while it does not know what was used before.
Task<bool> Exchange::refuse_by_limit(LimitRefusal refusal) {
  const auto error = to_error(refusal);
  refusal_ = to_members(refusal);
  auto details = metadata();
  details["layer"] = json_text(layer_of(refusal));
  details["reason"] = json_text(error.reason);
  for (const auto& member : refusal_) details[member.key()] = member.value();
  shared_.trail.event(id_, {{"actionType", json_text(decision_.action_type)},
                            {"target", json_text(decision_.target)},
                            {"outcome", "denied"},
                            {"metadata", std::move(details)}});
  http::ProblemMembers members{{"layer", json::value(json_text(layer_of(refusal)))},
                               {"host", json::value(json_text(origin_.host))}};
  for (const auto& member : refusal_) {
    members.emplace_back(std::string(member.key()), member.value());
  }
  auto response = http::problem(error, request_id_, std::move(members));
  const bool goes_on = co_await answer(std::move(response));
  co_return goes_on;
}

Task<bool> Exchange::refuse(Error error, std::string_view layer) {
  auto details = metadata();
  details["layer"] = json_text(layer);
  details["reason"] = json_text(error.reason);
  details["detail"] = json_text(error.public_detail);
  for (const auto& member : refusal_) details[member.key()] = member.value();
  const auto host = origin_.host.empty() ? std::string("unknown") : origin_.authority();
  shared_.trail.event(id_, {{"actionType", "api_call"},
                            {"target", json_text(host)},
                            {"outcome", "denied"},
                            {"metadata", std::move(details)}});
  http::ProblemMembers members{{"layer", json::value(json_text(layer))}};
  if (!origin_.host.empty()) members.emplace_back("host", json::value(json_text(origin_.host)));
  for (const auto& member : refusal_) {
    members.emplace_back(std::string(member.key()), member.value());
  }
  auto response = http::problem(error, request_id_, std::move(members));
  const bool goes_on = co_await answer(std::move(response));
  co_return goes_on;
}

// An answer of our own. The connection goes on only when nothing of the request is left unread.
Task<bool> Exchange::answer(http::Response response) {
  give_grant_back();  // before the agent can ask again
  const bool clean = body_ && (body_->done() || whole_body_) && head_.keep_alive;
  const auto out = own_answer(response, clean, head_.method_text != "HEAD");
  auto& stream = reader_.stream();
  stream.set_deadline(shared_.deadlines.head);
  const auto written = co_await write_rest(stream, out);
  if (!written) co_return false;
  if (clean) {
    stream.clear_deadline();
    co_return true;
  }
  (void)co_await stream.shutdown_send();
  co_await linger();
  co_return false;
}

// What still comes is read for a moment, or an answer might be lost in a reset.
Task<void> Exchange::linger() {
  reader_.stream().set_deadline(kLinger);
  auto buffer = shared_.buffers.take();
  std::size_t most = 4 * 1024 * 1024;
  while (true) {
    const auto got = co_await reader_.read(buffer.data(), BufferPool::kRoom);
    if (!got || *got == 0 || *got > most) break;
    most -= *got;
  }
}

// An upstream that cannot be had is the gateway's 502 or 504, whatever the code says elsewhere.
Task<bool> Exchange::could_not(Error error) {
  if (error.reason.empty()) error.reason = "upstream_failed";
  if (error.public_detail.empty()) error.public_detail = "The upstream did not answer properly.";
  const json::object details{{"detail", json_text(error.public_detail)},
                             {"reason", json_text(error.reason)}};
  finish(error.code == Code::kForbidden ? "denied" : "failure", details);
  if (answered_) co_return false;
  const int status = error.reason == "audit_unavailable" ? 503
                     : error.code == Code::kForbidden    ? 403
                     : error.code == Code::kMalformed    ? 400
                     : error.code == Code::kTimeout      ? 504
                                                         : 502;
  auto response = http::problem_with_status(status, error.reason, error.public_detail, request_id_);
  const bool goes_on = co_await answer(std::move(response));
  co_return goes_on;
}

void Exchange::finish(std::string_view outcome, const json::object& more) {
  std::array<unsigned char, kRecordMemory> room;
  json::monotonic_resource memory(room.data(), room.size());
  json::object details(more, &memory);
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - began_);
  if (status_ != 0) details["status"] = status_;
  details["bytesSent"] = sent_;
  details["bytesReceived"] = received_;
  details["durationMs"] = took.count();
  if (!findings_.empty()) details["scrubbed"] = findings_;
  std::optional<models::MicroDollars> spent;
  if (model_call_) {
    spent = model_call_->spent();
    model_call_->describe(details);
  }
  const json::object record({{"outcome", json_text(outcome)}, {"metadata", std::move(details)}},
                            &memory);
  intent_.finish(record, spent);
}

void Exchange::note_hits(const std::vector<scrub::Hit>& hits) {
  for (const auto& hit : hits) {
    findings_.push_back(json::object{{"credential", json_text(agent_->name_of(hit.id))},
                                     {"form", scrub::to_string(hit.form)},
                                     {"count", hit.count}});
  }
}

}  // namespace deployclaw::egress
