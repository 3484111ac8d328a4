#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "base/json_text.hpp"
#include "egress/exchange.hpp"
#include "egress/forward_head.hpp"
#include "egress/json_text.hpp"
#include "egress/limit_refusal.hpp"
#include "http/problem.hpp"

// What an exchange tells: the audit log of everything, the agent of what did not happen.
namespace deployclaw::egress {

namespace json = boost::json;

namespace {

// Where the members of a record's details go: into a tree, for whoever has more to do with them, or
// straight into text, as every request's do.
class TreeDetails {
 public:
  explicit TreeDetails(json::object& out) : out_(out) {}
  void tell(std::string_view name, std::string_view text) { out_[name] = json_text(text); }
  void tell_flag(std::string_view name, bool value) { out_[name] = value; }
  void tell_number(std::string_view name, std::int64_t value) { out_[name] = value; }
  void tell_names(std::string_view name, const services::Injected& names) {
    json::array all;
    for (const auto one : names) all.emplace_back(json_text(one));
    out_[name] = std::move(all);
  }
  void tell_all(const json::object& members) {
    for (const auto& member : members) out_[member.key()] = member.value();
  }

 private:
  json::object& out_;
};

class TextDetails {
 public:
  explicit TextDetails(JsonText& out) : out_(out) {}
  void tell(std::string_view name, std::string_view text) { out_.key(name).string(text); }
  void tell_flag(std::string_view name, bool value) { out_.key(name).boolean(value); }
  void tell_number(std::string_view name, std::int64_t value) { out_.key(name).number(value); }
  void tell_names(std::string_view name, const services::Injected& names) {
    out_.key(name).begin_array();
    for (const auto one : names) out_.string(one);
    out_.end_array();
  }
  void tell_all(const json::object& members) {
    for (const auto& member : members) {
      out_.key(member.key()).raw(json::serialize(member.value()));
    }
  }

 private:
  JsonText& out_;
};

}  // namespace

// What every record of this exchange tells. The query is left out: it may hold what nobody should
// read later.
template <class Details>
void Exchange::describe(Details details) const {
  details.tell("requestId", request_id_);
  details.tell("method", std::string_view(head_.method_text).substr(0, 32));
  details.tell("host", origin_.host);
  details.tell_number("port", origin_.port);
  details.tell_flag("tls", origin_.tls);
  if (!path_.empty()) details.tell("path", path_);
  if (websocket_) details.tell_flag("websocket", true);
  if (!decision_.rule.empty()) details.tell("rule", decision_.rule);
  if (!decision_.scope.empty()) details.tell("scope", decision_.scope);
  if (approval_) details.tell("approvalId", approval_->to_string());
  if (!decision_.service.empty()) details.tell("service", decision_.service);
  if (model_call_) details.tell_all(model_call_->describe());
  if (!injected_.empty()) details.tell_names("credentials", injected_);
}

json::object Exchange::metadata() const {
  json::object out;
  describe(TreeDetails(out));
  return out;
}

AuditTrail::Intent Exchange::tell_intent() const {
  JsonText record(kRecordRoom);
  record.begin_object();
  record.key("actionType").string(decision_.action_type);
  record.key("target").string(decision_.target);
  record.key("metadata").begin_object();
  describe(TextDetails(record));
  record.end_object().end_object();
  return shared_.trail.intend_text(id_, std::move(record).take(), charge_);
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
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - began_);
  JsonText record(kRecordRoom);
  record.begin_object();
  record.key("outcome").string(outcome);
  record.key("metadata").begin_object();
  TextDetails details(record);
  details.tell_all(more);
  if (status_ != 0) details.tell_number("status", status_);
  details.tell_number("bytesSent", static_cast<std::int64_t>(sent_));
  details.tell_number("bytesReceived", static_cast<std::int64_t>(received_));
  details.tell_number("durationMs", took.count());
  if (!findings_.empty()) record.key("scrubbed").raw(json::serialize(findings_));
  std::optional<models::MicroDollars> spent;
  if (model_call_) {
    spent = model_call_->spent();
    details.tell_all(model_call_->describe());
  }
  record.end_object().end_object();
  intent_.finish_text(std::move(record).take(), spent);
}

void Exchange::note_hits(const std::vector<scrub::Hit>& hits) {
  for (const auto& hit : hits) {
    findings_.push_back(json::object{{"credential", json_text(agent_->name_of(hit.id))},
                                     {"form", scrub::to_string(hit.form)},
                                     {"count", hit.count}});
  }
}

}  // namespace deployclaw::egress
