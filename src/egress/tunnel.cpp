#include "egress/tunnel.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>

namespace deployclaw::egress {
namespace {

Task<void> one_way(WorkerShared& shared, StreamReader& from, StreamReader& to, std::uint64_t& count,
                   bool& ended) {
  auto buffer = shared.buffers.take();
  while (true) {
    // Whatever moves keeps both sides alive.
    from.stream().set_deadline(shared.deadlines.tunnel);
    to.stream().set_deadline(shared.deadlines.tunnel);
    const auto got = co_await from.read(buffer.data(), BufferPool::kRoom);
    if (!got) break;
    if (*got == 0) {
      const auto told = co_await to.stream().shutdown_send();
      ended = told.has_value();
      co_return;
    }
    count += *got;
    const auto written = co_await write_rest(to.stream(), {buffer.data(), *got});
    if (!written) break;
  }
  // One side is gone: the other need not wait for it.
  from.stream().interrupt();
  to.stream().interrupt();
}

}  // namespace

Task<TunnelCounts> carry(WorkerShared& shared, StreamReader& agent, StreamReader& upstream) {
  using namespace boost::asio::experimental::awaitable_operators;
  TunnelCounts counts;
  bool agent_ended = false;
  bool upstream_ended = false;
  auto both = one_way(shared, agent, upstream, counts.sent, agent_ended) &&
              one_way(shared, upstream, agent, counts.received, upstream_ended);
  co_await std::move(both);
  counts.ended_well = agent_ended && upstream_ended;
  co_return counts;
}

}  // namespace deployclaw::egress
