#include "orchestrator/output_collector.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.hpp"

namespace deployclaw::orchestrator {

using namespace std::chrono_literals;

bool LineGate::admit(Time now, std::string& marker) {
  marker.clear();
  if (now - second_ >= 1s) {
    marker = finish();
    second_ = now;
    passed_ = 0;
  }
  if (passed_ < per_second_) {
    ++passed_;
    return true;
  }
  ++dropped_;
  return false;
}

std::string LineGate::finish() {
  if (dropped_ == 0) return {};
  return fmt::format("… {} lines dropped", std::exchange(dropped_, 0));
}

struct OutputCollector::Follower {
  explicit Follower(OutputSource s, std::size_t rate) : source(std::move(s)), gate(rate) {}
  OutputSource source;
  LineGate gate;
  std::vector<store::OutputLine> pending;
  Time last_at{};
  bool ended = false;     // the stream is at its end
  bool replaced = false;  // a newer start is followed
};

OutputCollector::OutputCollector(boost::asio::any_io_executor executor, db::Database& db,
                                 docker::ContainerRuntime& runtime, const Config& config)
    : db_(db), runtime_(runtime), config_(config), tasks_(std::move(executor)) {}

void OutputCollector::follow(const std::vector<OutputSource>& sources) {
  if (!flushing_) {
    flushing_ = true;
    tasks_.spawn("store output", flush_loop());
  }
  std::map<AgentId, std::shared_ptr<Follower>> next;
  for (const auto& source : sources) {
    auto found = followers_.find(source.agent);
    if (found != followers_.end() && found->second->source.container == source.container &&
        found->second->source.started_at == source.started_at) {
      next.insert(followers_.extract(found));
      continue;
    }
    auto follower = std::make_shared<Follower>(source, config_.output_rate);
    next.emplace(source.agent, follower);
    tasks_.spawn("follow output", run(follower));
  }
  for (auto& [agent, follower] : followers_) {
    follower->replaced = true;
    ended_.push_back(follower);
  }
  followers_ = std::move(next);
}

Task<void> OutputCollector::run(std::shared_ptr<Follower> follower) {
  // A stream that breaks while its container lives (the engine restarts) is opened again; where to
  // go on is read from the database each time, so nothing is stored twice.
  for (int attempt = 0; attempt < 20 && !follower->replaced; ++attempt) {
    const bool whole = co_await read(follower);
    if (whole) break;
    const bool slept = co_await sleep_for(500ms);
    if (!slept) co_return;
  }
  if (const std::string marker = follower->gate.finish(); !marker.empty()) {
    follower->pending.push_back({.at = follower->last_at, .text = marker});
  }
  follower->ended = true;
}

// Reads one stream to its end; false when it could not or broke off.
Task<bool> OutputCollector::read(std::shared_ptr<Follower> follower) {
  while (!follower->pending.empty()) {
    const bool slept = co_await sleep_for(50ms);
    if (!slept) co_return true;
  }
  auto end = co_await store::find_output_end(db_, follower->source.agent);
  if (!end) co_return false;
  auto stream = co_await runtime_.follow_logs(follower->source.container, config_.output_keep);
  if (!stream) co_return stream.error().code == Code::kNotFound;
  for (;;) {
    auto line = co_await (*stream)->next();
    if (!line) co_return false;
    if (!*line) co_return true;
    if (*end && (*line)->at <= (**end).at) {
      // Of lines with the very same time, those that are stored came first.
      if ((*line)->at < (**end).at || (**end).lines_at-- > 0) continue;
    }
    add(*follower, std::move(**line));
    while (follower->pending.size() >= 2 * config_.output_batch) {
      const bool slept = co_await sleep_for(20ms);
      if (!slept) co_return true;
    }
  }
}

void OutputCollector::add(Follower& follower, docker::LogLine line) {
  follower.last_at = line.at;
  std::string marker;
  const bool passes = follower.gate.admit(line.at, marker);
  if (!marker.empty()) follower.pending.push_back({.at = line.at, .text = std::move(marker)});
  if (!passes) return;
  follower.pending.push_back(
      {.at = line.at, .is_stderr = line.is_stderr, .text = std::move(line.text)});
}

Task<bool> OutputCollector::flush(Follower& follower) {
  while (!follower.pending.empty()) {
    const auto count = std::min(follower.pending.size(), config_.output_batch);
    std::vector<store::OutputLine> batch(
        follower.pending.begin(), follower.pending.begin() + static_cast<std::ptrdiff_t>(count));
    const auto keep = static_cast<std::int64_t>(config_.output_keep);
    const auto stored = co_await store::append_output(
        db_, follower.source.agent, follower.source.client, std::move(batch), keep);
    // A batch that the database refuses must not block the ones behind it.
    const bool refused = !stored && stored.error().code == Code::kInvalid;
    if (!stored && !refused) co_return false;
    if (refused) log::warn("agent output refused", {{"error", stored.error().message}});
    follower.pending.erase(follower.pending.begin(),
                           follower.pending.begin() + static_cast<std::ptrdiff_t>(count));
  }
  co_return true;
}

Task<void> OutputCollector::flush_loop() {
  for (;;) {
    const bool slept = co_await sleep_for(config_.output_flush);
    if (!slept) co_return;
    std::vector<std::shared_ptr<Follower>> all(ended_.begin(), ended_.end());
    for (const auto& [agent, follower] : followers_) all.push_back(follower);
    for (const auto& follower : all) {
      if (follower->pending.empty()) continue;
      const bool stored = co_await flush(*follower);
      if (!stored) break;
    }
    std::erase_if(ended_, [](const auto& f) { return f->ended && f->pending.empty(); });
  }
}

Task<void> OutputCollector::drain(AgentId agent, std::chrono::milliseconds most) {
  const auto found = followers_.find(agent);
  if (found == followers_.end()) co_return;
  const auto follower = found->second;
  const auto end = std::chrono::steady_clock::now() + most;
  while (std::chrono::steady_clock::now() < end) {
    if (follower->ended && follower->pending.empty()) co_return;
    const bool slept = co_await sleep_for(20ms);
    if (!slept) co_return;
  }
}

Task<void> OutputCollector::stop() {
  tasks_.cancel();
  co_await tasks_.join();
}

}  // namespace deployclaw::orchestrator
