#include "api/audit_log/audit_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "api/testing/deploying.hpp"

namespace deployclaw::api {
namespace {

namespace json = boost::json;
using namespace testing;
using ::testing::HasSubstr;
using ::testing::Not;

class AuditLog : public ::testing::Test {
 protected:
  AuditLog() : client(api) {
    client.sign_up("ada@example.com");
    id = deploy(client, "=cmd()");
    client.post("/api/agents/" + id + "/stop");
  }
  std::vector<std::string> actions(const std::string& target) {
    const auto answer = client.get(target);
    EXPECT_EQ(answer.status, 200) << answer.text;
    std::vector<std::string> out;
    for (const auto& item : answer.at("items").get_array())
      out.emplace_back(item.at("actionType").get_string());
    return out;
  }
  // Of the agent, as audit.append takes it.
  std::string record(const std::string& of, const std::string& actor, const std::string& action) {
    return R"({"clientId":")" + of + R"(","agentId":")" + id + R"(","actorType":")" + actor +
           R"(","actionType":")" + action + R"(","outcome":"success","metadata":{}})";
  }
  Fixture api;
  Client client;
  std::string id;
};

using Actions = std::vector<std::string>;

TEST_F(AuditLog, AnAgentsRecordsComeNewestFirst) {
  EXPECT_EQ(actions("/api/agents/" + id + "/logs"), (Actions{"agent_stopped", "agent_created"}));
}

TEST_F(AuditLog, FiltersNarrow) {
  EXPECT_EQ(actions("/api/audit?actionType=agent_stopped"), Actions{"agent_stopped"});
  EXPECT_EQ(actions("/api/audit?actionType=agent_stopped&outcome=denied"), Actions{});
  EXPECT_EQ(actions("/api/audit?target=%3Dcmd()").size(), 2U);
  EXPECT_EQ(actions("/api/audit?q=CMD(").size(), 2U) << "case does not matter";
  EXPECT_EQ(actions("/api/audit?q=%25"), Actions{}) << "LIKE's own characters are plain text";
  EXPECT_EQ(actions("/api/audit?agentId=" + id).size(), 2U);
  EXPECT_EQ(actions("/api/audit?to=2000-01-01T00:00:00Z"), Actions{});
  EXPECT_GT(actions("/api/audit?from=2000-01-01T00:00:00Z").size(), 2U);
  for (const char* bad : {"outcome=maybe", "from=yesterday", "agentId=1", "actiontype=x", "q="}) {
    EXPECT_EQ(client.get(std::string("/api/audit?") + bad).status, 422) << bad;
  }
}

TEST_F(AuditLog, WhoDidItNarrowsTheLogAnAgentsAndTheExport) {
  const auto client_id = Fixture::sql("SELECT client_id FROM agents WHERE id = '" + id + "'");
  Fixture::sql("SELECT audit.append('[" + record(client_id, "agent", "api_call") + "," +
               record(client_id, "operator", "client_suspended") + "]')");
  const std::string logs = "/api/agents/" + id + "/logs";
  EXPECT_EQ(actions(logs + "?actorType=agent"), Actions{"api_call"});
  EXPECT_EQ(actions(logs + "?actorType=operator"), Actions{"client_suspended"});
  EXPECT_EQ(actions(logs + "?actorType=user"), (Actions{"agent_stopped", "agent_created"}));
  EXPECT_EQ(actions(logs + "?actorType=user&actionType=api_call"), Actions{});
  EXPECT_EQ(actions("/api/audit?actorType=agent"), Actions{"api_call"});
  EXPECT_EQ(actions("/api/audit?actorType=api_key"), Actions{});

  const auto exported = client.get("/api/audit/export?actorType=operator");
  ASSERT_EQ(exported.status, 200);
  EXPECT_EQ(std::ranges::count(exported.text, '\n'), 1);
  EXPECT_EQ(json::parse(exported.text).at("actionType").get_string(), "client_suspended");
}

TEST_F(AuditLog, AnActorOfNoKnownTypeIsRefusedWithThoseThatAre) {
  for (const auto& path : {std::string("/api/audit"), std::string("/api/audit/export"),
                           "/api/agents/" + id + "/logs"}) {
    for (const char* bad :
         {"somebody", "User", "", "user,agent", "user%27--", "somebody&actorType=x"}) {
      const auto answer = client.get(path + "?actorType=" + bad);
      EXPECT_EQ(answer.status, 422) << path << bad;
      EXPECT_THAT(answer.text, HasSubstr("\"/query/actorType\"")) << path << bad;
      EXPECT_THAT(answer.text, HasSubstr("must be one of user, api_key, agent, system, operator"));
    }
  }
}

TEST_F(AuditLog, PagesJoinWithoutGaps) {
  Actions all = actions("/api/audit?limit=200");
  Actions paged;
  std::string cursor;
  do {
    const auto answer =
        client.get("/api/audit?limit=2" + (cursor.empty() ? "" : "&cursor=" + cursor));
    for (const auto& item : answer.at("items").get_array())
      paged.emplace_back(item.at("actionType").get_string());
    cursor = answer.at("nextCursor").is_null() ? "" : answer.string_at("nextCursor");
  } while (!cursor.empty());
  EXPECT_EQ(paged, all);
}

TEST_F(AuditLog, AnExportHoldsTheWholeChainInOrder) {
  const auto answer = client.get("/api/audit/export");
  ASSERT_EQ(answer.status, 200);
  std::istringstream lines(answer.text);
  std::string line;
  std::string previous(64, '0');
  int seq = 0;
  while (std::getline(lines, line)) {
    const auto record = json::parse(line);
    EXPECT_EQ(record.at("seq").to_number<int>(), ++seq);
    EXPECT_EQ(record.at("prevHash").get_string(), previous);
    EXPECT_EQ(json::parse(record.at("metadataText").get_string()), record.at("metadata"));
    previous = record.at("hash").get_string();
  }
  EXPECT_EQ(std::to_string(seq), Fixture::sql("SELECT count(*) FROM audit_logs"));
  EXPECT_EQ(Fixture::sql("SELECT target FROM audit_logs ORDER BY seq DESC LIMIT 1"), "jsonl");
}

TEST_F(AuditLog, ACsvExportIsSafeInASpreadsheet) {
  const auto answer = client.get("/api/audit/export?format=csv");
  ASSERT_EQ(answer.status, 200);
  EXPECT_EQ(answer.headers.get("content-disposition"), "attachment; filename=\"audit.csv\"");
  EXPECT_THAT(answer.text, HasSubstr("\"'=cmd()\""));
  EXPECT_THAT(answer.text, Not(HasSubstr("\"=cmd")));
}

TEST(CsvCell, IsQuotedAndNeverAFormula) {
  EXPECT_EQ(audit_log::csv_cell("plain"), "\"plain\"");
  EXPECT_EQ(audit_log::csv_cell("say \"hi\", you"), "\"say \"\"hi\"\", you\"");
  for (const char* formula : {"=1+1", "+1", "-1", "@x", "\tx", "\rx", "\nx"}) {
    EXPECT_EQ(audit_log::csv_cell(formula), "\"'" + std::string(formula) + "\"");
  }
}

TEST_F(AuditLog, ExportsNeedAFreshSession) {
  api.clock.advance(std::chrono::minutes(11));
  EXPECT_EQ(client.get("/api/audit/export").code(), "two_factor_required");
  EXPECT_EQ(client.get("/api/audit").status, 200);
}

}  // namespace
}  // namespace deployclaw::api
