#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/secret.hpp"
#include "domain/approval_id.hpp"
#include "domain/credential_testing.hpp"
#include "domain/sliding_window.hpp"
#include "domain/spend_book.hpp"
#include "linux/address_pool.hpp"

// What supervisor, worker and spool say to one another, each in one packet. Readers take nothing
// for granted: a worker may have been taken over by what it parses.
namespace deployclaw::egress {

using linux::Ipv4;

// Where an agent's connection came in.
enum class Entrance : std::uint8_t {
  kProxy = 1,        // to the gateway's proxy port: CONNECT or absolute-form
  kTransparent = 2,  // to any other address and port: led here by the firewall
  kDns = 3,          // DNS over TCP
};

// Supervisor to worker.
struct ConfigureMessage {};  // the configuration (worker_config.hpp) is in the memfd beside it
struct ConnectionMessage {   // the socket is beside it
  AgentId agent;
  Entrance entrance = Entrance::kProxy;
  Ipv4 destination;  // kTransparent: where the agent believes it connects to
  std::uint16_t port = 0;
};
struct DatagramMessage {  // a DNS query, or the answer to it
  AgentId agent;
  std::uint32_t address = 0;  // of the agent's socket: where the answer goes
  std::uint16_t port = 0;
  std::string bytes;
};

// Worker to supervisor.
struct AssignedMessage {  // a synthetic address was given out: a restarted worker gets it back
  AgentId agent;
  std::uint32_t address = 0;
  std::string name;
};
struct UsedMessage {  // a credential was put into a request
  AgentId agent;
  std::string credential;
};
struct RenewedMessage {  // a token endpoint gave a new access token
  AgentId agent;
  std::string credential;
  std::string grant_name;      // of the grant that was used
  std::uint32_t lifetime = 0;  // seconds, not 0
  Secret access_token = {};
  Secret refresh_token = {};  // empty: the one there is stays good
};
struct IdleMessage {  // open connections; 0 again and again ends the worker
  std::uint32_t connections = 0;
};

// Worker to supervisor, of a request that waits for a person. What a person is to see goes before
// it in pieces: the sandbox has no file, and no memory either, to hand over.
struct ApprovalTextMessage {
  std::uint64_t hold = 0;  // one waiting request, unique in the worker's life
  std::string bytes;
};
struct ApprovalMessage {
  AgentId agent;
  std::uint64_t hold = 0;
  std::array<unsigned char, 32> digest{};
  std::string scope;   // 1 to 64 bytes
  std::string target;  // at most 512 bytes
};
struct ApprovalDropMessage {  // nobody waits any more
  std::uint64_t hold = 0;
};
struct ApprovalReturnMessage {  // granted, and nothing was sent
  std::uint64_t hold = 0;
};
// Supervisor to worker.
enum class ApprovalVerdict : std::uint8_t {
  kPending = 1,      // it waits
  kUsed = 2,         // granted, and the grant is used up by this answer: send it, now
  kDenied = 3,       // until `expires_at`
  kExpired = 4,      // nobody decided in time
  kGone = 5,         // somebody else used the grant: ask again
  kFull = 6,         // the agent has too many that wait
  kUnavailable = 7,  // it cannot be asked now
  kLimited = 8,      // a limit is reached: nobody is asked, and no grant is used
};

// Supervisor to worker: a person asks whether a credential works.
struct TestMessage {
  CredentialTestId id;
  AgentId agent;
  std::string credential;
};
// Worker to supervisor.
struct TestAnswerMessage {
  CredentialTestId id;
  domain::TestReason reason = domain::TestReason::kUnexpectedAnswer;
  std::uint16_t status = 0;  // of the service's HTTP answer; 0: there was none
};

// What the ledger is to count of an intent before it is admitted.
inline constexpr std::uint8_t kNoScope = 0xff;
struct Charge {
  std::uint8_t scope = kNoScope;    // a place in domain::kScopes, which has windows; or none
  domain::MicroDollars least = 0;   // without which a model call makes no sense
  domain::MicroDollars wanted = 0;  // the worst case of what the agent asked; 0: no model call
  [[nodiscard]] bool is_free() const { return scope == kNoScope && wanted == 0; }
  bool operator==(const Charge&) const = default;
};
// What the ledger gave: for a model call least to wanted, else 0.
struct Grant {
  domain::MicroDollars micro_dollars = 0;
};
// An outcome that names no amount has spent all that is reserved.
inline constexpr domain::MicroDollars kAllReserved = UINT64_MAX;

// Why the ledger refused an intent.
struct LimitRefusal {
  enum class Kind : std::uint8_t {
    kRate = 1,      // scope, window and max say which
    kSpend = 2,     // the cap and what is spent of it
    kNotReady = 3,  // it does not know yet what was used before
  };
  Kind kind = Kind::kNotReady;
  std::uint8_t scope = kNoScope;
  domain::Window window = domain::Window::kHour;
  std::uint32_t max = 0;
  std::uint32_t retry_after_seconds = 0;  // at least 1
  domain::MicroDollars cap = 0;
  domain::MicroDollars spent = 0;  // settled today
  bool operator==(const LimitRefusal&) const = default;
};

// Supervisor to worker: what becomes of a request that waits for a person.
struct ApprovalAnswerMessage {
  std::uint64_t hold = 0;
  ApprovalVerdict verdict = ApprovalVerdict::kUnavailable;
  ApprovalId id;  // nil where there is none
  Time expires_at = {};
  std::optional<LimitRefusal> limit = {};  // of kLimited, and of no other
};

// Worker to spool.
enum class RecordKind : std::uint8_t {
  kIntent = 1,   // what is about to happen: nothing leaves before it is durable
  kOutcome = 2,  // how the intent of the same id ended
  kEvent = 3,    // whole in itself: a denial, a finding
  kOpen = 4,     // in the spool only: an intent that was open when a segment began
  kLower = 5,    // the intent of this id can only cost `amount` any more; no JSON
};
struct RecordMessage {
  RecordKind kind = RecordKind::kEvent;
  AgentId agent;
  std::uint64_t id = 0;                        // of the intent, unique in the worker's life
  std::string json;                            // {actionType, target, outcome, metadata}
  Charge charge = {};                          // of an intent
  domain::MicroDollars amount = kAllReserved;  // of an outcome: spent; kLower: still reserved
  std::uint8_t layer = 0;     // of a denial: who refused (decision_counts.hpp), for the counts
  std::uint32_t denials = 0;  // that it tells of
};
// Why the spool does not take intents.
enum class Refusal : std::uint8_t {
  kNo = 0,
  kUnwritable = 1,    // full, or the disk fails
  kShare = 2,         // the client holds all that one client may
  kTooManyOpen = 3,   // intents without an outcome
  kForeignAgent = 4,  // none of the client's
};
// Spool to worker: records up to `sequence` (counted from 1 in the order sent) are durable; or the
// intents among them since the last answer are refused. An intent with a charge has an answer of
// its own, now or later, whatever the rest says.
struct IntentAnswer {
  std::uint64_t id = 0;
  Refusal refused = Refusal::kNo;
  Grant grant = {};
  std::optional<LimitRefusal> limit = {};  // set: refused by the ledger
};
struct DurableMessage {
  std::uint64_t sequence = 0;
  Refusal refused = Refusal::kNo;
  std::vector<IntentAnswer> answers = {};  // kMostAnswers at most
};
inline constexpr std::size_t kMostAnswers = 512;

enum class MessageKind : std::uint8_t {
  kConfigure = 1,
  kConnection,
  kDatagram,
  kDrain,  // take nothing new, end when done
  kReady,
  kAssigned,
  kUsed,
  kIdle,
  kRecords,
  kDurable,
  kRenewed,
  kApprovalText,
  kApproval,
  kApprovalDrop,
  kApprovalAnswer,
  kTest,
  kTestAnswer,
  kApprovalReturn,
};
// Of a packet; nullopt for an unknown one.
std::optional<MessageKind> kind_of(std::string_view packet);

std::string encode(MessageKind plain);  // kConfigure, kDrain, kReady
std::string encode(const ConnectionMessage& message);
std::string encode(const DatagramMessage& message);
std::string encode(const AssignedMessage& message);
std::string encode(const UsedMessage& message);
std::string encode(const IdleMessage& message);
std::string encode(const RenewedMessage& message);  // to be wiped once it is sent
std::string encode(const DurableMessage& message);
// At most kMostApprovalPiece bytes.
std::string encode(const ApprovalTextMessage& message);
inline constexpr std::size_t kMostApprovalPiece = 60UL * 1024;
std::string encode(const ApprovalMessage& message);
std::string encode(const ApprovalDropMessage& message);
std::string encode(const ApprovalReturnMessage& message);
std::string encode(const ApprovalAnswerMessage& message);
std::string encode(const TestMessage& message);
std::string encode(const TestAnswerMessage& message);

// Adds a record (its JSON has kMostRecordJson bytes at most) to a packet of records, which is empty
// at first. Many in one packet cost one system call.
inline constexpr std::size_t kMostRecordJson = 32UL * 1024;
void append(std::string& packet, const RecordMessage& record);
// At least one, in the order in which they were added; nullopt unless all of the packet is records.
std::optional<std::vector<RecordMessage>> read_records(std::string_view packet);

// nullopt unless the packet is exactly such a message.
std::optional<ConnectionMessage> read_connection(std::string_view packet);
std::optional<DatagramMessage> read_datagram(std::string_view packet);
std::optional<AssignedMessage> read_assigned(std::string_view packet);
std::optional<UsedMessage> read_used(std::string_view packet);
std::optional<IdleMessage> read_idle(std::string_view packet);
// Besides: only tokens that are fit to be sent (services::is_oauth_text), names of 1 to 64 bytes.
std::optional<RenewedMessage> read_renewed(std::string_view packet);
std::optional<DurableMessage> read_durable(std::string_view packet);
std::optional<ApprovalTextMessage> read_approval_text(std::string_view packet);
std::optional<ApprovalMessage> read_approval(std::string_view packet);
std::optional<ApprovalDropMessage> read_approval_drop(std::string_view packet);
std::optional<ApprovalReturnMessage> read_approval_return(std::string_view packet);
std::optional<ApprovalAnswerMessage> read_approval_answer(std::string_view packet);
std::optional<TestMessage> read_test(std::string_view packet);
// Besides: only a reason that there is, and no status or one of HTTP.
std::optional<TestAnswerMessage> read_test_answer(std::string_view packet);

}  // namespace deployclaw::egress
