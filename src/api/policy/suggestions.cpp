#include "services/suggestions.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "api/policy/parts.hpp"
#include "api/policy/policy.hpp"
#include "api/policy/recorded.hpp"
#include "api/rendering/bind.hpp"
#include "api/rendering/json_text.hpp"
#include "api/rendering/page.hpp"
#include "store/denials.hpp"

namespace deployclaw::api::policy {
namespace {

using Column = store::DenialColumn;

constexpr std::size_t kMostShown = 100;

services::DenialGroup read_group(const db::Row& row) {
  services::DenialGroup group;
  auto& request = group.request;
  read_place(row, Column::kHost, Column::kPort, Column::kTarget, request);
  read_latest(row, Column::kLast, request);
  request.tls = row.boolean(Column::kTls);
  request.method = row.string(Column::kMethod);
  request.rule = row.string(Column::kRule);
  request.layer = row.string(Column::kLayer);
  request.denied = true;
  group.missing_scope = row.string(Column::kMissingScope);
  group.count = row.int64(Column::kCount);
  group.last_at = row.time(Column::kLastAt);
  return group;
}

void append_suggestion(JsonText& out, const services::Suggestion& suggestion,
                       const domain::Permissions& present) {
  out.begin_object();
  out.key("id").string(suggestion.id);
  out.key("sentence").string(suggestion.sentence);
  out.key("addScopes").begin_array();
  if (!suggestion.change.scope.empty()) out.string(suggestion.change.scope);
  out.end_array();
  out.key("addDomains").begin_array();
  if (!suggestion.change.domain.empty()) out.string(suggestion.change.domain);
  out.end_array();
  out.key("count").number(suggestion.count);
  out.key("lastAt").string(format_time(suggestion.last_at));
  out.key("example").string(suggestion.example);
  out.key("patch").raw(boost::json::serialize(services::json_patch(suggestion.change)));
  out.key("permissions")
      .raw(boost::json::serialize(domain::to_json(services::with(present, suggestion.change))));
  out.end_object();
}

void append_not_grantable(JsonText& out, const services::NotGrantable& entry) {
  out.begin_object();
  out.key("host").string(entry.host);
  out.key("rule").string_or_null(entry.rule.empty() ? std::nullopt
                                                    : std::optional<std::string_view>(entry.rule));
  out.key("reason").string(entry.reason);
  out.key("count").number(entry.count);
  out.key("lastAt").string(format_time(entry.last_at));
  out.key("example").string(entry.example);
  out.end_object();
}

}  // namespace

Task<Result<http::Response>> suggestions(Services& services, Principal principal,
                                         http::Request request) {
  const auto agent = agent_of(request);
  if (!agent) co_return fail(agent.error());
  QueryReader query(request);
  if (auto good = query.finish(); !good) co_return fail(std::move(good.error()));
  const auto loaded = co_await load_policy(services, principal.client, *agent);
  if (!loaded) co_return fail(loaded.error());
  const auto from = services.clock.now() - kPast;
  auto tx = co_await services.db.begin(principal.client);
  if (!tx) co_return fail(std::move(tx.error()));
  const auto rows = co_await store::list_denials(*tx, *agent, from);
  if (!rows) co_return context("list denials", rows.error());
  const auto unlisted = co_await store::count_unlisted_denials(*tx, *agent, from);
  if (!unlisted) co_return fail(unlisted.error());

  std::vector<services::DenialGroup> groups;
  for (const auto row : *rows) groups.push_back(read_group(row));
  const auto found = services::suggest(loaded->parts, groups);
  if (!found) co_return context("suggest", found.error());
  JsonText out(4096);
  out.begin_object();
  out.key("from").string(format_time(from));
  out.key("items").begin_array();
  for (std::size_t i = 0; i < std::min(kMostShown, found->items.size()); ++i) {
    append_suggestion(out, found->items[i], loaded->parts.permissions);
  }
  out.end_array();
  out.key("notGrantable").begin_array();
  for (std::size_t i = 0; i < std::min(kMostShown, found->not_grantable.size()); ++i) {
    append_not_grantable(out, found->not_grantable[i]);
  }
  out.end_array();
  out.key("unlisted").number(*unlisted);
  out.end_object();
  co_return json_text_response(200, std::move(out));
}

}  // namespace deployclaw::api::policy
