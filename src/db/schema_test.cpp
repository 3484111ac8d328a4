// What the migrations promise: tenants cannot see one another, and each role reaches its tables
// and no others.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libpq-fe.h>

#include <memory>
#include <string>

#include "db/testing/postgres.hpp"

namespace deployclaw::db {
namespace {

using testing::Postgres;

constexpr const char* kA = "aaaaaaaa-0000-4000-8000-000000000001";
constexpr const char* kB = "bbbbbbbb-0000-4000-8000-000000000002";

// One session of a role. try_sql gives "" when the statement succeeded, else its SQLSTATE.
class Session {
 public:
  explicit Session(std::string_view role)
      : conn_(PQconnectdb(Postgres::shared().conninfo(role).c_str()), PQfinish) {
    EXPECT_EQ(PQstatus(conn_.get()), CONNECTION_OK) << PQerrorMessage(conn_.get());
  }

  std::string try_sql(const std::string& sql) {
    const auto result = exec(sql);
    const char* state = PQresultErrorField(result.get(), PG_DIAG_SQLSTATE);
    return state != nullptr ? state : "";
  }

  // The first column of the first row; "error" when the statement failed.
  std::string value(const std::string& sql) {
    const auto result = exec(sql);
    if (PQresultStatus(result.get()) != PGRES_TUPLES_OK) {
      ADD_FAILURE() << sql << ": " << PQresultErrorMessage(result.get());
      return "error";
    }
    return PQntuples(result.get()) > 0 ? PQgetvalue(result.get(), 0, 0) : "";
  }

  void tenant(const std::string& id) {
    value("select set_config('deployclaw.client_id', '" + id + "', false)");
  }

 private:
  std::unique_ptr<PGresult, void (*)(PGresult*)> exec(const std::string& sql) {
    return {PQexec(conn_.get(), sql.c_str()), PQclear};
  }
  std::unique_ptr<PGconn, void (*)(PGconn*)> conn_;
};

class SchemaTest : public ::testing::Test {
 protected:
  // Two clients, each with one row in every tenant table.
  void SetUp() override {
    Postgres::shared().reset();
    for (const std::string client : {kA, kB}) {
      const std::string email = client.substr(0, 1) + "@example.com";
      Postgres::shared().run(
          "insert into clients (id, name, email, vault_salt) values ('" + client + "', 'n', '" +
          email + "', decode(repeat('00', 32), 'hex'));" +
          "insert into users (client_id, email, password_hash) values ('" + client + "', '" +
          email + "', 'x');" +
          "insert into recovery_codes (client_id, user_id, code_hash) select client_id, id, 'x' "
          "from users where client_id = '" +
          client + "';" +
          "insert into known_networks select client_id, id, '192.0.2.1', now() from users "
          "where client_id = '" +
          client + "';" +
          "insert into sessions (client_id, user_id, token_hash, level, expires_at) select "
          "client_id, id, convert_to('" +
          client +
          "', 'UTF8'), 'full', now() + '1 hour' from "
          "users where client_id = '" +
          client + "';" +
          "insert into client_authorities (client_id, certificate, encrypted) values ('" + client +
          R"(', 'pem', '{"iv":1,"ciphertext":1,"tag":1,"keyVersion":1}');)" +
          "insert into idempotency_keys (client_id, user_id, key, request_hash) select client_id, "
          "id, 'k', 'x' from users where client_id = '" +
          client + "';" +
          "insert into agents (client_id, name, runtime, runtime_version, permissions) values ('" +
          client + "', 'agent', 'openclaw', '1', '{}');" +
          "insert into page_sessions (client_id, agent_id, user_id, session_created_at, "
          "token_hash) select a.client_id, a.id, u.id, now(), convert_to('" +
          client +
          "', 'UTF8') from agents a join users u on u.client_id = a.client_id where a.client_id "
          "= '" +
          client + "';" +
          "insert into agent_credentials (client_id, agent_id, name, placeholder, encrypted) "
          "select client_id, id, 'c', 'p', "
          "'{\"iv\":1,\"ciphertext\":1,\"tag\":1,\"keyVersion\":1}' from agents where client_id = "
          "'" +
          client + "';" +
          "insert into deployments (client_id, agent_id, kind, generation, spec) select client_id, "
          "id, 'create', 1, '{}' from agents where client_id = '" +
          client + "';" +
          "insert into agent_observations (agent_id, client_id) select id, client_id from agents "
          "where client_id = '" +
          client + "';" +
          "insert into agent_output (agent_id, client_id, seq, at, stream, line) select id, "
          "client_id, 1, now(), 'stdout', 'x' from agents where client_id = '" +
          client + "';" +
          "insert into approvals (client_id, agent_id, digest, scope, target, request, "
          "request_bytes, expires_at) select client_id, id, sha256('x'), 'email:send', 't', '{}', "
          "2, now() + '1 hour' from agents where client_id = '" +
          client + "';" +
          "insert into credential_tests (client_id, agent_id, credential, requested_by) select "
          "client_id, id, 'c', gen_random_uuid() from agents where client_id = '" +
          client + "';" +
          "insert into model_spend select client_id, id, '2026-01-01', 1 from agents where "
          "client_id = '" +
          client + "';" + "insert into model_reservations select client_id, id, ascii('" + client +
          "'), 1, '2026-01-01', 1 from agents where client_id = '" + client + "';" +
          "insert into agent_metrics select client_id, id, 15, now(), 15, 1, 1, null, 1, 1 from "
          "agents where client_id = '" +
          client + "';" + "select audit.append('[{\"clientId\":\"" + client +
          "\",\"actorType\":\"system\","
          "\"actionType\":\"probe\",\"outcome\":\"success\"}]')");
    }
  }
};

const std::vector<std::string> kTenantTables = {"clients",
                                                "users",
                                                "recovery_codes",
                                                "sessions",
                                                "agents",
                                                "deployments",
                                                "agent_credentials",
                                                "agent_observations",
                                                "agent_output",
                                                "audit_logs",
                                                "idempotency_keys",
                                                "known_networks",
                                                "page_sessions",
                                                "client_authorities",
                                                "approvals",
                                                "credential_tests",
                                                "model_spend",
                                                "model_reservations",
                                                "agent_metrics"};

std::string tenant_column(const std::string& table) {
  return table == "clients" ? "id" : "client_id";
}

TEST_F(SchemaTest, AClientSeesItsOwnRowsAndNoOthers) {
  Session api("deployclaw_api");
  for (const auto& table : kTenantTables) {
    for (const char* client : {kA, kB}) {
      api.tenant(client);
      EXPECT_EQ(api.value("select count(*) from " + table), "1") << table;
      EXPECT_EQ(api.value("select " + tenant_column(table) + " from " + table), client) << table;
    }
  }
}

TEST_F(SchemaTest, WithoutATenantTheApiSeesNothing) {
  Session api("deployclaw_api");
  for (const auto& table : kTenantTables) {
    EXPECT_EQ(api.value("select count(*) from " + table), "0") << table;
    api.tenant("");  // what a custom setting is after its transaction
    EXPECT_EQ(api.value("select count(*) from " + table), "0") << table;
    api.tenant("00000000-0000-0000-0000-000000000000");
    EXPECT_EQ(api.value("select count(*) from " + table), "0") << table << ", nil tenant";
  }
}

TEST_F(SchemaTest, TheOwnerIsUnderRowSecurityToo) {
  Session root("postgres");
  EXPECT_EQ(root.try_sql("set role deployclaw_owner"), "");
  root.tenant(kA);
  for (const auto& table : kTenantTables) {
    EXPECT_EQ(root.value("select count(*) from " + table), "0") << table;
  }
}

TEST_F(SchemaTest, EveryTableHasForcedRowSecurity) {
  EXPECT_EQ(
      Postgres::shared().run(
          "select string_agg(c.oid::regclass::text, ', ') from pg_class c join pg_namespace n "
          "on n.oid = c.relnamespace where n.nspname in ('public', 'auth', 'audit', 'waitlist') "
          "and "
          "c.relkind in ('r', 'p') and not (c.relrowsecurity and c.relforcerowsecurity) and "
          "c.relname <> 'deployclaw_migrations'"),
      "");
}

TEST_F(SchemaTest, AClientCannotWriteIntoAnother) {
  Session api("deployclaw_api");
  api.tenant(kA);
  EXPECT_EQ(
      api.try_sql(std::string("insert into agents (client_id, name, runtime, runtime_version, "
                              "permissions) values ('") +
                  kB + "', 'x', 'r', '1', '{}')"),
      "42501");
  EXPECT_EQ(
      api.value(std::string("with u as (update agents set name = 'stolen' where client_id = '") +
                kB + "' returning 1) select count(*) from u"),
      "0");
  EXPECT_EQ(api.try_sql(std::string("update users set client_id = '") + kB + "'"), "42501");
  EXPECT_EQ(Postgres::shared().run("select count(*) from agents where name = 'agent'"), "2");
}

TEST_F(SchemaTest, WhatHangsOnAnAgentOrUserIsOfTheSameClient) {
  // Row security hides B's rows from A, but the check of a foreign key looks past it.
  const auto of_b = [](const std::string& table) {
    return "'" +
           Postgres::shared().run("select id from " + table + " where client_id = '" + kB + "'") +
           "'";
  };
  Postgres::shared().run("update deployments set state = 'live'");
  const std::string agent = std::string("('") + kA + "', " + of_b("agents");
  const std::string user = std::string("('") + kA + "', " + of_b("users");
  Session api("deployclaw_api");
  Session orchestrator("deployclaw_orchestrator");
  api.tenant(kA);
  const std::pair<Session*, std::string> planted[] = {
      {&api, "agent_credentials (client_id, agent_id, name, placeholder, encrypted) values " +
                 agent + R"(, 'x', 'p', '{"iv":1,"ciphertext":1,"tag":1,"keyVersion":1}'))"},
      {&api, "deployments (client_id, agent_id, kind, generation, spec) values " + agent +
                 ", 'create', 1, '{}')"},
      {&orchestrator,
       "agent_metrics (client_id, agent_id, resolution, at, measured_seconds, "
       "cpu_seconds, memory_bytes, received_bytes, sent_bytes) values " +
           agent + ", 15, now(), 15, 1, 1, 1, 1)"},
      {&orchestrator, "agent_output (client_id, agent_id, seq, at, stream, line) values " + agent +
                          ", 9, now(), 'stdout', 'x')"},
      {&api, "sessions (client_id, user_id, token_hash, level, expires_at) values " + user +
                 ", 'x', 'full', now())"},
      {&api, "recovery_codes (client_id, user_id, code_hash) values " + user + ", 'y')"},
      {&api, "credential_tests (client_id, agent_id, credential, requested_by) values " + agent +
                 ", 'c', gen_random_uuid())"},
      {&api,
       "page_sessions (client_id, user_id, agent_id, session_created_at, token_hash) select '" +
           std::string(kA) + "', u.id, " + of_b("agents") +
           "::uuid, now(), 'x' from users u where u.client_id = '" + kA + "'"},
      {&api,
       "idempotency_keys (client_id, user_id, key, request_hash) values " + user + ", 'l', 'x')"},
  };
  for (const auto& [session, sql] : planted) {
    EXPECT_EQ(session->try_sql("insert into " + sql), "23503") << sql;
  }
}

TEST_F(SchemaTest, TheAuditLogTakesNoChangeFromAnyone) {
  for (const char* role : {"deployclaw_api", "deployclaw_orchestrator", "deployclaw_egress",
                           "deployclaw_retention", "deployclaw_readonly"}) {
    Session session(role);
    session.tenant(kA);
    for (const char* sql :
         {"update audit_logs set target = 'x'", "delete from audit_logs", "truncate audit_logs",
          "update audit.heads set seq = 0", "delete from audit.heads",
          "insert into audit_logs select * from audit_logs", "select audit.ensure_partition(now())",
          "drop table audit_logs", "alter table audit_logs disable trigger all"}) {
      EXPECT_EQ(session.try_sql(sql), "42501") << role << ": " << sql;
    }
  }
  // Even a mistaken grant, and the superuser by mistake.
  Session root("postgres");
  for (const char* sql :
       {"update audit_logs set target = 'x'", "delete from audit_logs", "truncate audit_logs"}) {
    EXPECT_EQ(root.try_sql(sql), "42501") << sql;
  }
  const auto partition = root.value("select tableoid::regclass from audit_logs limit 1");
  EXPECT_EQ(root.try_sql("truncate " + partition), "42501");
  EXPECT_EQ(root.try_sql("delete from " + partition), "42501");
}

struct Access {
  const char* role;
  const char* sql;
  bool allowed;
};

constexpr const char* kKeepNothing =
    "select renewal.keep_grant(gen_random_uuid(), 'c', '{}', '{}', now())";

constexpr const char* kAskNobody =
    "select approval.ask(gen_random_uuid(), gen_random_uuid(), sha256('x'), 's', 't', '{}', '1 s', "
    "1)";

constexpr const char* kAnswerNothing =
    "select credential_test.answer(gen_random_uuid(), gen_random_uuid(), 'accepted', 200)";

TEST_F(SchemaTest, EachRoleReachesItsTablesAndNoOthers) {
  const Access table[] = {
      {"deployclaw_api", "select * from users", true},
      {"deployclaw_api", "update agents set desired_state = 'stopped'", true},
      {"deployclaw_api", "update agents set container_id = 'x'", false},
      {"deployclaw_api", "update agents set client_id = client_id", false},
      {"deployclaw_api", "delete from agents", false},
      {"deployclaw_api", "update clients set status = 'suspended'", false},
      {"deployclaw_api", "update clients set vault_salt = vault_salt", false},
      {"deployclaw_api", "insert into agent_observations (agent_id) values (null)", false},
      {"deployclaw_api", "select * from auth.attempts", false},
      {"deployclaw_api", "select * from leases", false},
      {"deployclaw_api", "select * from audit.heads", false},
      {"deployclaw_api", "select * from auth.find_user('a@example.com')", true},
      {"deployclaw_api", "select * from waitlist.entries", false},
      {"deployclaw_api", "insert into waitlist.entries (email) values ('a@b.example')", false},
      {"deployclaw_api", "select waitlist.join('a@b.example', null, null, null)", true},
      {"deployclaw_api", "select * from auth.find_page('x', gen_random_uuid(), '1 hour')", true},
      {"deployclaw_api", "update page_sessions set redeemed = true", false},
      {"deployclaw_orchestrator", "select waitlist.join('a@b.example', null, null, null)", false},
      {"deployclaw_egress", "select * from page_sessions", false},
      {"deployclaw_readonly", "select email from waitlist.entries", true},
      {"deployclaw_api", "create table public.mine (id int)", false},
      {"deployclaw_api", "set role deployclaw_owner", false},
      {"deployclaw_orchestrator", "select id, vault_salt from clients", true},
      {"deployclaw_orchestrator", "select email from clients", false},
      {"deployclaw_orchestrator", "select * from users", false},
      {"deployclaw_orchestrator", "select * from sessions", false},
      {"deployclaw_orchestrator", "select encrypted from agent_credentials", false},
      {"deployclaw_orchestrator", "select placeholder from agent_credentials", true},
      {"deployclaw_orchestrator", "update agents set status = 'running'", true},
      {"deployclaw_orchestrator", "update agents set permissions = '{}'", false},
      {"deployclaw_orchestrator", "update agents set desired_state = 'running'", false},
      {"deployclaw_orchestrator", "select * from audit_logs", false},
      {"deployclaw_orchestrator", "select * from auth.find_user('a@example.com')", false},
      {"deployclaw_orchestrator", "insert into leases values ('x', 'me', now())", true},
      {"deployclaw_egress", "select encrypted from agent_credentials", true},
      {"deployclaw_egress", "update agent_credentials set last_used_at = now()", true},
      {"deployclaw_egress", "update agent_credentials set encrypted = encrypted", false},
      {"deployclaw_egress", "select oauth, expires_at from agent_credentials", true},
      {"deployclaw_egress", "update agent_credentials set oauth = oauth", false},
      {"deployclaw_egress", "update agent_credentials set expires_at = now()", false},
      {"deployclaw_egress", kKeepNothing, true},
      {"deployclaw_api", kKeepNothing, false},
      {"deployclaw_orchestrator", kKeepNothing, false},
      {"deployclaw_readonly", kKeepNothing, false},
      {"deployclaw_orchestrator", "select oauth from agent_credentials", false},
      {"deployclaw_api", "update agent_credentials set expires_at = now()", true},
      {"deployclaw_egress", "update agents set permissions = '{}'", false},
      {"deployclaw_egress", "select * from users", false},
      {"deployclaw_egress", "select * from deployments", false},
      {"deployclaw_api", "select certificate from client_authorities", true},
      {"deployclaw_api", "select encrypted from client_authorities", false},
      {"deployclaw_api", "delete from client_authorities", false},
      {"deployclaw_orchestrator", "select encrypted from client_authorities", true},
      {"deployclaw_orchestrator", "update client_authorities set certificate = 'x'", false},
      {"deployclaw_orchestrator", "delete from client_authorities", false},
      {"deployclaw_egress", "select certificate, encrypted from client_authorities", true},
      {"deployclaw_egress", "update client_authorities set certificate = 'x'", false},
      {"deployclaw_egress", "insert into client_authorities select * from client_authorities",
       false},
      {"deployclaw_readonly", "select certificate from client_authorities", false},
      {"deployclaw_egress", kAskNobody, true},
      {"deployclaw_egress", "select approval.take(null, null, null)", true},
      {"deployclaw_egress", "select * from approvals", false},
      {"deployclaw_egress", "update approvals set state = 'granted'", false},
      {"deployclaw_egress", "select approval.expire(null)", false},
      {"deployclaw_api", "select request from approvals", true},
      {"deployclaw_api", "update approvals set request = '{}'", false},
      {"deployclaw_api", "update approvals set expires_at = now()", false},
      {"deployclaw_api", "delete from approvals", false},
      {"deployclaw_api", "insert into approvals select * from approvals", false},
      {"deployclaw_api", kAskNobody, false},
      {"deployclaw_api", "select approval.take(null, null, null)", false},
      {"deployclaw_orchestrator", "select * from approvals", false},
      {"deployclaw_api", "select * from credential_tests", true},
      {"deployclaw_api", "update credential_tests set reason = 'accepted'", false},
      {"deployclaw_api", "update credential_tests set claimed_at = now()", false},
      {"deployclaw_api", "delete from credential_tests", false},
      {"deployclaw_api", "insert into credential_tests (id) values (gen_random_uuid())", false},
      {"deployclaw_api", "select credential_test.claim('h')", false},
      {"deployclaw_api", kAnswerNothing, false},
      {"deployclaw_egress", "select credential_test.claim('h')", true},
      {"deployclaw_egress", kAnswerNothing, true},
      {"deployclaw_egress", "select * from credential_tests", false},
      {"deployclaw_egress", "update credential_tests set reason = 'accepted'", false},
      {"deployclaw_egress", "insert into credential_tests select * from credential_tests", false},
      {"deployclaw_egress", "select audit.tester_of(null, null, null)", false},
      {"deployclaw_orchestrator", "select * from credential_tests", false},
      {"deployclaw_orchestrator", kAnswerNothing, false},
      {"deployclaw_readonly", "select reason from credential_tests", true},
      {"deployclaw_egress", "select * from scope_uses", true},
      {"deployclaw_egress", "delete from scope_uses", false},
      {"deployclaw_egress", "select * from model_reservations", true},
      {"deployclaw_egress", "update model_spend set settled = 0", false},
      {"deployclaw_egress", "select audit.count_charges('{}')", false},
      {"deployclaw_api", "select * from scope_uses", false},
      {"deployclaw_api", "select settled from model_spend", true},
      {"deployclaw_api", "update model_spend set settled = 0", false},
      {"deployclaw_api", "delete from model_reservations", false},
      {"deployclaw_orchestrator", "select * from model_spend", false},
      {"deployclaw_readonly", "select * from model_spend", false},
      {"deployclaw_api", "select * from agent_metrics", true},
      {"deployclaw_api", "insert into agent_metrics select * from agent_metrics", false},
      {"deployclaw_api", "update agent_metrics set cpu_seconds = 0", false},
      {"deployclaw_api", "delete from agent_metrics", false},
      {"deployclaw_api", "select * from agent_metrics_15s", false},
      {"deployclaw_orchestrator", "update agent_metrics set cpu_seconds = 0", true},
      {"deployclaw_orchestrator", "delete from agent_metrics", true},
      {"deployclaw_orchestrator", "select * from agent_metrics_1min", false},
      {"deployclaw_egress", "select * from agent_metrics", false},
      {"deployclaw_readonly", "select * from agent_metrics", false},
      {"deployclaw_readonly", "select state from approvals", true},
      {"deployclaw_readonly", "select request from approvals", false},
      {"deployclaw_readonly", "select id, email from users", true},
      {"deployclaw_readonly", "select password_hash from users", false},
      {"deployclaw_readonly", "select totp_secret from users", false},
      {"deployclaw_readonly", "select * from sessions", false},
      {"deployclaw_readonly", "select * from agent_credentials", false},
      {"deployclaw_readonly", "select config from agents", false},
      {"deployclaw_readonly", "update agents set name = 'x'", false},
      {"deployclaw_readonly", "select audit.append('[]')", false},
      {"deployclaw_retention", "select * from users", false},
      {"deployclaw_retention", "select * from agent_credentials", false},
  };
  for (const auto& [role, sql, allowed] : table) {
    Session session(role);
    session.tenant(kA);
    EXPECT_EQ(session.try_sql(sql), allowed ? "" : "42501") << role << ": " << sql;
  }
}

// A grant takes the place of exactly the one that was renewed, and of nothing else ever.
TEST_F(SchemaTest, EgressKeepsARenewedGrantInThePlaceOfThatOneOnly) {
  const auto sealed = [](const std::string& iv) {
    return "'{\"iv\":\"" + iv + "\",\"ciphertext\":1,\"tag\":1,\"keyVersion\":1}'::jsonb";
  };
  const auto agent =
      Postgres::shared().run(std::string("select id from agents where client_id = '") + kA + "'");
  Session egress("deployclaw_egress");
  const auto keep = [&](const std::string& name, const std::string& present,
                        const std::string& renewed) {
    return egress.value("select renewal.keep_grant('" + agent + "', '" + name + "', " + present +
                        ", " + renewed + ", '2030-01-01T00:00:00Z')");
  };
  const auto stored = [] {
    return Postgres::shared().run(std::string("select coalesce(oauth ->> 'iv', 'none') || ' ' || "
                                              "coalesce(expires_at::date::text, 'none') from "
                                              "agent_credentials where client_id = '") +
                                  kA + "'");
  };
  // A credential that is not renewed has no grant to replace, and gets none.
  EXPECT_EQ(keep("c", "'{\"iv\":1,\"ciphertext\":1,\"tag\":1,\"keyVersion\":1}'", sealed("b")),
            "f");
  EXPECT_EQ(keep("c", "null", sealed("b")), "f");
  Postgres::shared().run("update agent_credentials set encrypted = null, oauth = " + sealed("a"));
  EXPECT_EQ(keep("c", sealed("x"), sealed("b")), "f");
  EXPECT_EQ(keep("d", sealed("a"), sealed("b")), "f");
  EXPECT_EQ(stored(), "a none");
  EXPECT_EQ(keep("c", sealed("a"), sealed("b")), "t");
  EXPECT_EQ(stored(), "b 2030-01-01");
  EXPECT_EQ(keep("c", sealed("a"), sealed("c")), "f")
      << "the customer, or another renewal, was faster";
  EXPECT_EQ(
      Postgres::shared().run("select count(*) from agent_credentials where oauth ->> 'iv' = 'a'"),
      "1")
      << "the other client's is as it was";
  const auto none = "select renewal.keep_grant('" + agent + "', 'c', " + sealed("b") + ", ";
  EXPECT_EQ(egress.try_sql(none + "null, now())"), "42501") << "a grant does not become none";
  EXPECT_EQ(egress.try_sql(none + "'{\"iv\":1}', now())"), "23514");
}

TEST_F(SchemaTest, ACredentialHasOneValue) {
  Session root("postgres");
  EXPECT_EQ(root.try_sql("update agent_credentials set oauth = encrypted"), "23514");
  EXPECT_EQ(root.try_sql("update agent_credentials set encrypted = null"), "23514");
}

TEST_F(SchemaTest, TheOrchestratorSeesEveryClientsAgents) {
  Session orchestrator("deployclaw_orchestrator");
  EXPECT_EQ(orchestrator.value("select count(*) from agents"), "2");
  EXPECT_EQ(orchestrator.value("with d as (delete from agents returning 1) select count(*) from d"),
            "2");
  EXPECT_EQ(Postgres::shared().run("select count(*) from agent_credentials"), "0")
      << "what belongs to an agent goes with it";
  EXPECT_EQ(Postgres::shared().run("select count(*) from audit_logs"), "2")
      << "but its audit records stay";
}

TEST_F(SchemaTest, AttemptsAreCountedUnderTheLimit) {
  Session api("deployclaw_api");
  const std::string take =
      "select coalesce(attempt_id::text, 'wait ' || retry_after_seconds) from "
      "auth.take_attempt('login', 'a', 2, '15 min')";
  const auto first = api.value(take);
  EXPECT_THAT(first, ::testing::Not(::testing::StartsWith("wait")));
  EXPECT_THAT(api.value(take), ::testing::Not(::testing::StartsWith("wait")));
  EXPECT_THAT(api.value(take), ::testing::StartsWith("wait"));
  EXPECT_EQ(api.try_sql("select auth.refund_attempt(" + first + ")"), "");
  EXPECT_THAT(api.value(take), ::testing::Not(::testing::StartsWith("wait")));
}

}  // namespace
}  // namespace deployclaw::db
