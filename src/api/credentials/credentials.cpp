#include "api/credentials/credentials.hpp"

#include <boost/json/serialize.hpp>

#include "api/agents/lifecycle.hpp"
#include "api/credentials/sealing.hpp"
#include "api/idempotency.hpp"
#include "api/rendering/bind.hpp"
#include "api/rendering/json_text.hpp"
#include "db/error.hpp"
#include "domain/sensitive_config.hpp"
#include "http/json_body.hpp"
#include "runtimes/catalogue.hpp"
#include "services/test_call.hpp"
#include "store/observations.hpp"
#include "store/users.hpp"

namespace deployclaw::api::credentials {
namespace {

namespace json = boost::json;

constexpr std::int64_t kMostPerAgent = 50;

bool is_testable(const services::Catalogue& catalogue, const store::StoredCredential& credential) {
  const auto* kind = catalogue.find_kind(credential.kind);
  return kind != nullptr && services::test_for(*kind, credential.hosts) != nullptr;
}

void append_credential(JsonText& out, const services::Catalogue& catalogue,
                       const store::StoredCredential& credential) {
  out.begin_object();
  out.key("name").string(credential.name);
  out.key("kind").string(credential.kind);
  out.key("hosts").begin_array();
  for (const auto& host : credential.hosts) out.string(host);
  out.end_array();
  out.key("keyVersion").number(credential.key_version);
  out.key("renews").boolean(credential.renews);
  out.key("testable").boolean(is_testable(catalogue, credential));
  out.key("expiresAt").string_or_null(credential.expires_at);
  out.key("createdAt").string(credential.created_at);
  out.key("updatedAt").string(credential.updated_at);
  out.key("lastUsedAt").string_or_null(credential.last_used_at);
  out.end_object();
}

Task<Result<http::Response>> credential_response(const services::Catalogue& catalogue,
                                                 db::Transaction& tx, AgentId agent,
                                                 std::string name, int status) {
  const auto found = co_await store::find_credential(tx, agent, std::move(name));
  if (!found) co_return fail(found.error());
  if (!*found) co_return fail(Code::kInternal, "the credential just written is not there");
  JsonText out;
  out.begin_object().key("credential");
  append_credential(out, catalogue, **found);
  out.end_object();
  co_return json_text_response(status, std::move(out));
}

// Does the agent's configuration name its credentials' placeholders? Then a new set of credentials
// needs a new container; otherwise the agent learns of it by itself.
bool embeds_placeholders(const runtimes::Catalogue& catalogue, const store::LockedAgent& agent) {
  constexpr std::string_view kPlaceholder = "${model_api_key}";
  if (json::serialize(agent.config).contains(domain::kCredentialKey)) return true;
  const auto* found = catalogue.find(agent.runtime, true);
  if (found == nullptr) return false;
  for (const auto& [name, value] : found->environment) {
    if (value.contains(kPlaceholder)) return true;
  }
  return found->config && json::serialize(found->config->base).contains(kPlaceholder);
}

// Brings a running agent up again with its new set of credentials, where it needs that.
Task<Status> refresh_agent(Services& services, db::Transaction& tx, store::LockedAgent agent,
                           UserId user) {
  if (!embeds_placeholders(services.runtimes, agent)) co_return Status{};
  auto bumped = co_await store::bump_generation(tx, agent.id);
  if (!bumped) co_return bumped;
  if (agent.desired_state != "running") co_return Status{};
  auto queued = co_await agents::redeploy_agent(tx, agent.id, "update", user);
  co_return queued;
}

Result<json::object> take_body(http::Request& request) {
  auto body = http::json_object_body(request);
  wipe_string(request.body);
  return body;
}

void wipe_body(json::object body) {
  json::value used(std::move(body));
  domain::wipe_strings(used);
}

}  // namespace

std::unexpected<Error> no_such_credential() {
  return fail(Code::kNotFound, "not_found", "The agent has no credential of that name.");
}

Task<Result<http::Response>> list(Services& services, Principal principal, http::Request request) {
  const auto agent = agent_of(request);
  if (!agent) co_return fail(agent.error());
  const auto found = co_await store::find_health(services.db, principal.client, *agent);
  if (!found) co_return context("find agent", found.error());
  if (found->empty()) co_return no_such_agent();
  const auto credentials = co_await store::list_credentials(services.db, principal.client, *agent);
  if (!credentials) co_return fail(credentials.error());
  JsonText out;
  out.begin_object().key("items").begin_array();
  for (const auto& credential : *credentials) {
    append_credential(out, services.service_catalogue, credential);
  }
  out.end_array().key("nextCursor").null().end_object();
  co_return json_text_response(200, std::move(out));
}

Task<Result<http::Response>> add(Services& services, Principal principal, http::Request request) {
  const auto id = agent_of(request);
  if (!id) co_return fail(id.error());
  auto body = take_body(request);
  if (!body) co_return fail(std::move(body.error()));
  auto wanted = read_credential(services.service_catalogue, *body, "", std::nullopt);
  wipe_body(std::move(*body));
  if (!wanted) co_return fail(std::move(wanted.error()));

  auto salt = co_await store::find_client_salt(services.db, principal.client);
  if (!salt) co_return fail(std::move(salt.error()));
  auto tx = co_await services.db.begin(principal.client);
  if (!tx) co_return fail(std::move(tx.error()));
  auto agent = co_await agents::lock_for_change(*tx, *id, std::move(request));
  if (!agent) co_return fail(std::move(agent.error()));
  const auto count = co_await store::count_credentials(*tx, *id);
  if (!count) co_return fail(count.error());
  if (*count >= kMostPerAgent) {
    co_return fail(Code::kConflict, "too_many_credentials", "An agent has at most 50 credentials.");
  }
  const auto name = wanted->name;
  auto sealed = co_await seal_credential(services, principal.client, std::move(*salt), *id,
                                         std::move(*wanted));
  if (!sealed) co_return fail(std::move(sealed.error()));
  auto event = credential_event(principal, "credential_created", *sealed);
  auto inserted = co_await store::insert_credential(*tx, std::move(*sealed));
  if (!inserted && inserted.error().code == Code::kConflict) {
    co_return fail(Code::kConflict, "credential_exists",
                   "The agent has a credential of that name; PUT replaces it.");
  }
  if (!inserted) co_return fail(std::move(inserted.error()));
  auto refreshed = co_await refresh_agent(services, *tx, std::move(*agent), principal.user);
  if (!refreshed) co_return fail(std::move(refreshed.error()));
  auto response = co_await credential_response(services.service_catalogue, *tx, *id, name, 201);
  if (!response) co_return fail(std::move(response.error()));
  response->headers.add("Location", "/api/agents/" + id->to_string() + "/credentials/" + name);
  auto kept = co_await record_answer(*tx, principal, *response);
  if (!kept) co_return fail(std::move(kept.error()));
  auto committed = co_await record_and_commit(*tx, std::move(event));
  if (!committed) co_return fail(std::move(committed.error()));
  co_return response;
}

Task<Result<http::Response>> replace(Services& services, Principal principal,
                                     http::Request request) {
  const auto id = agent_of(request);
  if (!id) co_return fail(id.error());
  const std::string name(request.param("name"));
  auto body = take_body(request);
  if (!body) co_return fail(std::move(body.error()));

  auto salt = co_await store::find_client_salt(services.db, principal.client);
  if (!salt) co_return fail(std::move(salt.error()));
  auto tx = co_await services.db.begin(principal.client);
  if (!tx) co_return fail(std::move(tx.error()));
  const auto agent = co_await agents::lock_for_change(*tx, *id, std::move(request));
  if (!agent) co_return fail(agent.error());
  const auto present = co_await store::find_credential(*tx, *id, name);
  if (!present) co_return fail(present.error());
  if (!*present) co_return no_such_credential();
  auto wanted = read_credential(services.service_catalogue, *body, "", (*present)->kind);
  wipe_body(std::move(*body));
  if (!wanted) co_return fail(std::move(wanted.error()));
  wanted->name = name;
  if (!wanted->hosts_given) wanted->hosts = (*present)->hosts;

  auto sealed = co_await seal_credential(services, principal.client, std::move(*salt), *id,
                                         std::move(*wanted));
  if (!sealed) co_return fail(std::move(sealed.error()));
  auto event = credential_event(principal, "credential_replaced", *sealed);
  auto replaced = co_await store::replace_credential(*tx, std::move(*sealed));
  if (!replaced) co_return fail(std::move(replaced.error()));
  auto response = co_await credential_response(services.service_catalogue, *tx, *id, name, 200);
  if (!response) co_return fail(std::move(response.error()));
  auto committed = co_await record_and_commit(*tx, std::move(event));
  if (!committed) co_return fail(std::move(committed.error()));
  co_return response;
}

Task<Result<http::Response>> remove(Services& services, Principal principal,
                                    http::Request request) {
  const auto id = agent_of(request);
  if (!id) co_return fail(id.error());
  const std::string name(request.param("name"));
  auto tx = co_await services.db.begin(principal.client);
  if (!tx) co_return fail(std::move(tx.error()));
  auto locked = co_await store::lock_agent(*tx, *id);
  if (!locked) co_return fail(std::move(locked.error()));
  if (!*locked) co_return no_such_agent();
  const auto deleted = co_await store::delete_credential(*tx, *id, name);
  if (!deleted) co_return fail(deleted.error());
  if (!*deleted) co_return no_such_credential();
  auto refreshed = co_await refresh_agent(services, *tx, std::move(**locked), principal.user);
  if (!refreshed) co_return fail(std::move(refreshed.error()));
  auto event = audit_event(principal, "credential_deleted", name);
  event.agent = *id;
  auto committed = co_await record_and_commit(*tx, std::move(event));
  if (!committed) co_return fail(std::move(committed.error()));
  http::Response response;
  response.status = 204;
  co_return response;
}

Task<Result<http::Response>> kinds(Services& services, Principal /*principal*/,
                                   http::Request /*request*/) {
  JsonText out;
  out.begin_object().key("items").begin_array();
  for (const auto* kind : services.service_catalogue.kinds()) {
    out.begin_object().key("name").string(kind->name).key("title").string(kind->title);
    out.key("hosts").begin_array();
    for (const auto& host : kind->hosts) out.string(host);
    out.end_array().key("hostsRequired").boolean(kind->hosts_required());
    out.key("renewable").boolean(services.service_catalogue.find_oauth(kind->name) != nullptr);
    out.end_object();
  }
  out.end_array().key("nextCursor").null().end_object();
  co_return json_text_response(200, std::move(out));
}

void add_routes(http::Router& router, Services& services) {
  using http::Method;
  const Access read{};
  const Access write{.fresh = true, .least_role = Role::kAdmin};
  const Access try_out{.least_role = Role::kAdmin};  // changes nothing
  const std::string all = "/api/agents/:id/credentials";
  const std::string one = "/api/agents/:id/credentials/:name";
  add_route(router, services, Method::kGet, all, "listCredentials", read,
            bind_action(services, list), "agents:read");
  add_route(router, services, Method::kPost, all, "addCredential", write,
            idempotent(services, bind_action(services, add)), "credentials:write");
  add_route(router, services, Method::kPut, one, "replaceCredential", write,
            bind_action(services, replace), "credentials:write");
  add_route(router, services, Method::kDelete, one, "deleteCredential", write,
            bind_action(services, remove), "credentials:write");
  add_route(router, services, Method::kPost, one + "/test", "testCredential", try_out,
            idempotent(services, bind_action(services, test)), "credentials:write");
  add_route(router, services, Method::kGet, "/api/credential-kinds", "listCredentialKinds", read,
            bind_action(services, kinds), "agents:read");
}

}  // namespace deployclaw::api::credentials
