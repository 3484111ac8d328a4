#include "domain/agent_state.hpp"

#include "domain/plan.hpp"

namespace deployclaw::domain {

using Kind = ActionKind;

std::string_view to_string(ActionKind kind) {
  switch (kind) {
    case Kind::kAdvance:
      return "advance";
    case Kind::kEnsureImage:
      return "ensure_image";
    case Kind::kEnsureVolume:
      return "ensure_volume";
    case Kind::kWriteConfig:
      return "write_config";
    case Kind::kCreateContainer:
      return "create_container";
    case Kind::kStartContainer:
      return "start_container";
    case Kind::kAttachNetwork:
      return "attach_network";
    case Kind::kStopContainer:
      return "stop_container";
    case Kind::kRemoveContainer:
      return "remove_container";
    case Kind::kDetachNetwork:
      return "detach_network";
    case Kind::kRemoveVolume:
      return "remove_volume";
    case Kind::kDeleteAgentRow:
      return "delete_agent_row";
    case Kind::kScheduleRestart:
      return "schedule_restart";
    case Kind::kOpenCircuit:
      return "open_circuit";
    case Kind::kClearRetry:
      return "clear_retry";
    case Kind::kNoteHealthy:
      return "note_healthy";
    case Kind::kForgetBackoff:
      return "forget_backoff";
    case Kind::kBeginRollback:
      return "begin_rollback";
    case Kind::kFinish:
      return "finish";
    case Kind::kSetStatus:
      return "set_status";
  }
  return "unknown";
}

std::optional<DesiredState> parse_desired_state(std::string_view text) {
  if (text == "running") return DesiredState::kRunning;
  if (text == "stopped") return DesiredState::kStopped;
  if (text == "deleted") return DesiredState::kDeleted;
  return std::nullopt;
}

std::string_view to_string(AgentStatus status) {
  switch (status) {
    case AgentStatus::kProvisioning:
      return "provisioning";
    case AgentStatus::kRunning:
      return "running";
    case AgentStatus::kStopped:
      return "stopped";
    case AgentStatus::kError:
      return "error";
  }
  return "error";
}

std::optional<AgentStatus> parse_agent_status(std::string_view text) {
  if (text == "provisioning") return AgentStatus::kProvisioning;
  if (text == "running") return AgentStatus::kRunning;
  if (text == "stopped") return AgentStatus::kStopped;
  if (text == "error") return AgentStatus::kError;
  return std::nullopt;
}

}  // namespace deployclaw::domain
