#include "egress/worker_handle.hpp"

#include "egress/messages.hpp"

namespace deployclaw::egress {

namespace {
constexpr std::size_t kMostWaiting = 256;
}

WorkerHandle::WorkerHandle(boost::asio::any_io_executor executor, std::uint32_t number,
                           linux::UniqueFd channel)
    : channel_(std::move(executor), std::move(channel)), number_(number) {}

Status WorkerHandle::hand_over(std::string packet, linux::UniqueFd fd) {
  busy_at_ = Clock::now();
  if (version_ != 0) return channel_.send(packet, fd.get());
  if (waiting_.size() >= kMostWaiting) {
    return fail(Code::kUnavailable, "too much waits for the worker");
  }
  waiting_.push_back({std::move(packet), std::move(fd), busy_at_});
  return {};
}

Status WorkerHandle::configure(const WorkerConfig& config) {
  const auto memory = seal_config(config);
  if (!memory) return fail(memory.error());
  if (auto sent = channel_.send(encode(MessageKind::kConfigure), memory->get()); !sent) return sent;
  version_ = config.version;
  for (const auto& waiting : std::exchange(waiting_, {})) {
    if (auto sent = channel_.send(waiting.packet, waiting.fd.get()); !sent) return sent;
  }
  return {};
}

void WorkerHandle::drain() { (void)channel_.send(encode(MessageKind::kDrain)); }

void WorkerHandle::drop_older_than(std::chrono::milliseconds age) {
  const auto now = Clock::now();
  while (!waiting_.empty() && now - waiting_.front().since > age) waiting_.pop_front();
}

void WorkerHandle::note_idle(std::uint32_t connections) {
  connections_ = connections;
  if (connections > 0) busy_at_ = Clock::now();
}

bool WorkerHandle::idle_for(std::chrono::milliseconds span) const {
  return connections_ == 0 && waiting_.empty() && Clock::now() - busy_at_ > span;
}

}  // namespace deployclaw::egress
