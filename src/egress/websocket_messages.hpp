#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "egress/agent_context.hpp"
#include "scrub/finder.hpp"
#include "scrub/scrubber.hpp"
#include "scrub/websocket_frames.hpp"
#include "services/injection.hpp"

// The two directions of a WebSocket, as bytes in and bytes out: no sockets, no clock. Each object
// belongs to one thread.
//
// A message that is one frame keeps its head; its payload passes as it comes. One of several frames
// is cut anew: what may be the beginning of a secret at the end of a frame waits for the next one,
// so the frames of such a message have other lengths, and there may be more or fewer of them
// (RFC 6455 §5.4: allowed where no extension was negotiated, and none ever is). The bytes of the
// message stay as many, and in their order. Control frames are never held up by what waits.
namespace deployclaw::egress {

// Writes one direction's data frames.
class MessageWriter {
 public:
  // A data frame of the sender begins; `message` is text or binary.
  void start_frame(std::string& out, const scrub::FrameHeader& header, scrub::Opcode message);
  // The next bytes of the message; `ends` with its last. May be empty.
  void data(std::string& out, std::string_view bytes, bool ends);
  // Nothing has to follow in the frame written last.
  [[nodiscard]] bool at_boundary() const { return left_ == 0; }

 private:
  scrub::FrameHeader now_;                        // of the sender
  scrub::Opcode message_ = scrub::Opcode::kText;  // what the next fragment is called
  bool whole_ = false;                            // the message is one frame
  std::uint64_t left_ = 0;                        // of a whole one
};

// Reads one direction's frames; what becomes of them is a subclass's business.
class MessageReader {
 public:
  virtual ~MessageReader() = default;
  MessageReader(const MessageReader&) = delete;
  MessageReader& operator=(const MessageReader&) = delete;

  // Takes all of `data` (and unmasks it in place) and appends to `out` what may go on. kForbidden
  // with a reason and a public detail: the connection must end, and `out` must not be sent.
  Status take(char* data, std::size_t size, std::string& out);
  // A whole close frame has passed: nothing more may come.
  [[nodiscard]] bool closed() const { return frames_.closed() && frames_.at_boundary(); }
  // A frame of the gateway's own may be put behind what was given out so far.
  [[nodiscard]] bool at_boundary() const { return writer_.at_boundary(); }

 protected:
  explicit MessageReader(scrub::FrameReader::Sender sender) : frames_(sender) {}
  // A data frame begins; its payload follows in any number of pieces (one at least when the frame
  // ends the message).
  virtual void start_frame(std::string& out);
  virtual Status data(std::string_view plain, bool message_ends, std::string& out) = 0;
  // The whole payload of a control frame, which may be changed but not in length.
  virtual Status control(std::string& plain) = 0;

  scrub::FrameReader frames_;
  MessageWriter writer_;

 private:
  Status end_control(std::string& out);
  std::string control_;
};

// From the upstream: secrets are turned back.
class AnswerMessages final : public MessageReader {
 public:
  explicit AnswerMessages(std::shared_ptr<const scrub::PatternSet> patterns);
  [[nodiscard]] std::vector<scrub::Hit> hits() const;

 private:
  Status data(std::string_view plain, bool message_ends, std::string& out) override;
  Status control(std::string& plain) override;

  std::shared_ptr<const scrub::PatternSet> patterns_;
  scrub::Scrubber scrubber_;
  std::string held_;
  std::vector<scrub::Hit> control_hits_;
};

// From the agent: a placeholder or a secret ends it ("placeholder_misplaced", "secret_in_request")
// before the whole of it has left. Where the decision names a place in messages, text messages are
// read whole (64 KiB at most, "message_too_large"), and the placeholder there is replaced.
class RequestMessages final : public MessageReader {
 public:
  static constexpr std::size_t kMostMessage = 64UL * 1024;

  RequestMessages(std::shared_ptr<const AgentContext> agent,
                  std::vector<services::Injection> injections, const Clock& clock);
  ~RequestMessages() override;
  // Names of the credentials that were put into messages since the last call.
  std::vector<std::string> take_used() { return std::exchange(used_, {}); }

 private:
  void start_frame(std::string& out) override;
  Status data(std::string_view plain, bool message_ends, std::string& out) override;
  Status control(std::string& plain) override;
  Status gather(std::string_view plain, bool message_ends, std::string& out);
  [[nodiscard]] Status refuse(std::uint32_t pattern) const;

  std::shared_ptr<const AgentContext> agent_;
  std::vector<services::Injection> injections_;
  const Clock& clock_;  // a token whose time is over is not put in
  scrub::Finder finder_;
  const bool injects_;
  std::string held_;
  std::string message_;
  std::vector<std::string> used_;
};

}  // namespace deployclaw::egress
