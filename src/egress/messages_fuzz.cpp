// Packets of a worker that has been taken over: a reader takes them only when they are exactly what
// a message of its kind is encoded as.
#include <cstdlib>

#include "egress/messages.hpp"

namespace {

namespace egress = deployclaw::egress;

template <class Message>
void check(std::string_view packet, egress::MessageKind kind, const std::optional<Message>& read) {
  if (!read) return;
  if (egress::kind_of(packet) != kind || egress::encode(*read) != packet) std::abort();
}

// Records are told one behind the other.
void check_records(std::string_view packet) {
  const auto read = egress::read_records(packet);
  if (!read) return;
  std::string again;
  for (const auto& record : *read) egress::append(again, record);
  if (again != packet) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using egress::MessageKind;
  const std::string_view packet(reinterpret_cast<const char*>(data), size);
  check(packet, MessageKind::kConnection, egress::read_connection(packet));
  check(packet, MessageKind::kDatagram, egress::read_datagram(packet));
  check(packet, MessageKind::kAssigned, egress::read_assigned(packet));
  check(packet, MessageKind::kUsed, egress::read_used(packet));
  check(packet, MessageKind::kIdle, egress::read_idle(packet));
  check(packet, MessageKind::kRenewed, egress::read_renewed(packet));
  check_records(packet);
  check(packet, MessageKind::kDurable, egress::read_durable(packet));
  check(packet, MessageKind::kApprovalText, egress::read_approval_text(packet));
  check(packet, MessageKind::kApproval, egress::read_approval(packet));
  check(packet, MessageKind::kApprovalDrop, egress::read_approval_drop(packet));
  check(packet, MessageKind::kApprovalReturn, egress::read_approval_return(packet));
  check(packet, MessageKind::kApprovalAnswer, egress::read_approval_answer(packet));
  check(packet, MessageKind::kTest, egress::read_test(packet));
  check(packet, MessageKind::kTestAnswer, egress::read_test_answer(packet));
  return 0;
}
