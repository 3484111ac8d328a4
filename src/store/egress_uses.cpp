#include "store/egress_uses.hpp"

#include <bit>
#include <charconv>
#include <map>

namespace deployclaw::store {

namespace {

constexpr std::int64_t kMinute = 60'000;
constexpr std::int64_t kDay = 86'400'000;
constexpr std::chrono::milliseconds kListDeadline{20'000};

// "1,2,3", each behind `base`.
void read_numbers(std::string_view text, std::int64_t base, std::vector<std::int64_t>& out) {
  while (!text.empty()) {
    std::int64_t number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    if (parsed.ec != std::errc{}) return;
    out.push_back(base + number);
    text.remove_prefix(static_cast<std::size_t>(parsed.ptr - text.data()));
    if (!text.empty()) text.remove_prefix(1);
  }
}

}  // namespace

constexpr db::Statement kListUses{
    "egress_list_uses",
    "SELECT agent_id, scope, minute, array_to_string(at, ',') FROM scope_uses "
    "WHERE agent_id = ANY ($1::uuid[]) AND minute >= $2::bigint ORDER BY agent_id, scope, minute, "
    "part"};

constexpr db::Statement kListSpend{
    "egress_list_spend",
    "SELECT agent_id, day - date '1970-01-01', settled FROM model_spend "
    "WHERE agent_id = ANY ($1::uuid[]) AND day >= date '1970-01-01' + $2::integer"};

constexpr db::Statement kListReservations{
    "egress_list_reservations",
    "SELECT agent_id, day - date '1970-01-01', amount, worker, intent FROM model_reservations "
    "WHERE agent_id = ANY ($1::uuid[])"};

Task<Result<std::vector<StoredCharges>>> list_charges(db::Database& db, std::vector<AgentId> agents,
                                                      std::int64_t since) {
  std::vector<StoredCharges> out(agents.size());
  std::map<AgentId, StoredCharges*> by_agent;
  for (std::size_t i = 0; i < agents.size(); ++i) {
    out[i].agent = agents[i];
    by_agent[agents[i]] = &out[i];
  }
  auto uses_params = db::Params::of(agents, since / kMinute);
  const auto uses = co_await db.query(kListUses, std::move(uses_params), kListDeadline);
  if (!uses) co_return context("list uses of scopes", uses.error());
  for (const auto& row : *uses) {
    auto& all = by_agent.at(row.id<AgentTag>(0))->uses;
    const auto scope = row.text(1);
    if (all.empty() || all.back().scope != scope)
      all.push_back({.scope = std::string(scope), .at = {}});
    read_numbers(row.text(3), row.int64(2) * kMinute, all.back().at);
  }
  auto spend_params = db::Params::of(agents, since / kDay);
  const auto spend = co_await db.query(kListSpend, std::move(spend_params), kListDeadline);
  if (!spend) co_return context("list the spend on models", spend.error());
  for (const auto& row : *spend) {
    by_agent.at(row.id<AgentTag>(0))
        ->settled.emplace_back(row.int64(1), static_cast<std::uint64_t>(row.int64(2)));
  }
  auto open_params = db::Params::of(agents);
  const auto open = co_await db.query(kListReservations, std::move(open_params), kListDeadline);
  if (!open) co_return context("list reservations", open.error());
  for (const auto& row : *open) {
    by_agent.at(row.id<AgentTag>(0))
        ->open.push_back({.worker = std::bit_cast<std::uint64_t>(row.int64(3)),
                          .intent = std::bit_cast<std::uint64_t>(row.int64(4)),
                          .day = static_cast<std::int32_t>(row.int64(1)),
                          .amount = static_cast<std::uint64_t>(row.int64(2))});
  }
  co_return out;
}

constexpr db::Statement kPrune{"egress_prune_charges", "SELECT audit.prune_charges()"};

Task<Result<std::int64_t>> prune_charges(db::Database& db) {
  const auto rows = co_await db.query(kPrune, db::Params(), kListDeadline);
  if (!rows) co_return context("prune uses and spend", rows.error());
  co_return rows->front().int64(0);
}

}  // namespace deployclaw::store
