#pragma once

#include <boost/json/object.hpp>
#include <functional>
#include <optional>
#include <set>
#include <string>

#include "egress/approval_desk.hpp"
#include "egress/model_call.hpp"
#include "egress/worker_shared.hpp"
#include "http/canonical_target.hpp"
#include "http/wire.hpp"
#include "scrub/content_decoder.hpp"
#include "scrub/scrubber.hpp"
#include "services/injection.hpp"

namespace deployclaw::egress {

// Where a request goes.
struct Origin {
  std::string host;  // canonical
  std::uint16_t port = 443;
  bool tls = true;
  [[nodiscard]] std::uint16_t default_port() const { return tls ? 443 : 80; }
  // As in a Host field: the port only when it is not the scheme's own.
  [[nodiscard]] std::string authority() const;
};

// How long an agent that gets an answer early may go on sending what nobody wants.
inline constexpr std::chrono::seconds kLinger{2};
// The longest body that is read before anything of its request leaves.
inline constexpr std::size_t kMostWholeBody = 1024UL * 1024;

// For the text of a record of the audit log; one that needs more takes more.
inline constexpr std::size_t kRecordRoom = 768;

// One request of an agent and its answer: read the head strictly, take the one canonical form of
// where it goes, decide, tell the audit log, put secrets in, pass it on, take secrets out of the
// answer. Whatever cannot be done ends in an answer that says so, and in the audit log.
class Exchange {
 public:
  // With `fixed` (inside a tunnel) every request must be for it; without, each names its own, in
  // absolute form.
  Exchange(WorkerShared& shared, AgentId agent, StreamReader& reader, std::optional<Origin> fixed);
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  // Serves the request whose head comes next. True when the connection may carry another. Must run
  // once, and this must outlive it. As elsewhere here, what need not wait is a plain function that
  // passes a task on: each coroutine costs memory and two turns for every request.
  Task<bool> run();
  // As run(), for a head that has been read already.
  Task<bool> run(http::RequestHead head);

  // Answers a head that is no well-formed one.
  Task<bool> refuse_malformed(Error error);

  // The agent's policy is another now: a running request that it would not allow is broken off.
  void on_new_policy();

  // Asked now and then while it runs: an agent that reset its connection wants no answer any more.
  void end_if_agent_is_gone();
  // A request that waits for a person waits no more.
  void end_hold();

 private:
  // Before anything leaves.
  Task<bool> wait_for_head();
  Task<bool> begin(const Result<std::string_view>& text);
  Task<bool> refuse_large_head();
  static Task<bool> hang_up();
  Status find_origin();
  // False when the head alone does not decide.
  bool decide_by_head();
  Task<bool> decide();
  Task<void> decide_by_body();
  // Whether anything has to be waited for before the request may be told and sent.
  [[nodiscard]] bool must_wait() const;
  Task<bool> wait_and_forward(bool decided);
  Task<bool> inject_and_forward();
  Task<Status> ask_for_body();
  Task<Status> read_whole_body(std::size_t most);
  [[nodiscard]] bool has_small_body() const;
  // A model call: its whole body, and what it may cost. Nothing for any other request.
  Task<Status> price_model_call();
  [[nodiscard]] bool is_model_call() const;
  void name_target();
  Task<Status> renew_tokens();
  [[nodiscard]] std::optional<std::string> credential_to_renew() const;
  [[nodiscard]] bool wants_renewal(std::string_view credential) const;
  [[nodiscard]] Status check_for_secrets() const;
  Status inject();

  // While a person is asked. nullopt: it may go on.
  Task<std::optional<bool>> approve();
  [[nodiscard]] bool needs_approval() const;
  Task<Result<ApprovalRequest>> show();
  [[nodiscard]] Status check_before_showing() const;
  Task<std::optional<bool>> wait_for_a_person(ApprovalHold& hold);
  Task<bool> decide_anew();
  Task<bool> tell_pending(const ApprovalHold& hold);
  void give_grant_back();

  Task<bool> refuse_by_policy();
  Task<bool> refuse_by_limit(LimitRefusal refusal);
  Task<bool> refuse(Error error, std::string_view layer);
  Task<bool> answer(http::Response response);
  Task<void> linger();
  [[nodiscard]] Status check_trailers() const;
  [[nodiscard]] services::RequestFacts facts(const boost::json::value* body) const;
  // For a record of the audit log, into a tree or into text.
  template <class Details>
  void describe(Details details) const;
  [[nodiscard]] boost::json::object metadata() const;
  AuditTrail::Intent tell_intent() const;

  // Once it may.
  Task<bool> forward();
  [[nodiscard]] UpstreamKey upstream_key() const;
  Task<bool> not_forwarded(Error error);
  Task<bool> send_and_relay();
  // What goes first, in one write: the head, and what is there of the body already.
  std::string_view front();
  void wipe_front();
  // To the upstream. What `bytes` shows must outlive the call.
  Task<Status> send(std::string_view bytes);
  // As write_now().
  std::optional<Status> send_now(std::string_view& bytes);
  Task<void> send_body();
  Task<Status> pump_body();
  Task<void> relay_answer();
  Task<void> tell_no_answer(Error error);
  Task<void> switch_protocols(const http::ResponseHead& head);
  // `head` must outlive what is returned, here and below.
  Task<Status> relay_whole(const http::ResponseHead& head);
  static Task<Status> give_up(Error error);
  Task<Result<http::ResponseHead>> read_answer_head();
  [[nodiscard]] Result<http::ResponseHead> parse_answer_head(
      const Result<std::string_view>& text) const;
  Task<Status> pass_interim(http::ResponseHead head);
  void scrub_fields(http::ResponseHead& head);
  Task<Status> pass_on(const http::ResponseHead& head, std::string front, bool chunked,
                       std::optional<scrub::ContentDecoder> decoder);
  Task<Status> watch(const http::ResponseHead& head, std::string front, bool chunked,
                     scrub::ContentDecoder decoder);
  Task<void> relay_websocket();
  void meter_with(const http::ResponseHead& head);
  void lower_reservation();
  Task<bool> could_not(Error error);
  void note_hits(const std::vector<scrub::Hit>& hits);
  void finish(std::string_view outcome, const boost::json::object& details);
  [[nodiscard]] bool binds_secret() const;

  WorkerShared& shared_;
  const AgentId id_;
  std::shared_ptr<const AgentContext> agent_;
  StreamReader& reader_;  // the agent's side
  std::optional<Origin> fixed_;

  http::RequestHead head_;
  http::CanonicalTarget target_;
  std::string path_;  // the target's, without secrets, for the audit log
  Origin origin_;
  bool websocket_ = false;
  services::Decision decision_;
  std::optional<std::string> whole_body_;
  BodyBudget::Share body_share_;
  std::optional<MeteredCall> model_call_;
  std::optional<BodyReader> body_;
  // Whose token was renewed for this request, or could not be: used while it is valid, even if it
  // ends soon.
  std::set<std::string, std::less<>> tried_;
  std::optional<ApprovalId> approval_;  // the grant that was used for it
  std::uint64_t grant_hold_ = 0;        // and its hold, until it is given back
  bool left_ = false;                   // some of the request may have been sent
  ApprovalHold* holding_ = nullptr;
  services::Injected injected_;
  boost::json::object refusal_;      // what a refusal tells besides
  http::Headers connection_fields_;  // the head's Connection, which outlives its wiping
  std::string head_text_;            // for the upstream; holds secrets, wiped once sent

  Charge charge_;  // set before forward() for a model call, by forward() for what has a scope
  Grant grant_;    // once acquired
  AuditTrail::Intent intent_;
  std::string request_id_;
  std::chrono::steady_clock::time_point began_;
  Upstream upstream_;
  std::optional<StreamReader> upstream_reader_;
  std::uint64_t sent_ = 0;  // bytes of bodies
  std::uint64_t received_ = 0;
  int status_ = 0;  // of the answer, once it has begun
  bool body_sent_ = false;
  bool upstream_takes_no_more_ = false;
  bool answered_ = false;
  bool reusable_ = false;    // both connections are at a clean end
  bool broken_off_ = false;  // by a new policy
  bool agent_gone_ = false;
  bool lingers_ = false;  // the rest of the request is to be read and dropped
  std::optional<Error> body_refused_;
  boost::json::array findings_;
};

}  // namespace deployclaw::egress
