#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "models/model_call.hpp"
#include "models/usage.hpp"
#include "models/usage_reader.hpp"
#include "scrub/sse.hpp"

namespace deployclaw::models {

// Stands in the way of a model's answer and counts what it used: an event stream event by event,
// anything else byte by byte. Passes on what it gets, but for the usage event that only we asked
// for. Ends the stream with an error in the service's own form when more was used than is paid for.
// No more than an event is held back. One thread.
class AnswerMeter {
 public:
  // A longer event is passed on unread; what it used then counts as unknown.
  static constexpr std::size_t kMostEvent = 4UL * 1024 * 1024;

  // `call` must outlive this; `content_type` and `status` are the answer's.
  AnswerMeter(const ModelCall& call, MicroDollars grant, int status, std::string_view content_type);

  // Takes the next bytes of the body (`last`: the last ones) and appends to `out` what the agent
  // gets. False: the stream is at its end now, whatever the upstream still sends.
  bool take(std::string_view bytes, bool last, std::string& out);

  // What the answer cost, once that is known: it told all of its usage, or the status says that the
  // call was refused. nullopt: nobody knows, so it costs all of the grant.
  [[nodiscard]] std::optional<MicroDollars> spent() const;
  // What it can cost at most from here on; falls when the input is counted before the output.
  [[nodiscard]] MicroDollars at_most() const;
  // Used so far, as far as it was told.
  [[nodiscard]] Tokens tokens() const { return tokens_of(call_.dialect(), usage_); }
  [[nodiscard]] bool was_cut() const { return cut_; }
  // Bytes may be left out or put in, so the body's length is not the upstream's.
  [[nodiscard]] bool changes_length() const { return is_stream_; }

 private:
  bool take_events(std::string_view bytes, bool last, std::string& out);
  bool end_of_event(std::string& out);
  void read_event(std::string_view data);
  [[nodiscard]] bool is_over() const;

  const ModelCall& call_;
  const MicroDollars grant_;
  const int status_;
  const bool is_stream_;
  Usage usage_;
  std::unique_ptr<UsageReader> whole_;  // of a body that is no stream
  scrub::SseParser parser_;
  std::string event_;         // the bytes of the event that is not at its end
  bool line_empty_ = true;    // the present line has no byte yet
  bool after_cr_ = false;     // an LF now belongs to the line before
  bool passing_ = false;      // the present event is too long to be read
  bool usage_alone_ = false;  // the event just read has nothing but usage
  bool hidden_ = false;       // the event just ended was left out
  bool unread_ = false;       // something could not be read
  bool ended_ = false;        // the body has
  bool cut_ = false;
};

// The status says that the provider refused the call before any work: nothing is billed.
bool costs_nothing(int status);

// What ends a stream that has used up its grant, as the service itself would say it.
std::string spend_error(Dialect dialect);

}  // namespace deployclaw::models
